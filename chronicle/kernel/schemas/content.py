"""Contents of events as JSON values, and back as text.

Numbers keep every digit: those written with a fraction or an exponent are `Decimal`s, all others `int`s.
That is also how 1.0 is told from 1, which matters to shaping.
"""

import json
from decimal import Decimal
from typing import Any, Final

import msgspec

from chronicle.kernel.schemas.errors import InvalidContent

MOST_LEVELS: Final = 64
"""How deep objects and arrays may be nested; everything that walks through a content relies on it."""

_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


def content_of(text: str) -> dict[str, Any]:
    """The content behind a text; of a name that is there twice, the last value counts.

    Raises `InvalidContent` unless it is the text of a JSON object.
    """
    try:
        content = _decode(text)
    except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError) as error:
        raise InvalidContent(f"Content must be the text of a JSON object: {error}") from error
    if not isinstance(content, dict):
        raise InvalidContent("Content must be the text of a JSON object.")
    if is_nested_deeper(MOST_LEVELS, content, text):
        raise InvalidContent(f"Content must not be nested deeper than {MOST_LEVELS} levels.")
    return content


def text_of(content: dict[str, Any]) -> str:
    """The text of a content, without whitespace."""
    return encoded(content, _encode).decode()


def repeats_names(text: str, content: dict[str, Any]) -> bool:
    """Whether an object in the text of this content has a name twice, which other readers may refuse."""
    # Clients write without whitespace: most texts are what we would have written, and that repeats none.
    if text_of(content) == text:
        return False
    found: list[bool] = []

    def look(members: list[tuple[str, Any]]) -> None:
        found.append(len(members) != len({name for name, _ in members}))

    # Numbers are of no interest, and one with thousands of digits would be refused.
    json.loads(text, object_pairs_hook=look, parse_int=str, parse_float=str)
    return any(found)


def encoded(value: Any, encoder: Any) -> bytes:
    """What an encoder makes of a JSON value, integers of more than 64 bits included."""
    try:
        written: bytes = encoder(value)
    except OverflowError:
        written = encoder(_with_large_integers(value))
    return written


def shown(value: Any) -> str:
    """A value as an error quotes it: shortened."""
    try:
        text = encoded(value, _encode).decode()
    except (TypeError, ValueError, RecursionError):
        text = str(type(value).__name__)
    return text if len(text) <= 60 else f"{text[:57]}..."


def is_nested_deeper(levels: int, value: Any, text: str) -> bool:
    """Whether more objects and arrays stand inside each other in the value behind a text."""
    # Few texts have so many brackets, and only then the value needs to be looked at.
    return text.count("{") + text.count("[") > levels and _levels(value) > levels


def _levels(value: Any) -> int:
    """How many objects and arrays stand inside each other."""
    levels, layer = 0, [value]
    while layer := [item for item in layer if isinstance(item, dict | list)]:
        levels += 1
        layer = [inner for item in layer for inner in (item.values() if isinstance(item, dict) else item)]
    return levels


def _with_large_integers(value: Any) -> Any:
    """The same value with integers as they are written; msgspec writes none beyond 64 bits."""
    if isinstance(value, dict):
        return {name: _with_large_integers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_large_integers(item) for item in value]
    return msgspec.Raw(str(value)) if type(value) is int else value
