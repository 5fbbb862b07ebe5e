"""What is in the way of an append: the rules of the event store that its events broke (events.md 4.3, 4.4).

Nothing here knows the errors, which carry these.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final


class ConstraintType(Enum):
    """What a constraint demands."""

    UNKNOWN = 0
    UNIQUE = 1
    """A value, or several together, may be held by one event source only."""
    UNIQUE_EVENT_TYPE = 2
    """An event of this type may be there once."""
    SCHEMA = 3
    """The content fits the registered schema."""
    STREAM_CLOSED = 4
    """The stream was not completed."""


_ADVICE: Final[Mapping[ConstraintType, str]] = {
    ConstraintType.UNKNOWN: "Look the constraint up where it is declared.",
    ConstraintType.UNIQUE: "Use another value, or append what releases it first.",
    ConstraintType.UNIQUE_EVENT_TYPE: "Append it only where none is yet.",
    ConstraintType.SCHEMA: "Make the event fit its schema, or declare a new generation of its type.",
    ConstraintType.STREAM_CLOSED: "A completed stream takes no more events: append to another one.",
}


@dataclass(frozen=True, slots=True)
class ConstraintViolation:
    """One way in which an event broke a rule of the event store."""

    constraint_type: ConstraintType
    constraint_name: str
    event_type_id: str
    message: str
    """What the constraint declares, else the kernel's words: without the value, which may be personal."""
    sequence_number: int | None
    """The event that is in the way, where there is one."""
    details: Mapping[str, str]
    """`PropertyName` and `PropertyValue` for values, `path` and `kind` for schemas."""

    def __str__(self) -> str:
        # The real kernel ends its messages without a full stop.
        return (
            f"'{self.event_type_id}' violates '{self.constraint_name}': {self.message.rstrip('.')}. "
            f"{_ADVICE[self.constraint_type]}"
        )


@dataclass(frozen=True, slots=True)
class ConcurrencyViolation:
    """Somebody else appended what the caller had not seen."""

    event_source_id: str
    """Whose scope failed; empty when a batch had several and the kernel does not say which."""
    expected_sequence_number: int | None
    """None when no event was expected."""
    actual_sequence_number: int

    def __str__(self) -> str:
        whose = f" for '{self.event_source_id}'" if self.event_source_id else ""
        number = self.expected_sequence_number
        expected = "no event" if number is None else f"nothing newer than event {number}"
        return (
            f"The concurrency scope{whose} expected {expected}, but event {self.actual_sequence_number} is "
            "there. Read what is new, decide again, and append with a new scope."
        )
