"""Definitions of constraints in the database. Every function runs inside a job (see `database`)."""

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from chronicle.kernel.storage.queries import load

_QUERIES: Final = load("constraints")


class StoredConstraint(NamedTuple):
    """A constraint of an event store; the fields are the columns."""

    event_store_id: int
    name: str
    definition: str
    """JSON."""


def constraints(connection: sqlite3.Connection) -> list[StoredConstraint]:
    """The constraints of all event stores."""
    return [StoredConstraint._make(row) for row in connection.execute(_QUERIES["constraints"])]


def set_constraints(connection: sqlite3.Connection, changed: Sequence[StoredConstraint]) -> None:
    """Stores constraints, in place of those with the same names."""
    connection.executemany(_QUERIES["set_constraint"], changed)
