"""Event stores and their namespaces in the database. Every function runs inside a job (see `database`)."""

import sqlite3
from typing import Final, NamedTuple

from chronicle.kernel.storage.queries import load

_QUERIES: Final = load("event_stores")


class StoredEventStore(NamedTuple):
    """An event store; the fields are the columns."""

    id: int
    name: str


class StoredNamespace(NamedTuple):
    """A namespace of an event store; the fields are the columns."""

    id: int
    event_store_id: int
    name: str


def event_stores(connection: sqlite3.Connection) -> list[StoredEventStore]:
    """All event stores, in the order in which they came."""
    return [StoredEventStore._make(row) for row in connection.execute(_QUERIES["event_stores"])]


def ensure_event_store(connection: sqlite3.Connection, name: str) -> StoredEventStore:
    """The event store with exactly this name, which is added if it does not exist."""
    row = connection.execute(_QUERIES["event_store_id"], {"name": name}).fetchone()
    if row is None:
        connection.execute(_QUERIES["add_event_store"], {"name": name})
        row = connection.execute(_QUERIES["event_store_id"], {"name": name}).fetchone()
    return StoredEventStore(row[0], name)


def namespaces(connection: sqlite3.Connection) -> list[StoredNamespace]:
    """The namespaces of all event stores, in the order in which they came."""
    return [StoredNamespace._make(row) for row in connection.execute(_QUERIES["namespaces"])]


def ensure_namespace(connection: sqlite3.Connection, event_store_id: int, name: str) -> StoredNamespace:
    """The namespace with this name in any casing, which is added if it does not exist."""
    key = {"event_store_id": event_store_id, "name": name}
    row = connection.execute(_QUERIES["namespace"], key).fetchone()
    if row is None:
        connection.execute(_QUERIES["add_namespace"], key)
        row = connection.execute(_QUERIES["namespace"], key).fetchone()
    return StoredNamespace._make(row)
