"""Event types, their generations and migrations in the database.

Every function runs inside a job (see `database`).
"""

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from chronicle.kernel.storage.queries import load

_QUERIES: Final = load("event_types")


class StoredGeneration(NamedTuple):
    """One generation of an event type; the fields are the columns."""

    event_store_id: int
    event_type: str
    generation: int
    tombstone: bool
    schema: str


class StoredMigration(NamedTuple):
    """The way between two generations of an event type; the fields are the columns."""

    event_store_id: int
    event_type: str
    from_generation: int
    to_generation: int
    upcast: str
    downcast: str


def generations(connection: sqlite3.Connection) -> list[StoredGeneration]:
    """All generations of all event types of all event stores, ascending."""
    return [
        StoredGeneration(store, event_type, generation, bool(tombstone), schema)
        for store, event_type, generation, tombstone, schema in connection.execute(_QUERIES["generations"])
    ]


def migrations(connection: sqlite3.Connection) -> list[StoredMigration]:
    """All migrations of all event types of all event stores, ascending."""
    return [StoredMigration._make(row) for row in connection.execute(_QUERIES["migrations"])]


def set_generations(connection: sqlite3.Connection, changed: Sequence[StoredGeneration]) -> None:
    """Stores generations, in place of what was stored under their keys."""
    connection.executemany(_QUERIES["set_generation"], changed)


def replace_migrations(
    connection: sqlite3.Connection,
    event_store_id: int,
    event_type: str,
    migrations: Sequence[StoredMigration],
) -> None:
    """Stores the migrations of an event type in place of all that it had."""
    connection.execute(_QUERIES["remove_migrations"], (event_store_id, event_type))
    connection.executemany(_QUERIES["add_migration"], migrations)
