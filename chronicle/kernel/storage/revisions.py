"""What events were revised to, in the database. Every function runs inside a job (see `database`)."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from chronicle.kernel.storage.queries import load

_QUERIES: Final = load("revisions")


class Revision(NamedTuple):
    """One revision of an event; the fields are the columns."""

    request: int
    """The number of the request in the `system` sequence."""
    generation: int
    occurred: int
    """Ticks, see `chronicle.values`."""
    correlation_id: bytes
    causation: bytes
    caused_by: str
    """JSON array of identity ids, of which there is one."""
    content: str
    """JSON object, as it arrived."""
    hash: str


def add(connection: sqlite3.Connection, sequence: int, number: int, revision: Revision) -> bool:
    """Adds a revision; returns whether it is new, rather than that of a request that was done before."""
    return connection.execute(_QUERIES["add"], (sequence, number, *revision)).rowcount > 0


def remove(connection: sqlite3.Connection, sequence: int, number: int) -> None:
    """Removes all revisions of an event."""
    connection.execute(_QUERIES["remove"], (sequence, number))


def are_there(connection: sqlite3.Connection, sequence: int) -> bool:
    """Whether any event of a sequence was revised: next to none has been, and then nobody needs to look."""
    return bool(connection.execute(_QUERIES["are_there"], (sequence,)).fetchone()[0])


def of_events(
    connection: sqlite3.Connection, sequence: int, numbers: Sequence[int]
) -> dict[int, tuple[Revision, ...]]:
    """The revisions of these events, oldest first; those that were never revised are left out."""
    found: dict[int, tuple[Revision, ...]] = {}
    parameters = {"sequence": sequence, "numbers": json.dumps(numbers)}
    for number, *revision in connection.execute(_QUERIES["of_events"], parameters):
        found[number] = (*found.get(number, ()), Revision._make(revision))
    return found
