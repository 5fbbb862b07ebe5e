"""Pages and histograms of events, for people to look at (events.md 9.5)."""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC
from enum import Enum
from functools import partial
from typing import Final, NamedTuple

from chronicle.kernel.storage import event_queries, events
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.event_queries import NO_LIMIT, Buckets, Order, QueryCriteria
from chronicle.kernel.storage.events import StoredEvent
from chronicle.values import from_ticks, to_ticks

EVERY_EVENT: Final = QueryCriteria()
BY_NUMBER: Final = Order()

_MINUTE: Final = 60 * 10_000_000
_DAY: Final = 24 * 60 * _MINUTE


class Resolution(Enum):
    """How long the buckets of a histogram are; the values are the contract's."""

    MINUTE = 0
    HOUR = 1
    DAY = 2
    WEEK = 3
    """From Monday on."""
    MONTH = 4


_BUCKETS: Final = {
    Resolution.MINUTE: Buckets(0, _MINUTE),
    Resolution.HOUR: Buckets(0, 60 * _MINUTE),
    Resolution.DAY: Buckets(0, _DAY),
    # Ticks count from a Thursday.
    Resolution.WEEK: Buckets(-3 * _DAY, 7 * _DAY),
    # Months have no length; their days are added up.
    Resolution.MONTH: Buckets(0, _DAY),
}


class EventPage(NamedTuple):
    """Events that match, and how many there are in all."""

    events: Sequence[StoredEvent] = ()
    total: int = 0


class Bucket(NamedTuple):
    """Where a part of time begins, in ticks, and how many events occurred in it."""

    start: int
    size: int


class EventQueries:
    """Queries for the events of all sequences of one namespace."""

    def __init__(self, database: Database, *, namespace_id: int) -> None:
        self._database = database
        self._namespace_id = namespace_id

    async def page(
        self,
        event_sequence: str,
        criteria: QueryCriteria = EVERY_EVENT,
        order: Order = BY_NUMBER,
        *,
        skip: int = 0,
        limit: int = NO_LIMIT,
    ) -> EventPage:
        """Up to `limit` of the events that match, after the first `skip`."""

        def find(connection: sqlite3.Connection) -> EventPage:
            sequence = events.find_sequence(connection, self._namespace_id, event_sequence)
            if sequence is None:
                return EventPage()
            found = event_queries.page(connection, sequence, criteria, order, skip=skip, limit=limit)
            return EventPage(found, event_queries.count(connection, sequence, criteria))

        return await self._database.read(find)

    async def histogram(
        self, event_sequence: str, resolution: Resolution, criteria: QueryCriteria = EVERY_EVENT
    ) -> list[Bucket]:
        """How many of the events that match occurred when; parts of time without any are left out."""
        counts = await self._database.read(
            partial(
                self._counts, event_sequence=event_sequence, criteria=criteria, buckets=_BUCKETS[resolution]
            )
        )
        return _months(counts) if resolution is Resolution.MONTH else [Bucket(*one) for one in counts]

    def _counts(
        self, connection: sqlite3.Connection, event_sequence: str, criteria: QueryCriteria, buckets: Buckets
    ) -> list[tuple[int, int]]:
        sequence = events.find_sequence(connection, self._namespace_id, event_sequence)
        return [] if sequence is None else event_queries.histogram(connection, sequence, criteria, buckets)


def _months(days: Iterable[tuple[int, int]]) -> list[Bucket]:
    counts: dict[int, int] = {}
    for day, number in days:
        month = to_ticks(from_ticks(day).replace(day=1, tzinfo=UTC))
        counts[month] = counts.get(month, 0) + number
    return [Bucket(*month) for month in counts.items()]
