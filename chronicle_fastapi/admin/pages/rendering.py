"""HTML from templates, with the headers that a page of this kind needs."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from chronicle_fastapi.admin.pages.assets import address_of
from chronicle_fastapi.admin.pages.highlighting import highlight
from chronicle_fastapi.admin.pages.states import state_of_job, state_of_observer, state_of_step

SECURITY_HEADERS: Final = {
    # Nothing inline, nothing from elsewhere: content of events that got past the escaping would still be
    # text that does nothing.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def link(page: str, **query: object) -> str:
    """The address of a page relative to any other, without what is None or empty in the query."""
    given = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{page or './'}?{urlencode(given)}" if given else page or "./"


def render(template: str, values: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """A page. What it shows is of the moment and confidential: nobody on the way keeps it."""
    html = _TEMPLATES.get_template(template).render(values)
    return HTMLResponse(html, status, {"Cache-Control": "no-store"})


def _count(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


_UNITS: Final = (("d", 86400), ("h", 3600), ("min", 60))


def _ago(moment: datetime | None) -> str:
    """How long ago, in the largest unit that fits: `3 min ago`."""
    if moment is None:
        return ""
    seconds = max(timedelta(0), datetime.now(UTC) - moment).total_seconds()
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return f"{int(seconds)} s ago"


def _one_line(content: object) -> str:
    """Content in one line, for a table; the page of the event has the whole of it."""
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return text if len(text) <= 300 else text[:300] + "\u2026"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(asset=address_of, link=link)
    environment.filters.update(
        ago=_ago,
        count=_count,
        highlight=highlight,
        moment=_moment,
        one_line=_one_line,
        state_of_job=state_of_job,
        state_of_observer=state_of_observer,
        state_of_step=state_of_step,
    )
    return environment


_TEMPLATES: Final = _environment()
