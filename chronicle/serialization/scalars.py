"""The forms of single values in content (events.md 16), and where they differ from msgspec's own."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

from chronicle.values import parse_timestamp

Convert: TypeAlias = Callable[[Any], Any]


class Form(NamedTuple):
    """How values of one type are read and written."""

    wire: Any
    """What msgspec reads from JSON."""
    load: Convert | None = None
    """Makes the value of what was read; None when it is the value already."""
    dump: Convert | None = None
    """Makes of the value what msgspec writes; None when it writes the value as it is."""
    is_personal: bool = False
    """Whether the value may have been erased."""


_DURATION: Final = re.compile(r"(-)?(?:(\d+)\.)?(\d\d?):(\d\d):(\d\d)(?:\.(\d{1,7}))?")
_MICROSECOND: Final = timedelta(microseconds=1)


def format_moment(moment: datetime) -> str:
    """ISO 8601 with an offset; a naive moment is taken as UTC."""
    text = moment.isoformat()
    if moment.tzinfo is None:
        return text + "+00:00"
    # Offsets on the wire are whole minutes within 14 hours; Python allows others, local mean time has them.
    if text[-6] not in "+-" or text[-5:] > "14:00":
        return moment.astimezone(UTC).isoformat()
    return text


def parse_date(text: str) -> date:
    """A date, also when it arrives as the noon of its day, as in read models."""
    return date.fromisoformat(text[:10])


def format_time(value: time) -> time:
    """The time itself, unless it carries an offset, which the wire cannot."""
    if value.tzinfo is not None:
        raise ValueError("a time of day cannot carry an offset; use a datetime")
    return value


def parse_time(text: str) -> time:
    """A time of day, also when it arrives on the first day of the calendar, as in read models."""
    return time.fromisoformat(text.rpartition("T")[2])


def format_duration(duration: timedelta) -> str:
    """.NET's constant form, `[-][d.]hh:mm:ss[.fffffff]`."""
    microseconds = abs(duration) // _MICROSECOND
    seconds, microseconds = divmod(microseconds, 1_000_000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    sign = "-" if duration.days < 0 else ""
    days = f"{day}." if day else ""
    fraction = f".{microseconds:06d}0" if microseconds else ""
    return f"{sign}{days}{hour:02d}:{minute:02d}:{second:02d}{fraction}"


def parse_duration(text: str) -> timedelta:
    """The duration that a text in .NET's constant form stands for; raises `ValueError` for another form."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is no duration of the form d.hh:mm:ss.fffffff")
    sign, days, hours, minutes, seconds, fraction = match.groups()
    duration = timedelta(
        days=int(days or 0),
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(seconds),
        microseconds=int((fraction or "").ljust(6, "0")[:6]),
    )
    return -duration if sign else duration


def finite(number: float) -> float:
    """The number itself, unless JSON cannot hold it: msgspec would write NaN and the infinities as null."""
    if not isfinite(number):
        raise ValueError(f"{number} cannot be written as a JSON number")
    return number


def finite_decimal(number: Decimal | float) -> Decimal | float:
    """The number itself, unless JSON cannot hold it; an integer or a float in its place is let through."""
    if isinstance(number, Decimal) and not number.is_finite():
        raise ValueError(f"{number} cannot be written as a JSON number")
    return number


def maker(concept: Convert) -> Convert:
    """Makes a concept of a value of its base."""
    # UUID's own constructor takes a text, not another UUID.
    if isinstance(concept, type) and issubclass(concept, UUID):
        return lambda value: concept(str(value))
    return concept


def bare(value: object) -> object:
    """A concept (`class AccountId(str)`) as the plain value that it is; for msgspec's `enc_hook`."""
    match value:
        case str():
            return str.__str__(value)
        case int():
            return int.__int__(value)
        case float():
            return float.__float__(value)
        case Decimal():
            return Decimal(value)
        case bytes():
            return bytes(value)
    raise TypeError(f"a value of type {type(value).__qualname__} cannot be written")


FORMS: Final[dict[type, Form]] = {
    bool: Form(bool),
    str: Form(str),
    int: Form(int),
    float: Form(float, dump=finite),
    Decimal: Form(Decimal, dump=finite_decimal),
    UUID: Form(UUID),
    bytes: Form(bytes),
    datetime: Form(str, load=parse_timestamp, dump=format_moment),
    date: Form(str, load=parse_date),
    time: Form(str, load=parse_time, dump=format_time),
    timedelta: Form(str, load=parse_duration, dump=format_duration),
}
