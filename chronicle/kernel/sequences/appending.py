"""The append pipeline: what happens to appends between their arrival and their place in the log (events.md
4).

Appends that wait together are checked and numbered in order inside one write job. The job touches nothing
but the database, so it can run again when its transaction is rolled back (see `storage.writer`).
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chronicle.kernel.identities import IdentityChain
from chronicle.kernel.sequences.concurrency import ConcurrencyScope, ConcurrencyViolation, violation_of
from chronicle.kernel.storage import events
from chronicle.kernel.storage.events import StoredEvent


class EventToAppend(NamedTuple):
    """An event as it asks to be appended; the fields are those of `StoredEvent` that the caller decides."""

    event_source_id: str
    event_source_type: str
    event_stream_type: str
    event_stream_id: str
    event_type: str
    generation: int
    occurred: int
    correlation_id: bytes
    causation: bytes
    tags: str | None
    subject: str | None
    content: str


@dataclass(frozen=True, slots=True)
class Append:
    """Events that are appended together or not at all."""

    events: Sequence[EventToAppend]
    caused_by: IdentityChain
    scopes: Sequence[ConcurrencyScope] = ()


@dataclass(frozen=True, slots=True)
class AppendOutcome:
    """What became of an append: its events as stored, or why there are none."""

    events: Sequence[StoredEvent] = ()
    concurrency_violations: Sequence[ConcurrencyViolation] = ()
    errors: Sequence[str] = ()

    @property
    def is_success(self) -> bool:
        """Whether nothing stood in the way; an append without events succeeds without any."""
        return not (self.concurrency_violations or self.errors)


IdentitiesOf = Callable[[sqlite3.Connection, IdentityChain], str]
"""Gives the JSON array of identity ids of a chain, and stores the identities that are new."""


def append_all(
    connection: sqlite3.Connection,
    sequence: int,
    appends: Sequence[Append],
    identities_of: IdentitiesOf,
    next_number: int | None,
) -> list[AppendOutcome]:
    """Checks and stores appends in their order, with consecutive numbers; a rejected one takes no number.

    `next_number` is the first one, when the caller knows it.
    """
    outcomes: list[AppendOutcome] = []
    stored: list[StoredEvent] = []
    if next_number is None:
        next_number = following(events.tail(connection, sequence))
    for append in appends:
        if append.scopes:
            # What this append must be compared with has to be in the table first.
            events.insert(connection, sequence, stored)
            stored.clear()
            violations = [v for scope in append.scopes if (v := violation_of(connection, sequence, scope))]
            if violations:
                outcomes.append(AppendOutcome(concurrency_violations=violations))
                continue
        try:
            caused_by = identities_of(connection, append.caused_by)
        except ValueError as error:
            outcomes.append(AppendOutcome(errors=[str(error)]))
            continue
        numbered = [
            StoredEvent(number, *event[:9], caused_by, *event[9:], "")
            for number, event in enumerate(append.events, next_number)
        ]
        next_number += len(numbered)
        stored += numbered
        outcomes.append(AppendOutcome(numbered))
    events.insert(connection, sequence, stored)
    return outcomes


def following(tail: int | None) -> int:
    """The number that comes after the tail of a sequence."""
    return 0 if tail is None else tail + 1
