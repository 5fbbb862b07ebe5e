"""`umadb`: an event store in Rust whose wheel carries its gRPC server and a blocking Python client."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import umadb

from benchmarks.processes import free_port, server
from benchmarks.workload import Order, event_source, order


class UmaDB:
    """Clients of one running server."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def one_event(self) -> Callable[[int], int]:
        """A caller with a connection of its own: each call appends one event."""
        client = umadb.Client(self._url)

        def append(number: int) -> int:
            client.append([_event(number)])
            return 1

        return append

    def hundred_events(self) -> Callable[[int], int]:
        """A caller with a connection of its own: each call appends a hundred events at once."""
        client = umadb.Client(self._url)

        def append(number: int) -> int:
            client.append([_event(number * 100 + index) for index in range(100)])
            return 100

        return append

    def read(self) -> Iterator[Order]:
        """All events in order, as typed objects."""
        client = umadb.Client(self._url)  # kept: without its client a response ends as cancelled
        for sequenced in client.read():
            yield Order.model_validate_json(sequenced.event.data)


@asynccontextmanager
async def running_umadb(folder: Path) -> AsyncIterator[UmaDB]:
    """The bundled server on loopback, with its database in the folder."""
    port = free_port()
    command = [
        str(Path(sys.executable).with_name("umadb")),
        *("--listen", f"127.0.0.1:{port}", "--db-path", str(folder / "uma.db")),
    ]
    async with server(command, port, log=folder / "umadb.log"):
        yield UmaDB(port)


def _event(number: int) -> umadb.Event:
    content = order(number).model_dump_json().encode()
    return umadb.Event(event_type="order-placed", data=content, tags=[event_source(number)])
