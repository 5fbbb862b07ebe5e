"""Queries for events to be looked at (events.md 9.5). Every function runs inside a job (see `database`)."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, NamedTuple

from chronicle.kernel.storage.events import StoredEvent, complete
from chronicle.kernel.storage.queries import load

_QUERIES: Final = load("event_queries")

NO_LIMIT: Final = -1


@dataclass(frozen=True, slots=True)
class QueryCriteria:
    """What narrows a query; nothing given is everything."""

    event_source_id: str | None = None
    event_source_type: str | None = None
    event_stream_type: str | None = None
    correlation_id: bytes | None = None
    """`UUID.bytes`."""
    event_types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    """An event has one of them."""


_EVERYTHING: Final = QueryCriteria()


class SortBy(IntEnum):
    """What the events of a page are sorted by; the values are the contract's."""

    NUMBER = 0
    OCCURRED = 1
    EVENT_TYPE = 2
    EVENT_SOURCE_ID = 3


class Order(NamedTuple):
    """How the events of a page are sorted; equal ones go by their numbers, in the same direction."""

    by: SortBy = SortBy.NUMBER
    descending: bool = False


class Buckets(NamedTuple):
    """Equal parts of time, in ticks: one begins at `first`, each is `length` long."""

    first: int
    length: int


def count(connection: sqlite3.Connection, sequence: int, criteria: QueryCriteria) -> int:
    """How many events match."""
    query = _QUERIES["count_of_all"] if criteria == _EVERYTHING else _query("count", criteria)
    row = connection.execute(query, _parameters(sequence, criteria)).fetchone()
    return int(row[0])


def page(
    connection: sqlite3.Connection,
    sequence: int,
    criteria: QueryCriteria,
    order: Order,
    *,
    skip: int,
    limit: int,
) -> Sequence[StoredEvent]:
    """Those events that match, sorted, from the one after `skip` others on."""
    name = "page_sorted"
    if order.by is SortBy.NUMBER:
        name = "page_descending" if order.descending else "page"
    parameters = {
        **_parameters(sequence, criteria),
        "sort_by": order.by.value,
        "descending": order.descending,
        "skip": skip,
        "limit": limit,
    }
    rows = connection.execute(_query(name, criteria), parameters)
    return complete(connection, sequence, [StoredEvent._make(row) for row in rows])


def histogram(
    connection: sqlite3.Connection, sequence: int, criteria: QueryCriteria, buckets: Buckets
) -> list[tuple[int, int]]:
    """Where each bucket with events begins, and how many match in it, ascending."""
    parameters = {**_parameters(sequence, criteria), "first": buckets.first, "length": buckets.length}
    return connection.execute(_query("histogram", criteria), parameters).fetchall()


def _query(name: str, criteria: QueryCriteria) -> str:
    return _QUERIES[name if criteria.event_source_id is None else f"{name}_of_source"]


def _parameters(sequence: int, criteria: QueryCriteria) -> dict[str, Any]:
    return {
        "sequence": sequence,
        "event_source_id": criteria.event_source_id,
        "event_source_type": criteria.event_source_type,
        "event_stream_type": criteria.event_stream_type,
        "correlation_id": criteria.correlation_id,
        "event_types": json.dumps(criteria.event_types) if criteria.event_types else None,
        "tags": json.dumps(criteria.tags) if criteria.tags else None,
    }
