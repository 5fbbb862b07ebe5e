"""The texts by which values of properties are compared and reported: those of .NET (events.md 7.2)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

# Beyond these powers of ten .NET writes numbers with an exponent.
_FIXED: Final = range(-4, 15)

_encode: Final = msgspec.json.Encoder(order="deterministic").encode


def value_at(content: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """The value that a path of property names leads to; `None` where it leads nowhere."""
    value: Any = content
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def text_of(value: Any) -> str | None:
    """A JSON value as .NET writes it without regard to culture: `True`, `0.5`, `1E+16`; `None` for null.

    Objects and arrays, of which .NET would write the names of its classes, are written as JSON.
    """
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return _encode(value).decode()


def _number(value: float) -> str:
    number = Decimal(repr(value))
    exponent = number.adjusted()
    if not number:
        return "-0" if number.is_signed() else "0"
    # As few digits as tell it from its neighbours, in .NET as in Python; only where they stand differs.
    number = number.normalize()
    if exponent in _FIXED:
        return f"{number:f}"
    significand = f"{number.scaleb(-exponent):f}"
    return f"{significand}E{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
