"""The formats of values: how a value must look for its format, and what stands for one that is absent.

Source: events.md 3.4 and 16. A value stays as it was sent when its format can be read from it; there are two
exceptions: a guid becomes lower case, and a number that is no `decimal` becomes a double.
"""

import re
from binascii import a2b_base64
from collections.abc import Callable, Mapping
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from chronicle.kernel.schemas.content import shown

Convert = Callable[[Any], Any]
"""From a value that was sent to the one that is stored; raises `Misfit`."""


class Misfit(Exception):
    """A value that its format cannot be read from; the path grows while the error travels outwards."""

    def __init__(self, what: str, value: Any) -> None:
        super().__init__(what)
        self.reason = f"cannot be read as {what}: {shown(value)}"
        self.path = ""

    def inside(self, name: str) -> "Misfit":
        """The same, seen from one level further out."""
        self.path = f"{name}.{self.path}" if self.path and self.path[0] != "[" else f"{name}{self.path}"
        return self


class Format(NamedTuple):
    """What is known of a format."""

    types: frozenset[str]
    """The JSON types that it reads."""
    convert: Convert | None
    """`None` when every value of these types is right."""
    default: Any = None
    """What an absent value that cannot be null is stored as; `None` for nothing."""


_CLOCK: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
# Possessive, so that nothing is tried twice; the calendar itself is Python's to know.
_MOMENT: Final = re.compile(
    rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:T{_CLOCK}(?::[0-5][0-9](?:\.[0-9]{{1,16}}+)?+)?+"
    r"(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)?+)?+"
).fullmatch
_LENGTH_OF_DATE: Final = len("2024-01-02")
_TIME: Final = re.compile(rf"{_CLOCK}(?::[0-5]\d(?:\.\d{{1,7}})?)?", re.ASCII).fullmatch
_DURATION: Final = re.compile(
    r"(-)?(?:(\d{1,8})\.)?((?:[01]?\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,7})?)", re.ASCII
).fullmatch

# The ends of .NET's durations and of its numbers.
_MOST_DAYS: Final = 10_675_199
_REST_OF_MOST_DAYS: Final = "02:48:05.4775807"
_GREATEST_SINGLE: Final = 3.4028235e38
_GREATEST_DECIMAL: Final = 2**96 - 1
_EXACT_AS_DOUBLE: Final = 2**53
_BITS_OF_DOUBLES: Final = 1024
_INFINITY: Final = float("inf")
_NEGATIVE_INFINITY: Final = -_INFINITY


def whole(name: str, low: int, high: int) -> Convert:
    """Integers from `low` to `high`, written without fraction and exponent."""

    def convert(value: Any) -> Any:
        if type(value) is int and low <= value <= high:
            return value
        raise Misfit(name, value)

    return convert


def double(value: Any) -> Any:
    """Numbers of 64 bits. An integer stays one; it only must not be beyond all doubles."""
    kind = type(value)
    if kind is int:
        if -_EXACT_AS_DOUBLE <= value <= _EXACT_AS_DOUBLE or value.bit_length() < _BITS_OF_DOUBLES:
            return value
    elif kind is Decimal or kind is float:
        number = float(value)
        if _NEGATIVE_INFINITY < number < _INFINITY:
            return number
    raise Misfit("double", value)


def _single(value: Any) -> Any:
    number = double(value)
    if abs(number) > _GREATEST_SINGLE:
        raise Misfit("float", value)
    return number


def _decimal(value: Any) -> Any:
    kind = type(value)
    # `abs` would round, and stumble over huge exponents.
    if kind is Decimal:
        is_right = value.is_finite() and value.copy_abs() <= _GREATEST_DECIMAL
    else:
        is_right = kind in (int, float) and abs(value) <= _GREATEST_DECIMAL
    if not is_right:
        raise Misfit("decimal", value)
    return value


def _guid(value: Any) -> Any:
    if type(value) is str and _GUID(value):
        return value.lower()
    raise Misfit("guid", value)


def _moment(name: str) -> Convert:
    def convert(value: Any) -> Any:
        if type(value) is str and _MOMENT(value):
            try:
                moment = datetime.fromisoformat(value)
                if not MINYEAR < moment.year < MAXYEAR:
                    # Near the ends of the calendar, the moment itself may lie beyond them.
                    moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
            except (ValueError, OverflowError):
                pass
            else:
                return value
        raise Misfit(name, value)

    return convert


def _date(value: Any) -> Any:
    # Of ten characters, Python reads dates of weeks (2024-W01-2) besides those of months.
    if type(value) is str and len(value) == _LENGTH_OF_DATE and value[5] != "W":
        try:
            date.fromisoformat(value)
        except ValueError:
            pass
        else:
            return value
    raise Misfit("date", value)


def _time(value: Any) -> Any:
    if type(value) is str and _TIME(value):
        return value
    raise Misfit("time", value)


def _duration(value: Any) -> Any:
    match = _DURATION(value) if type(value) is str else None
    if match is not None:
        days = int(match[2] or 0)
        if days < _MOST_DAYS or (days == _MOST_DAYS and match[3].rjust(8, "0") <= _REST_OF_MOST_DAYS):
            return value
    raise Misfit("duration", value)


def _bytes(value: Any) -> Any:
    if type(value) is str:
        try:
            a2b_base64(value, strict_mode=True)
        except ValueError:
            pass
        else:
            return value
    raise Misfit("byte-array", value)


_WHOLE: Final = frozenset({"integer", "number"})
_TEXT: Final = frozenset({"string"})


def _integers(name: str, bits: int, *, is_signed: bool) -> Format:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if is_signed else (0, 2**bits - 1)
    return Format(_WHOLE, whole(name, low, high), 0)


_GUIDS: Final = Format(_TEXT, _guid, "00000000-0000-0000-0000-000000000000")

FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        "byte": _integers("byte", 8, is_signed=False),
        "int16": _integers("int16", 16, is_signed=True),
        "int32": _integers("int32", 32, is_signed=True),
        "int64": _integers("int64", 64, is_signed=True),
        "uint32": _integers("uint32", 32, is_signed=False),
        "uint64": _integers("uint64", 64, is_signed=False),
        "float": Format(_WHOLE, _single, 0),
        "double": Format(_WHOLE, double, 0),
        "decimal": Format(_WHOLE, _decimal, 0),
        "guid": _GUIDS,
        "uuid": _GUIDS,
        "date-time": Format(_TEXT, _moment("date-time"), "0001-01-01T00:00:00"),
        "date-time-offset": Format(_TEXT, _moment("date-time-offset"), "0001-01-01T00:00:00+00:00"),
        "date": Format(_TEXT, _date, "0001-01-01"),
        "time": Format(_TEXT, _time, "00:00:00"),
        "duration": Format(_TEXT, _duration, "00:00:00"),
        "byte-array": Format(_TEXT, _bytes),
    }
)
"""Formats of single values by name."""

TYPES: Final[Mapping[str, Format]] = MappingProxyType(
    {
        "integer": _integers("int32", 32, is_signed=True),
        "number": Format(_WHOLE, double, 0),
        "boolean": Format(frozenset({"boolean"}), None, default=False),
    }
)
"""What holds for a JSON type without a known format."""

OPAQUE_FORMATS: Final = frozenset({"point", "linestring", "polygon", "dynamic"})
"""Objects that are one value: nothing inside is looked at."""
