"""JSON as HTML: indented, with names, texts and other values told apart by colour."""

import json
import re
from typing import Final

from markupsafe import Markup, escape

_TOKENS: Final = re.compile(
    r"""(?P<key>"(?:[^"\\]|\\.)*")(?=\s*:)
      | (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<value>-?\d[\d.eE+-]*|true|false|null)""",
    re.VERBOSE,
)

LONGEST: Final = 200_000
"""Characters beyond which colours would cost more than they help."""


def highlight(content: object) -> Markup:
    """A JSON value for a `<pre>`; a text by itself is shown as it is."""
    if isinstance(content, str):
        return escape(content)
    text = json.dumps(content, indent=2, ensure_ascii=False)
    return escape(text) if len(text) > LONGEST else _coloured(text)


def _coloured(text: str) -> Markup:
    """Every character of `text` passes through `escape`: what is added around it is ours."""
    parts: list[Markup] = []
    end = 0
    for token in _TOKENS.finditer(text):
        parts.append(escape(text[end : token.start()]))
        parts.append(Markup('<span class="{}">{}</span>').format(token.lastgroup, token.group()))
        end = token.end()
    parts.append(escape(text[end:]))
    return Markup("").join(parts)
