"""Changing events that are stored: the exception to a log that only grows (events.md 10).

Every function runs inside a job (see `database`).
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from chronicle.kernel.storage import generations, revisions
from chronicle.kernel.storage.events import StoredEvent
from chronicle.kernel.storage.queries import load

_QUERIES: Final = load("redaction")


class ReplayRequest(NamedTuple):
    """That an observer has to handle a partition again."""

    observer_id: str
    partition: str
    request: int
    """How often it was asked for since it was last done."""


class Place(NamedTuple):
    """Where an event sequence is, by the row ids of what it belongs to."""

    event_store_id: int
    namespace_id: int
    event_sequence: str


def event(connection: sqlite3.Connection, sequence: int, number: int) -> StoredEvent | None:
    """The event with this number as its row says: the latest revision and other generations are left out."""
    row = connection.execute(_QUERIES["event"], {"sequence": sequence, "number": number}).fetchone()
    return None if row is None else StoredEvent._make(row)


def events_of_source(
    connection: sqlite3.Connection, sequence: int, event_source_id: str, *, first: int, limit: int
) -> list[StoredEvent]:
    """The events of a source from the number `first` on, as `event` gives them."""
    rows = connection.execute(
        _QUERIES["events_of_source"],
        {"sequence": sequence, "event_source_id": event_source_id, "first": first, "limit": limit},
    )
    return [StoredEvent._make(row) for row in rows]


def first_generation_hash(connection: sqlite3.Connection, sequence: int, event: StoredEvent) -> str:
    """The hash of an event in its first generation; empty when it is not stored in it."""
    if event.generation == 1:
        return event.hash
    others = generations.of_events(connection, sequence, [event.number]).get(event.number, ())
    return next((other.hash for other in others if other.generation == 1), "")


def replace(connection: sqlite3.Connection, sequence: int, event: StoredEvent) -> None:
    """Stores an event in place of what was there under its number, other generations and revisions included.

    Event source, streams, tags and subject stay as they were.
    """
    generations.remove(connection, sequence, event.number)
    revisions.remove(connection, sequence, event.number)
    connection.execute(_QUERIES["replace"], {"sequence": sequence, **event._asdict()})


def empty_revision_requests(connection: sqlite3.Connection, system: int, requests: Sequence[int]) -> None:
    """Takes the new content out of requests for a revision: events of a `system` sequence, by its row id."""
    connection.execute(
        _QUERIES["empty_revision_requests"], {"system": system, "requests": json.dumps(requests)}
    )


def request_replays(
    connection: sqlite3.Connection, place: Place, *, partition: str, event_types: Iterable[str]
) -> list[ReplayRequest]:
    """Notes for all replayable observers of these types that they have to handle a partition again."""
    rows = connection.execute(
        _QUERIES["request_replays"],
        {**place._asdict(), "partition": partition, "event_types": json.dumps(list(event_types))},
    )
    return [ReplayRequest._make(row) for row in rows]


def namespaces_with_requests(
    connection: sqlite3.Connection, *, system: str, observer_id: str, event_types: Sequence[str]
) -> list[tuple[str, str]]:
    """Event stores and their namespaces where requests wait for an observer of the `system` sequence."""
    rows = connection.execute(
        _QUERIES["namespaces_with_requests"],
        {"system": system, "observer_id": observer_id, "event_types": json.dumps(event_types)},
    )
    return [(event_store, namespace) for event_store, namespace in rows]
