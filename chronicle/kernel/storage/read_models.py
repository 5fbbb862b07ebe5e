"""Read models in the database: definitions per event store, instances per namespace and container.

Every function runs inside a job (see `database`).
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from chronicle.kernel.storage.queries import load

_QUERIES: Final = load("read_models")


class StoredReadModel(NamedTuple):
    """A definition; the fields are the columns."""

    identifier: str
    definition: str
    """JSON of everything but the schema."""
    schema: str


class StoredInstance(NamedTuple):
    """One instance in its container; the fields are the columns."""

    key: str
    document: str
    """JSON object."""
    last_handled: int
    """The number of the last event that the instance contains."""
    subject: str | None = None
    """Whose key its personal data is encrypted with; `None` for none, or for that of `key`."""


def definitions(connection: sqlite3.Connection, event_store_id: int) -> list[StoredReadModel]:
    """All read models of an event store."""
    rows = connection.execute(_QUERIES["definitions"], {"event_store_id": event_store_id})
    return [StoredReadModel._make(row) for row in rows]


def set_definitions(
    connection: sqlite3.Connection, event_store_id: int, changed: Iterable[StoredReadModel]
) -> None:
    """Stores definitions, in place of those with the same identifiers."""
    connection.executemany(_QUERIES["set_definition"], [(event_store_id, *one) for one in changed])


def instances(
    connection: sqlite3.Connection, namespace_id: int, container: str, keys: Sequence[str]
) -> list[StoredInstance]:
    """The instances that exist under these keys, in no order."""
    rows = connection.execute(
        _QUERIES["instances"],
        {"namespace_id": namespace_id, "container": container, "keys": json.dumps(keys)},
    )
    return [StoredInstance._make(row) for row in rows]


def page(
    connection: sqlite3.Connection, namespace_id: int, container: str, *, skip: int, limit: int
) -> list[StoredInstance]:
    """Instances in the order in which they were first stored; a negative limit is none."""
    rows = connection.execute(
        _QUERIES["page"],
        {"namespace_id": namespace_id, "container": container, "skip": skip, "limit": limit},
    )
    return [StoredInstance._make(row) for row in rows]


def count(connection: sqlite3.Connection, namespace_id: int, container: str) -> int:
    """How many instances a container holds."""
    row = connection.execute(
        _QUERIES["count"], {"namespace_id": namespace_id, "container": container}
    ).fetchone()
    return int(row[0])


def set_instance(
    connection: sqlite3.Connection, namespace_id: int, container: str, instance: StoredInstance
) -> None:
    """Stores an instance, in place of the one under its key; the number of its last event only grows."""
    connection.execute(
        _QUERIES["set_instance"],
        {"namespace_id": namespace_id, "container": container, **instance._asdict()},
    )


def remove_instance(connection: sqlite3.Connection, namespace_id: int, container: str, key: str) -> None:
    """Removes an instance; does nothing when there is none."""
    connection.execute(
        _QUERIES["remove_instance"], {"namespace_id": namespace_id, "container": container, "key": key}
    )
