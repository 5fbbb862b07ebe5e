"""How the kernel writes single values of read models (projections-and-read-models.md 3.7).

Values are stored as clients have sent them. Dates and times alone leave in another form than they came in.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from chronicle.kernel.schemas.formats import FORMATS, TYPES

Render = Callable[[Any], Any]
"""From the stored value to the one that is given out."""

_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d)?)(\.\d+)?([Zz]|[+-]\d\d:\d\d)?")
_TIME: Final = re.compile(r"(\d\d:\d\d(?::\d\d)?)(\.\d+)?")
_DATE_LENGTH: Final = len("2024-01-15")


def as_is(value: Any) -> Any:
    """Values without a form of their own."""
    return value


def _date_time(value: Any) -> Any:
    parts = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        return value
    date, time, fraction, offset = parts.groups()
    return f"{date}T{_clock(time, fraction)}{(offset or '').upper()}"


def _date_time_offset(value: Any) -> Any:
    text = _date_time(value)
    # Personal data that was erased is an empty text, whatever it was.
    if not isinstance(text, str) or not text:
        return text
    if text.endswith("Z"):
        return f"{text[:-1]}+00:00"
    # The date holds hyphens too; an offset stands six places before the end.
    return text if text[-6:-5] in ("+", "-") and "T" in text[:-6] else f"{text}+00:00"


def _date(value: Any) -> Any:
    return f"{value[:_DATE_LENGTH]}T12:00:00" if isinstance(value, str) and value else value


def _time(value: Any) -> Any:
    parts = _TIME.search(value) if isinstance(value, str) else None
    return value if parts is None else f"0001-01-01T{_clock(*parts.groups())}"


def _guid(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _clock(time: str, fraction: str | None) -> str:
    """A time of day with seconds, and at most seven digits after them, none of them a trailing zero."""
    seconds = time if len(time) > len("12:30") else f"{time}:00"
    digits = (fraction or "")[:8].rstrip("0")
    return seconds if digits in ("", ".") else f"{seconds}{digits}"


RENDERERS: Final[Mapping[str, Render]] = MappingProxyType(
    {
        "date-time": _date_time,
        "date-time-offset": _date_time_offset,
        "date": _date,
        "time": _time,
        "guid": _guid,
        "uuid": _guid,
    }
)
"""By `format`; values of all other formats leave as they came."""

DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        **{name: format_.default for name, format_ in FORMATS.items() if format_.default is not None},
        "date": "0001-01-01T12:00:00",
        "time": "0001-01-01T00:00:00",
    }
)
"""By `format`: what an unset value that cannot be null is given out as."""

TYPE_DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType(
    {name: format_.default for name, format_ in TYPES.items()}
)
"""The same by JSON type, for properties without a known format. Texts, objects and arrays have none."""
