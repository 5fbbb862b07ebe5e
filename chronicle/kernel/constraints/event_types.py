"""Unique event types: of which an event source has at most one event (events.md 7.3).

They are counted in the event sequence itself: nothing is kept for them, and what was redacted does not count.
"""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from chronicle.kernel.constraints.definitions import UniqueEventTypeConstraint
from chronicle.kernel.constraints.events import Event
from chronicle.kernel.constraints.ledger import Ledger
from chronicle.kernel.constraints.values import BatchClaims
from chronicle.kernel.constraints.violations import ConstraintType, ConstraintViolation
from chronicle.kernel.storage import constraints as storage
from chronicle.kernel.storage import events
from chronicle.kernel.storage.events import EventFilter


class UniqueEventTypes:
    """A unique event type constraint, ready to look at events. Its scope makes no difference."""

    def __init__(self, constraint: UniqueEventTypeConstraint) -> None:
        self.name: Final = constraint.name
        self.event_types: Final = tuple(dict.fromkeys(constraint.event_types))
        self._removed_with = constraint.removed_with

    def claim(self, event: Event, content: Mapping[str, Any]) -> "EventTypeClaim":
        """What an event of one of these types wants: to be the only one."""
        return EventTypeClaim(self, event)

    def holder(self, connection: sqlite3.Connection, sequence: int, event_source_id: str) -> int | None:
        """The number of the source's first event since the last one that has removed what was before it."""
        removal = None
        if self._removed_with:
            removals = EventFilter(event_source_id=event_source_id, event_types=self._removed_with)
            removal = events.tail(connection, sequence, removals)
        covered = EventFilter(event_source_id=event_source_id, event_types=self.event_types)
        after = -1 if removal is None else removal
        return storage.first_event(connection, sequence, covered, after=after)


class EventTypeClaim(NamedTuple):
    """An event that wants to be the only one of its types. Two in one append are let through."""

    constraint: UniqueEventTypes
    event: Event

    def violations(
        self, ledger: Ledger, batch: BatchClaims, write_pending: Callable[[], None]
    ) -> list[ConstraintViolation]:
        write_pending()
        number = self.constraint.holder(ledger.connection, ledger.sequence, self.event.event_source_id)
        if number is None:
            return []
        event_type = self.event.event_type
        return [
            ConstraintViolation(
                event_type,
                ConstraintType.UNIQUE_EVENT_TYPE,
                self.constraint.name,
                f"Event '{event_type}' violated a unique event type constraint on sequence number {number}",
                number,
            )
        ]

    def apply(self, ledger: Ledger, number: int) -> None: ...

    def apply_again(self, ledger: Ledger, number: int) -> None: ...
