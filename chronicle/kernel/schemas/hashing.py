"""The hash of an event (events.md 11): the same for the same content, whoever computes it."""

import re
from binascii import b2a_base64
from decimal import Decimal
from hashlib import sha256
from types import NoneType
from typing import Any, Final

import msgspec

from chronicle.kernel.schemas.content import encoded

_encode_sorted: Final = msgspec.json.Encoder(order="deterministic", decimal_format="number").encode
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode

# Values that msgspec writes as they must be written; texts aside, which are looked at afterwards.
_PLAIN: Final = frozenset({str, int, bool, NoneType})

# What may be written in another way than msgspec does it, and what is. A backslash goes with what it escapes.
_SUSPECT: Final = re.compile("[\\\\\x7f-\x9f\U00010000-\U0010ffff]").search
_SPECIAL: Final = re.compile(r"\\\\|\\u00[01][0-9a-f]|[\x7f-\x9f\U00010000-\U0010ffff]")

_PLAIN_FROM: Final = 1e-3
_FIRST_WITH_EXPONENT: Final = 1e15

# Beyond them the plain form of a number would be long; no .NET decimal is.
_MOST_ZEROS: Final = 64


def event_hash(event_type_id: str, event_source_id: str, content: dict[str, Any]) -> str:
    """Base64 of SHA-256 over type, source and canonical content; `content` as shaped and encrypted."""
    return hash_of_canonical(event_type_id, event_source_id, canonical(content))


def hash_of_canonical(event_type_id: str, event_source_id: str, content: str) -> str:
    """The same of content that is canonical already."""
    text = f"{event_type_id}|{event_source_id}|{content}"
    return b2a_base64(sha256(text.encode()).digest(), newline=False).decode()


def canonical(content: dict[str, Any]) -> str:
    """Content without whitespace, keys by their UTF-16 code units, numbers and texts as .NET writes them."""
    if not _PLAIN.issuperset(map(type, content.values())):
        content = as_written(content)
    text = encoded(content, _encode_sorted).decode()
    if is_canonical(text):
        return text
    if max(text) > "\uffff":
        # Only then the order of code units differs from that of characters.
        text = encoded(_sorted(content), _encode).decode()
    return _SPECIAL.sub(_escape, text)


def is_canonical(text: str) -> bool:
    """Whether msgspec has written every text in content as .NET does."""
    if text.isascii():
        return "\\" not in text and "\x7f" not in text
    return not _SUSPECT(text)


def as_written(value: Any) -> Any:
    """The same value with its numbers as they are to be written."""
    kind = type(value)
    if kind is float:
        # All digits before the exponent begins, and some behind the point: there all write alike.
        if _PLAIN_FROM <= abs(value) < _FIRST_WITH_EXPONENT and value % 1:
            return value
        return msgspec.Raw(_double(value).encode())
    if kind is dict:
        others = {name: as_written(item) for name, item in value.items() if type(item) not in _PLAIN}
        return {**value, **others} if others else value
    if kind is list:
        if _PLAIN.issuperset(map(type, value)):
            return value
        return [item if type(item) in _PLAIN else as_written(item) for item in value]
    if kind is Decimal and "E" in str(value) and abs(value.adjusted()) < _MOST_ZEROS:
        return msgspec.Raw(format(value, "f").encode())
    return value


def _double(number: float) -> str:
    """The shortest text that reads as the number, with an exponent where .NET writes one."""
    text = repr(number)
    if "e" not in text and -_FIRST_WITH_EXPONENT < number < _FIRST_WITH_EXPONENT:
        return text.removesuffix(".0")
    sign, digits, exponent = Decimal(text).normalize().as_tuple()
    assert isinstance(exponent, int), "content holds no infinities"
    fraction = "." + "".join(map(str, digits[1:])) if len(digits) > 1 else ""
    return f"{'-' * sign}{digits[0]}{fraction}E{len(digits) - 1 + exponent:+03d}"


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return {name: _sorted(value[name]) for name in names}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _escape(match: re.Match[str]) -> str:
    text = match[0]
    if text == "\\\\":
        return text
    if len(text) > 1:
        return f"\\u{text[2:].upper()}"
    units = text.encode("utf-16-be").hex().upper()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
