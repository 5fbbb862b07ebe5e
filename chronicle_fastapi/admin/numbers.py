"""Numbers that survive JavaScript, whose own are exact up to 2^53 - 1 only.

Sequence numbers and counts are JSON numbers: no event sequence comes near that bound. The words of the wire
for "no number" (events.md 2), which lie far above it, are `null` here. Inside the content of events any
number may occur: one that a double is not sure to hold exactly comes as a string with its digits, so that
nobody reads another number without noticing.
"""

import json
from decimal import Decimal
from typing import Annotated, Any, Final

from fastapi import Path
from pydantic import Field

from chronicle.values import is_actual

LARGEST_EXACT: Final = 2**53 - 1
LARGEST_INT32: Final = 2**31 - 1

_MOST_DIGITS: Final = 17
"""No exact integer has more, its sign included; and Python refuses to read thousands of them."""

Count = Annotated[int, Field(ge=0)]
SequenceNumber = Annotated[int, Field(ge=0)]
SequenceNumberPath = Annotated[
    int, Path(ge=0, le=LARGEST_EXACT, description="The number of the event in its sequence; the first is 0.")
]


def number_or_none(number: int) -> int | None:
    """A sequence number of the wire; None for the words that stand for no number."""
    return number if is_actual(number) else None


def json_value(text: str) -> Any:
    """The value of a JSON text, inexact numbers as strings, as said above; None for an empty text.

    What is no JSON at all comes back as it is: to see it is what the administrator is here for.
    """
    if not text:
        return None
    try:
        return json.loads(text, parse_int=_integer, parse_float=_real, parse_constant=str)
    except (ValueError, RecursionError):
        return text


def json_document(text: str) -> dict[str, Any]:
    """A JSON schema, with its numbers as they are; empty for what is no JSON object."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MOST_DIGITS and abs(int(digits)) <= LARGEST_EXACT else digits


def _real(digits: str) -> float | str:
    number = float(digits)
    return number if Decimal(repr(number)) == Decimal(digits) else digits
