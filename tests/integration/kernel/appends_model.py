"""A log in memory that says what the kernel has to say (events.md 4 to 8 and 10), as plainly as can be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from chronicle.kernel.constraints import (
    ConstraintType,
    UniqueConstraint,
    UniqueEventTypeConstraint,
    UniqueProperties,
)
from chronicle.kernel.event_types import EventTypeRegistration
from chronicle.values import EVENT_REDACTED
from tests.integration.kernel.constraints.events import Event

STRICT = EventTypeRegistration(
    "strict", 1, '{"type": "object", "properties": {"email": {"type": "string"}}, "required": ["email"]}'
)
"""The type whose content is checked."""

UNIQUE = UniqueConstraint(
    "email",
    (UniqueProperties("registered", ("email",)), UniqueProperties("moved", ("email",))),
    removed_with=("left",),
)
ONCE = UniqueEventTypeConstraint("once", ("banned",), removed_with=("left",))

_TAKES_OR_GIVES_UP = ("registered", "moved", "left")
_DEFAULT_STREAM = ("All", "Default")

Stream = tuple[str, str]


class Violation(NamedTuple):
    """A constraint that an event breaks, and the event that is in the way."""

    type: ConstraintType
    number: int | None = None


class Scope(NamedTuple):
    """What an append expects: that no event of a source, or any, came after a number."""

    expected: int | None
    source: str | None


@dataclass
class Outcome:
    """What becomes of an append: the numbers of its events, or why it has none."""

    numbers: list[int] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    stale: list[int] = field(default_factory=list)
    """The newest events that scopes did not expect."""


@dataclass
class Model:
    """One event sequence."""

    events: list[Event] = field(default_factory=list)
    """By their numbers."""
    closed: set[Stream] = field(default_factory=set)
    takers: dict[str, int] = field(default_factory=dict)
    """By value, the number of the last event that has taken it."""

    @property
    def tail(self) -> int | None:
        return len(self.events) - 1 if self.events else None

    def append(self, events: Sequence[Event], scopes: Sequence[Scope]) -> Outcome:
        violations = list(self._violations(events))
        if violations:
            return Outcome(violations=violations)
        stale = [newest for scope in scopes if (newest := self._unexpected(scope)) is not None]
        if stale:
            return Outcome(stale=stale)
        numbers = list(range(len(self.events), len(self.events) + len(events)))
        self.events += events
        self.takers |= {
            self.events[number].content["email"]: number
            for number in numbers
            if _value(self.events[number]) is not None
        }
        return Outcome(numbers)

    def complete(self, stream: Stream) -> bool:
        """Completes a stream; returns whether it was not completed before."""
        is_new = stream not in self.closed
        self.closed.add(stream)
        return is_new

    def redact(self, number: int) -> None:
        """What is left of an event is where it came from. Nobody takes anything back that it has taken."""
        self.events[number] = self.events[number]._replace(type=EVENT_REDACTED, content={})

    def numbers(self, *, source: str | None = None, types: Sequence[str] = ()) -> list[int]:
        """The numbers of the events of a source and of some types."""
        return [
            number
            for number, event in enumerate(self.events)
            if source in (None, event.source) and (not types or event.type in types)
        ]

    def _violations(self, events: Sequence[Event]) -> Iterator[Violation]:
        claimed: dict[Any, str] = {}
        for event in events:
            if event.type == STRICT.id and not isinstance(event.content.get("email"), str):
                yield Violation(ConstraintType.SCHEMA)
                continue
            if (event.stream_type, event.stream_id) in self.closed - {_DEFAULT_STREAM}:
                yield Violation(ConstraintType.STREAM_CLOSED)
            value = _value(event)
            if value is not None:
                holder = self._holder(value)
                if holder is not None and self.events[holder].source != event.source:
                    yield Violation(ConstraintType.UNIQUE, holder)
                elif claimed.setdefault(value, event.source) != event.source:
                    yield Violation(ConstraintType.UNIQUE)
            if event.type == "banned" and (first := self._first_ban(event.source)) is not None:
                yield Violation(ConstraintType.UNIQUE_EVENT_TYPE, first)

    def _holder(self, value: str) -> int | None:
        """The event by which a source holds a value: it has not taken another one since, nor left."""
        taker = self.takers.get(value)
        if taker is None:
            return None
        moves = self.numbers(source=self.events[taker].source, types=_TAKES_OR_GIVES_UP)
        return None if any(number > taker for number in moves) else taker

    def _first_ban(self, source: str) -> int | None:
        left = max(self.numbers(source=source, types=("left",)), default=-1)
        bans = self.numbers(source=source, types=("banned",))
        return next((number for number in bans if number > left), None)

    def _unexpected(self, scope: Scope) -> int | None:
        after = -1 if scope.expected is None else scope.expected
        newest = max(self.numbers(source=scope.source), default=-1)
        return newest if newest > after else None


def _value(event: Event) -> Any:
    return event.content.get("email") if event.type in ("registered", "moved") else None
