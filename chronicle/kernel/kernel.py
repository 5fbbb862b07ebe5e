"""The embedded kernel: opens the storage, starts the parts, closes them in order."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from chronicle.kernel.clients import ClientTimings, ConnectedClients
from chronicle.kernel.completion import end
from chronicle.kernel.event_stores import EventStores
from chronicle.kernel.observation.settings import DEFAULT_SETTINGS, ObservationSettings
from chronicle.kernel.storage.database import Database
from chronicle.kernel.subscriptions import EventStoreSubscriptions

VERSION: Final = "16.37.1"
"""The version of the contract that the kernel serves, and whose behaviour it has."""


class Kernel:
    """A kernel that runs. Get one with `open`, and close it; or use it in `async with`."""

    version: Final = VERSION

    def __init__(
        self,
        event_stores: EventStores,
        subscriptions: EventStoreSubscriptions,
        clients: ConnectedClients,
        resources: AsyncExitStack,
    ) -> None:
        self.event_stores: Final = event_stores
        self.subscriptions: Final = subscriptions
        self.clients: Final = clients
        self._resources = resources

    @classmethod
    async def open(
        cls,
        path: Path | None = None,
        *,
        timings: ClientTimings | None = None,
        observation: ObservationSettings = DEFAULT_SETTINGS,
    ) -> Self:
        """Opens the kernel of a database file, which is made if need be; `None` keeps all in memory.

        Raises `DatabaseInUseError`, `NotAChronicleDatabaseError`, `NewerDatabaseError`, or `StorageError`.
        """
        async with AsyncExitStack() as resources:
            database = await Database.open(path)
            resources.push_async_callback(database.close)
            clients = ConnectedClients(timings)
            revising = asyncio.create_task(clients.revise(), name="chronicle-clients")
            resources.push_async_callback(end, revising)
            event_stores = await EventStores.load(database, observation)
            resources.push_async_callback(event_stores.close)
            subscriptions = await EventStoreSubscriptions.load(database, event_stores)
            resources.push_async_callback(subscriptions.close)
            return cls(event_stores, subscriptions, clients, resources.pop_all())

    async def close(self) -> None:
        """Stops the parts in the reverse order of their start. A second call does nothing."""
        await self._resources.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
