"""Concurrency scopes: what an append expects of the events that came before it (events.md 6)."""

import sqlite3
from dataclasses import dataclass

from chronicle.kernel.storage import events
from chronicle.kernel.storage.events import EventFilter
from chronicle.values import BEFORE_FIRST


@dataclass(frozen=True, slots=True)
class ConcurrencyScope:
    """A real expectation of what came before.

    No event that matches `narrowing` is newer than `expected`; `None` when none may exist.
    """

    expected: int | None
    narrowing: EventFilter


@dataclass(frozen=True, slots=True)
class ConcurrencyViolation:
    """The number that was expected (2^64-3 for "none") and the newest one that matched."""

    expected: int
    actual: int


def violation_of(
    connection: sqlite3.Connection, sequence: int, scope: ConcurrencyScope
) -> ConcurrencyViolation | None:
    """What breaks the expectation, if anything does. Runs inside the write that it guards."""
    # Only what came after the expected number matters, so no more than that is looked at.
    after = -1 if scope.expected is None else scope.expected
    actual = events.tail(connection, sequence, scope.narrowing, after=after)
    if actual is None:
        return None
    return ConcurrencyViolation(BEFORE_FIRST if scope.expected is None else scope.expected, actual)
