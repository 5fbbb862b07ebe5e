"""Observers in the database: their definitions per event store, their states per namespace.

Every function runs inside a job (see `database`).
"""

import sqlite3
from typing import Final, NamedTuple

from chronicle.kernel.storage.queries import load

_QUERIES: Final = load("observers")


class StoredDefinition(NamedTuple):
    """What an observer is; the fields are the columns."""

    id: str
    type: int
    owner: int
    event_sequence: str
    event_types: str
    """JSON array of objects with `id`, `generation` and `key`."""
    is_replayable: bool
    is_active: bool


class StoredState(NamedTuple):
    """How far an observer has come in one namespace; the fields are the columns."""

    next_number: int
    last_handled: int | None
    handled_count: int
    ahead: str
    """JSON object of partitions and the numbers up to which they were handled beyond `next_number`."""


def definitions(connection: sqlite3.Connection, event_store_id: int) -> list[StoredDefinition]:
    """All observers of an event store."""
    rows = connection.execute(_QUERIES["definitions"], {"event_store_id": event_store_id})
    return [
        StoredDefinition(id_, type_, owner, sequence, event_types, bool(is_replayable), bool(is_active))
        for id_, type_, owner, sequence, event_types, is_replayable, is_active in rows
    ]


def set_definition(connection: sqlite3.Connection, event_store_id: int, definition: StoredDefinition) -> None:
    """Stores what an observer is, in place of what it was."""
    connection.execute(_QUERIES["set_definition"], {"event_store_id": event_store_id, **definition._asdict()})


def remove_definition(connection: sqlite3.Connection, event_store_id: int, observer_id: str) -> None:
    """Forgets what an observer is; how far it has come stays."""
    connection.execute(_QUERIES["remove_definition"], {"event_store_id": event_store_id, "id": observer_id})


def state(connection: sqlite3.Connection, namespace_id: int, observer_id: str) -> StoredState | None:
    """How far an observer has come; `None` when it never moved."""
    row = connection.execute(
        _QUERIES["state"], {"namespace_id": namespace_id, "observer_id": observer_id}
    ).fetchone()
    return None if row is None else StoredState._make(row)


def advance(
    connection: sqlite3.Connection,
    namespace_id: int,
    observer_id: str,
    *,
    next_number: int,
    last_handled: int | None,
    handled: int,
    ahead: str | None,
) -> None:
    """Moves an observer forward; numbers lower than the stored ones change nothing, `handled` is added.

    `ahead` replaces what was stored, `None` leaves it.
    """
    connection.execute(
        _QUERIES["advance"],
        {
            "namespace_id": namespace_id,
            "observer_id": observer_id,
            "next_number": next_number,
            "last_handled": last_handled,
            "handled": handled,
            "ahead": ahead,
        },
    )


def replays(connection: sqlite3.Connection, namespace_id: int, observer_id: str) -> list[tuple[str, int]]:
    """The partitions that an observer has to handle again, and how often that was asked for."""
    rows = connection.execute(_QUERIES["replays"], {"namespace_id": namespace_id, "observer_id": observer_id})
    return [(partition, request) for partition, request in rows]


def request_replay(
    connection: sqlite3.Connection, namespace_id: int, observer_id: str, partition: str
) -> int:
    """Notes that an observer has to handle a partition again; returns how often that was asked for."""
    row = connection.execute(
        _QUERIES["request_replay"],
        {"namespace_id": namespace_id, "observer_id": observer_id, "partition": partition},
    ).fetchone()
    return int(row[0])


def end_replay(
    connection: sqlite3.Connection, namespace_id: int, observer_id: str, *, partition: str, request: int
) -> None:
    """Removes what was noted, unless it was asked for again since this request."""
    connection.execute(
        _QUERIES["end_replay"],
        {
            "namespace_id": namespace_id,
            "observer_id": observer_id,
            "partition": partition,
            "request": request,
        },
    )
