"""Chronicle as an application uses it: event types, a kernel embedded on a file or served by a process."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import free_port, server
from benchmarks.workload import Order, event_source, order_fields
from chronicle import Artifacts, ChronicleClient, EventStore, event_type

STORE = "shop"


@event_type("order-placed")
class OrderPlaced(Order):
    """The event, as a pydantic model."""


@event_type("order-copied")
@dataclass
class OrderCopied:
    """The same ten fields as a dataclass."""

    order_id: str
    customer_id: str
    sku: str
    quantity: int
    unit_price: float
    currency: str
    placed_at: str
    express: bool
    note: str
    tags: list[str]


ARTIFACTS = Artifacts(event_types=[OrderPlaced, OrderCopied])


class Appender:
    """Appends through the client, as timed windows want it."""

    def __init__(self, store: EventStore) -> None:
        self._log = store.event_log

    async def one(self, number: int) -> int:
        """One event, awaited until it is durable; the number of events appended."""
        await self._log.append(event_source(number), OrderPlaced(**order_fields(number)))
        return 1

    async def one_dataclass(self, number: int) -> int:
        """The same with the dataclass."""
        await self._log.append(event_source(number), OrderCopied(**order_fields(number)))
        return 1

    async def hundred(self, number: int) -> int:
        """A hundred events for one event source at once."""
        first = number * 100
        events = [OrderPlaced(**order_fields(first + index)) for index in range(100)]
        await self._log.append_many(event_source(number), events)
        return 100


def embedded(path: Path) -> str:
    """The connection string of an embedded kernel on this file."""
    return f"chronicle+embedded:///{path.absolute()}"


@asynccontextmanager
async def opened(connection_string: str) -> AsyncIterator[EventStore]:
    """The benchmarks' event store, registered."""
    async with ChronicleClient(connection_string) as client:
        yield await client.event_store(STORE, artifacts=ARTIFACTS)


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[str]:
    """A kernel in another process on loopback, on a file in the folder; yields its connection string."""
    port = free_port()
    command = [
        str(Path(sys.executable).with_name("chronicle")),
        *("serve", "--port", str(port), "--file", str(folder / "served.db"), "--insecure"),
    ]
    async with server(command, port, log=folder / "serve.log"):
        yield f"chronicle://127.0.0.1:{port}?disableTls=true"


async def fill(path: Path, count: int) -> None:
    """Put so many events into a new database, in appends of a hundred for one event source each."""
    async with opened(embedded(path)) as store:
        appender = Appender(store)
        for number in range(count // 100):
            await appender.hundred(number)
