"""Subscriptions to other event stores, in the database. Every function runs inside a job (see `database`)."""

import sqlite3
from collections.abc import Iterable
from typing import Final, NamedTuple

from chronicle.kernel.storage.queries import load

_QUERIES: Final = load("subscriptions")


class StoredSubscription(NamedTuple):
    """A subscription, and the name of the event store that it belongs to."""

    event_store: str
    identifier: str
    source_event_store: str
    event_types: str
    """JSON array of objects with `id`, `generation` and `key`."""


def subscriptions(connection: sqlite3.Connection) -> list[StoredSubscription]:
    """The subscriptions of all event stores."""
    return [StoredSubscription._make(row) for row in connection.execute(_QUERIES["subscriptions"])]


def set_subscription(
    connection: sqlite3.Connection,
    event_store_id: int,
    *,
    identifier: str,
    source_event_store: str,
    event_types: str,
) -> None:
    """Stores a subscription, in place of the one under its identifier."""
    connection.execute(
        _QUERIES["set_subscription"],
        {
            "event_store_id": event_store_id,
            "identifier": identifier,
            "source_event_store": source_event_store,
            "event_types": event_types,
        },
    )


def remove_subscriptions(
    connection: sqlite3.Connection, event_store_id: int, identifiers: Iterable[str]
) -> None:
    """Removes those subscriptions that are there."""
    connection.executemany(
        _QUERIES["remove_subscription"],
        [{"event_store_id": event_store_id, "identifier": one} for one in identifiers],
    )
