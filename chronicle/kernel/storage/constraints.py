"""Constraints in the database, and the index of unique values.

Every function runs inside a job (see `database`).
"""

import sqlite3
from collections.abc import Iterable
from typing import Final, NamedTuple

from chronicle.kernel.storage.events import EventFilter
from chronicle.kernel.storage.queries import load

_QUERIES: Final = load("constraints")

# A job that removes what is unused takes some ten milliseconds.
MOST_REMOVED: Final = 5_000


class StoredConstraint(NamedTuple):
    """A constraint that is in force; the fields are the columns."""

    id: int
    event_store_id: int
    name: str
    definition: str
    """JSON."""


class SequenceToIndex(NamedTuple):
    """An event sequence, and where it ended when it was looked at."""

    id: int
    namespace: str
    tail: int


class Place(NamedTuple):
    """Where a value stands in the index."""

    constraint_id: int
    event_sequence_id: int
    scope: str
    value: bytes


class Holder(NamedTuple):
    """Who has taken a value last."""

    event_source_id: str
    number: int
    """The event by which it did."""
    checked: int
    """The number up to which it is known to have kept it."""


def constraints(connection: sqlite3.Connection) -> list[StoredConstraint]:
    """The constraints of all event stores that are in force."""
    return [StoredConstraint._make(row) for row in connection.execute(_QUERIES["constraints"])]


def add(connection: sqlite3.Connection, event_store_id: int, rows: Iterable[tuple[str, str]]) -> list[int]:
    """Stores constraints, `(name, definition)`, that are not in force yet; returns their row ids."""
    return [int(connection.execute(_QUERIES["add"], (event_store_id, *row)).lastrowid or 0) for row in rows]


def bring_into_force(connection: sqlite3.Connection, ids: Iterable[int]) -> None:
    """Puts constraints in the place of those with the same names."""
    for constraint_id in ids:
        connection.execute(_QUERIES["replace_for"], (constraint_id,))
        connection.execute(_QUERIES["bring_into_force"], (constraint_id,))


def remove_unused(connection: sqlite3.Connection, event_store_id: int) -> bool:
    """Removes some of what belongs to constraints that are not in force; returns whether more is left."""
    parameters = {"event_store_id": event_store_id, "limit": MOST_REMOVED}
    if connection.execute(_QUERIES["remove_unused_values"], parameters).rowcount == MOST_REMOVED:
        return True
    connection.execute(_QUERIES["remove_unused"], (event_store_id,))
    return False


def sequences(connection: sqlite3.Connection, event_store_id: int) -> list[SequenceToIndex]:
    """The event sequences of an event store that have events, in all its namespaces."""
    return [
        SequenceToIndex._make(row) for row in connection.execute(_QUERIES["sequences"], (event_store_id,))
    ]


def hold(connection: sqlite3.Connection, place: Place, event_source_id: str, number: int) -> None:
    """Gives a value to an event source, whoever had it."""
    connection.execute(_QUERIES["hold"], (*place, event_source_id, number, number))


def holder(connection: sqlite3.Connection, place: Place) -> Holder | None:
    """The event source that has taken a value last."""
    row = connection.execute(_QUERIES["holder"], place).fetchone()
    return None if row is None else Holder._make(row)


def set_checked(connection: sqlite3.Connection, place: Place, number: int) -> None:
    """Keeps that a value's holder has kept it up to this number."""
    connection.execute(_QUERIES["set_checked"], (number, *place))


def first_event(
    connection: sqlite3.Connection, sequence: int, narrowing: EventFilter, *, after: int
) -> int | None:
    """The number of the first event of one event source beyond `after` that matches."""
    parameters = {"sequence": sequence, "after": after, **narrowing.parameters()}
    row = connection.execute(_QUERIES["first_event"], parameters).fetchone()
    return None if row is None else int(row[0])
