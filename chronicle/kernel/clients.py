"""The clients that are connected (connection.md 5.2)."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from chronicle.kernel.changes import Changes
from chronicle.values import now_ticks


@dataclass(frozen=True, slots=True)
class ClientTimings:
    """How the kernel keeps in touch with its clients; all in seconds."""

    keep_alive_interval: float = 1.0
    """Between two keep-alives to a client."""
    stale_after: float = 5.0
    """A client whose last answer is older counts as gone."""
    revise_interval: float = 2.0
    """Between two looks at who is stale."""
    observe_interval: float = 1.0
    """Between two looks at what those who watch the clients should hear."""


@dataclass(frozen=True, slots=True)
class Client:
    """What a client says of itself when it connects."""

    connection_id: str
    version: str = ""
    is_running_with_debugger: bool = False
    process_id: int = 0
    process_path: str = ""
    machine_name: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True)
class ConnectedClient:
    """A client, and when it was last heard of: in ticks for others, in steady seconds for ourselves."""

    client: Client
    last_seen: int
    seen_at: float


class ConnectedClients:
    """The clients that are connected, in memory only: a kernel that starts knows nobody."""

    def __init__(
        self,
        timings: ClientTimings | None = None,
        *,
        steady_clock: Callable[[], float] = time.monotonic,
        ticks: Callable[[], int] = now_ticks,
    ) -> None:
        self.timings: Final = timings or ClientTimings()
        self.address = f"127.0.0.1:0@{ticks() // 10_000_000}"
        """Where the kernel is, `ip:port@generation`; port 0 in the application's own process."""
        self.changes: Final = Changes()
        """When a client came or went; not when one was merely heard of."""
        self._steady_clock = steady_clock
        self._ticks = ticks
        self._connected: dict[str, ConnectedClient] = {}

    def connect(self, client: Client) -> None:
        """Registers a client, in place of one with the same connection id."""
        self._connected[client.connection_id] = ConnectedClient(client, self._ticks(), self._steady_clock())
        self.changes.notify()

    def keep_alive(self, connection_id: str) -> None:
        """Notes that a client answered. One that is not connected stays so: it has to connect again."""
        connected = self._connected.get(connection_id)
        if connected is not None:
            self._connected[connection_id] = replace(
                connected, last_seen=self._ticks(), seen_at=self._steady_clock()
            )

    def disconnect(self, client: Client) -> None:
        """Forgets a client, unless another one took over its connection id."""
        connected = self._connected.get(client.connection_id)
        if connected is not None and connected.client is client:
            del self._connected[client.connection_id]
            self.changes.notify()

    def is_connected(self, connection_id: str) -> bool:
        """Whether a client is connected under this id, compared exactly."""
        return connection_id in self._connected

    def all(self) -> Sequence[ConnectedClient]:
        """The clients that are connected, in the order in which they came."""
        return tuple(self._connected.values())

    def evict_stale(self) -> None:
        """Forgets the clients that were silent too long; a client in a debugger may be silent."""
        now = self._steady_clock()
        stale = [
            connection_id
            for connection_id, connected in self._connected.items()
            if now - connected.seen_at > self.timings.stale_after
            and not connected.client.is_running_with_debugger
        ]
        for connection_id in stale:
            del self._connected[connection_id]
        if stale:
            self.changes.notify()

    async def revise(self) -> None:
        """Evicts stale clients again and again, until it is cancelled."""
        while True:
            began = self._steady_clock()
            await asyncio.sleep(self.timings.revise_interval)
            # A process that was held up could hear nobody. Clients get the chance to be heard first.
            if self._steady_clock() - began < self.timings.revise_interval + self.timings.keep_alive_interval:
                self.evict_stale()
