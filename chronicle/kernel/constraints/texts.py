"""The texts by which values of properties are compared and reported: those of .NET (events.md 7.2)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from chronicle.kernel.schemas.content import encoded

# Beyond these powers of ten .NET writes doubles with an exponent, and has no decimals.
_FIXED: Final = range(-4, 15)
_FIXED_DECIMALS: Final = range(-28, 29)

_encode: Final = msgspec.json.Encoder().encode


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

    Numbers that are equal have the same text, however they were written and whichever type they have here:
    an event that is indexed later is read from its content. Objects and arrays, of which .NET would write the
    names of its classes, are written as JSON.
    """
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float | Decimal):
        return _number(value)
    return _json(value)


def _json(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{','.join(f'{_json(name)}:{_json(value[name])}' for name in sorted(value))}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_json, value))}]"
    return _number(value) if isinstance(value, float | Decimal) else encoded(value, _encode).decode()


def _number(value: float | Decimal) -> str:
    # As few digits as tell it from its neighbours, in .NET as in Python; only where they stand differs.
    double = Decimal(repr(float(value)))
    if isinstance(value, Decimal) and value != double:
        # No double has all these digits. With all its zeros, a number of a few bytes could fill the memory.
        return f"{value:f}" if value.adjusted() in _FIXED_DECIMALS else f"{value:E}"
    exponent = double.adjusted()
    if not double:
        return "-0" if double.is_signed() else "0"
    double = double.normalize()
    if exponent in _FIXED:
        return f"{double:f}"
    significand = f"{double.scaleb(-exponent):f}"
    return f"{significand}E{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
