"""`eventsourcing` with its SQLite recorder, through its public API: aggregates of a hundred events.

Its own defaults make it durable: WAL and synchronous=FULL.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from benchmarks.workload import order_fields

EVENTS_PER_AGGREGATE = 100


class Order(Aggregate):
    """An order that is placed, and placed again: every event carries the ten fields."""

    @event("Opened")
    def __init__(
        self,
        order_id: str,
        customer_id: str,
        sku: str,
        quantity: int,
        unit_price: float,
        currency: str,
        placed_at: str,
        express: bool,
        note: str,
        tags: list[str],
    ) -> None:
        self.lines = 1

    @event("Placed")
    def place(
        self,
        order_id: str,
        customer_id: str,
        sku: str,
        quantity: int,
        unit_price: float,
        currency: str,
        placed_at: str,
        express: bool,
        note: str,
        tags: list[str],
    ) -> None:
        """Place the order once more."""
        self.lines += 1


class Shop(Application[UUID]):
    """The application that saves orders."""


class EventSourcing:
    """The library on one SQLite file."""

    def __init__(self, path: Path) -> None:
        self._shop = Shop(env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)})

    def one_event(self) -> Callable[[int], int]:
        """A caller of its own: each call saves one event, a hundred to an aggregate."""
        order: Order | None = None

        def save(number: int) -> int:
            nonlocal order
            if order is None or order.lines == EVENTS_PER_AGGREGATE:
                order = Order(**order_fields(number))
            else:
                order.place(**order_fields(number))
            self._shop.save(order)
            return 1

        return save

    def hundred_events(self, number: int) -> int:
        """Save a hundred events at once; the number of events saved."""
        first = number * EVENTS_PER_AGGREGATE
        order = Order(**order_fields(first))
        for index in range(1, EVENTS_PER_AGGREGATE):
            order.place(**order_fields(first + index))
        self._shop.save(order)
        return EVENTS_PER_AGGREGATE

    def pull(self) -> Iterator[Any]:
        """The notification log from its start, in pages of 100, decoded to event objects."""
        recorder, mapper, last = self._shop.recorder, self._shop.mapper, 0
        while notifications := recorder.select_notifications(start=last, limit=100, inclusive_of_start=False):
            for notification in notifications:
                yield mapper.to_domain_event(notification)
            last = notifications[-1].id

    def close(self) -> None:
        """Close the application and its connections."""
        self._shop.close()
