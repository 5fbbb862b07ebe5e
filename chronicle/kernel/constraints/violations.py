"""How events break constraints (events.md 4.3)."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final, NamedTuple

_NO_DETAILS: Final[Mapping[str, str]] = MappingProxyType({})


class ConstraintType(IntEnum):
    """What was broken, by its number in the contract."""

    UNIQUE = 1
    UNIQUE_EVENT_TYPE = 2
    SCHEMA = 3
    STREAM_CLOSED = 4


class ConstraintViolation(NamedTuple):
    """One way in which an event may not be appended. Neither message nor number tells what others hold."""

    event_type: str
    constraint_type: ConstraintType
    constraint_name: str
    message: str
    number: int | None = None
    """The event that is in the way, where there is one."""
    details: Mapping[str, str] = _NO_DETAILS
