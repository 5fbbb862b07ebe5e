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
    """Where a value stands in the index of an event sequence."""

    constraint_id: int
    scope: str
    value: bytes
    """SHA-256."""


class Holder(NamedTuple):
    """Who has taken a value last."""

    event_source_id: str
    number: int
    """The event by which it did."""
    checked: int
    """The number up to which it is known to have kept it."""


class Holders:
    """Who holds unique values in an event sequence: looked up together, and written together at the end.

    Lives no longer than a write job, in which nobody else changes them.
    """

    def __init__(self, connection: sqlite3.Connection, sequence: int) -> None:
        self._connection = connection
        self._sequence = sequence
        self._known: dict[Place, Holder | None] = {}
        self._changed: dict[Place, Holder] = {}

    def look_up(self, places: Iterable[Place]) -> None:
        """Reads who holds these values, ahead of many a `get`."""
        values: dict[tuple[int, str], list[bytes]] = {}
        for place in places:
            if place not in self._known:
                self._known[place] = None
                values.setdefault(place[:2], []).append(place.value)
        for (constraint_id, scope), of_scope in values.items():
            parameters = {
                "constraint_id": constraint_id,
                "sequence": self._sequence,
                "scope": scope,
                "values": b"".join(of_scope),
            }
            query = _QUERIES["holder" if len(of_scope) == 1 else "holders"]
            for value, *holder in self._connection.execute(query, parameters):
                self._known[Place(constraint_id, scope, value)] = Holder._make(holder)

    def get(self, place: Place) -> Holder | None:
        """The event source that has taken a value last."""
        self.look_up((place,))
        return self._known[place]

    def set(self, place: Place, holder: Holder) -> None:
        """Gives a value to a holder, whoever had it."""
        self._known[place] = self._changed[place] = holder

    def write(self) -> None:
        """Stores what was changed."""
        if self._changed:
            rows = [
                (constraint_id, self._sequence, scope, value, *holder)
                for (constraint_id, scope, value), holder in self._changed.items()
            ]
            self._connection.executemany(_QUERIES["hold"], rows)
            self._changed = {}


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


def first_event(
    connection: sqlite3.Connection, sequence: int, narrowing: EventFilter, *, after: int
) -> int | None:
    """The number of the first event of one event source beyond `after` that matches."""
    parameters = {"sequence": sequence, "after": after, **narrowing.parameters()}
    row = connection.execute(_QUERIES["first_event"], parameters).fetchone()
    return None if row is None else int(row[0])
