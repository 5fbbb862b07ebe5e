"""What was seeded, in the database. Every function runs inside a job (see `database`)."""

import sqlite3
from collections.abc import Iterable
from typing import Final, NamedTuple

from chronicle.kernel.storage.queries import load

_QUERIES: Final = load("seeding")


class SeededEvent(NamedTuple):
    """An event that was seeded; the fields are the columns."""

    event_source_id: str
    event_type: str
    content: str
    tags: str
    """JSON array of texts."""
    causation: bytes
    """The chain in the wire's own encoding, see `services.events`."""


def record(
    connection: sqlite3.Connection,
    event_store_id: int,
    namespace_id: int | None,
    events: Iterable[SeededEvent],
) -> None:
    """Adds to what a namespace was given, or all namespaces for `None`."""
    connection.executemany(_QUERIES["record"], [(event_store_id, namespace_id, *event) for event in events])


def recorded(
    connection: sqlite3.Connection, event_store_id: int, namespace_id: int | None
) -> list[SeededEvent]:
    """What a namespace was given, or all namespaces for `None`, in the order in which it was recorded."""
    rows = connection.execute(
        _QUERIES["recorded"], {"event_store_id": event_store_id, "namespace_id": namespace_id}
    )
    return [SeededEvent._make(row) for row in rows]
