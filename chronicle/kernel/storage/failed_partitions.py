"""Failed partitions and their attempts in the database. Every function runs inside a job (see `database`)."""

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from chronicle.kernel.storage.queries import load

_QUERIES: Final = load("failed_partitions")


class StoredAttempt(NamedTuple):
    """One failure of a partition; the fields are the columns."""

    occurred: int
    """Ticks, see `chronicle.values`."""
    sequence_number: int
    messages: str
    """JSON array of texts, outermost first."""
    stack_trace: str


class StoredFailure(NamedTuple):
    """A partition that an observer could not go on with."""

    id: bytes
    partition: str
    sequence_number: int
    """Where the next attempt begins."""
    attempts: Sequence[StoredAttempt]


def of_observer(connection: sqlite3.Connection, namespace_id: int, observer_id: str) -> list[StoredFailure]:
    """The failed partitions of an observer, each with all its attempts."""
    rows = connection.execute(
        _QUERIES["of_observer"], {"namespace_id": namespace_id, "observer_id": observer_id}
    )
    return [
        StoredFailure(id_, partition, sequence_number, _attempts(connection, id_))
        for id_, partition, sequence_number in rows.fetchall()
    ]


def _attempts(connection: sqlite3.Connection, failed_partition_id: bytes) -> list[StoredAttempt]:
    rows = connection.execute(_QUERIES["attempts"], {"failed_partition_id": failed_partition_id})
    return [StoredAttempt._make(row) for row in rows]


def set_failed_partition(
    connection: sqlite3.Connection,
    namespace_id: int,
    observer_id: str,
    *,
    id: bytes,  # noqa: A002 - the column's name
    partition: str,
    sequence_number: int,
) -> None:
    """Stores a failed partition, or where its next attempt begins when it is stored already."""
    connection.execute(
        _QUERIES["set_failed_partition"],
        {
            "id": id,
            "namespace_id": namespace_id,
            "observer_id": observer_id,
            "partition": partition,
            "sequence_number": sequence_number,
        },
    )


def add_attempt(
    connection: sqlite3.Connection, failed_partition_id: bytes, number: int, attempt: StoredAttempt
) -> None:
    """Adds an attempt, the `number`-th, counted from 1."""
    connection.execute(
        _QUERIES["add_attempt"],
        {"failed_partition_id": failed_partition_id, "attempt": number, **attempt._asdict()},
    )


def remove_failed_partition(connection: sqlite3.Connection, failed_partition_id: bytes) -> None:
    """Removes a failed partition that has recovered, and its attempts."""
    connection.execute(_QUERIES["remove_failed_partition"], {"id": failed_partition_id})
