"""Saved queries and their folders in the database. Every function runs inside a job (see `database`)."""

import sqlite3
from enum import Enum
from typing import Final, NamedTuple

from chronicle.kernel.storage.queries import load

_QUERIES: Final = load("sequence_queries")


class Kind(Enum):
    """What is saved, by the names of its statements: to list, to save, to delete."""

    QUERY = ("queries", "save_query", "delete_query")
    FOLDER = ("folders", "save_folder", "delete_folder")


class Saved(NamedTuple):
    """A query or a folder; the fields are the columns."""

    id: str
    name: str
    """A folder's path."""
    owner: str
    is_for_everyone: bool
    definition: bytes
    """All of it in the wire's own encoding; nothing but the services looks into it."""


def visible_to(connection: sqlite3.Connection, event_store_id: int, kind: Kind, owner: str) -> list[bytes]:
    """The definitions of what an owner saved, and of what is for everyone, by name."""
    list_, _, _ = kind.value
    rows = connection.execute(_QUERIES[list_], {"event_store_id": event_store_id, "owner": owner})
    return [definition for (definition,) in rows]


def save(connection: sqlite3.Connection, event_store_id: int, kind: Kind, saved: Saved) -> None:
    """Saves a query or a folder, in place of the one with the same id."""
    _, save_, _ = kind.value
    connection.execute(_QUERIES[save_], (event_store_id, *saved))


def delete(connection: sqlite3.Connection, event_store_id: int, kind: Kind, id_: str) -> bool:
    """Deletes a query or a folder; returns whether there was one with this id."""
    _, _, delete_ = kind.value
    cursor = connection.execute(_QUERIES[delete_], {"event_store_id": event_store_id, "id": id_})
    return cursor.rowcount == 1
