"""`ChronicleClient`: opens the connection, and hands out event stores."""

import asyncio
import contextvars
from contextlib import AsyncExitStack
from datetime import timedelta
from enum import Enum
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

import grpc.aio

from chronicle.artifacts import Artifacts
from chronicle.connections.calls import CallSettings
from chronicle.connections.factory import open_channel
from chronicle.connections.session import Session
from chronicle.errors import ConfigurationError, NotRunningError
from chronicle.event_store import EventStore
from chronicle.event_stores import EventStores
from chronicle.events.declared_constraints import DeclaredConstraints
from chronicle.events.event_types import EventTypes
from chronicle.observation.services import Services
from chronicle.serialization import Serializer
from chronicle.settings import ClientSettings, settings_from_environment
from chronicle.store_access import StoreAccess
from chronicle.telemetry import find_telemetry

if TYPE_CHECKING:
    # Its pydantic-settings is slow to import, and who gives no options needs none.
    from chronicle.options import ChronicleOptions


class ClientState(Enum):
    """Where a client stands."""

    CREATED = "not opened yet"
    OPENING = "being opened"
    OPEN = "open"
    CLOSED = "closed"


class ChronicleClient:
    """A connection to a kernel, open inside `async with`.

        async with ChronicleClient("chronicle+embedded:///bank.db") as client:
            store = await client.event_store("bank", artifacts=discover("bank"))

    Takes a connection string or `ChronicleOptions`; with neither, what the environment says. `services` are
    what the handlers of reactors and reducers can ask for. While open it
    stays connected: it connects again when the connection is lost, and then registers everything again.

    Raises `ConnectionStringError` for a connection string that cannot be understood.
    """

    def __init__(
        self,
        connection_string: str | None = None,
        *,
        options: "ChronicleOptions | None" = None,
        services: Services | None = None,
    ) -> None:
        if connection_string is not None and options is not None:
            raise ConfigurationError(
                "A ChronicleClient takes a connection string or options, not both. Give the string to the "
                "options: ChronicleOptions(connection_string=...)."
            )
        self._settings: ClientSettings = (
            options.settings() if options is not None else settings_from_environment(connection_string)
        )
        self._services = services
        self._state = ClientState.CREATED
        self._serializer = Serializer()
        self._resources = AsyncExitStack()
        self._connection: _Connection | None = None
        self._stores: dict[tuple[str, str], _Opening] = {}

    @property
    def state(self) -> ClientState:
        """Where the client stands now."""
        return self._state

    @property
    def is_connected(self) -> bool:
        """Whether the kernel knows this client now; while it does not, connecting goes on."""
        return self._connection is not None and self._connection.session.is_connected

    @property
    def connection_id(self) -> str:
        """The id that the kernel knows this client by, new with each connection; empty without one."""
        return "" if self._connection is None else self._connection.session.connection_id

    @property
    def channel(self) -> grpc.aio.Channel:
        """The channel to the kernel, for calls of the contract that nothing here makes.

        Raises `NotRunningError` when the client is not open.
        """
        return self._open_connection().channel

    @property
    def call_settings(self) -> CallSettings:
        """What calls on that channel are to have in common. Raises `NotRunningError` likewise."""
        return self._open_connection().calls

    @property
    def event_stores(self) -> EventStores:
        """All event stores of the kernel. Raises `NotRunningError` when the client is not open."""
        return self._open_connection().event_stores

    async def event_store(
        self, name: str | None = None, namespace: str | None = None, artifacts: Artifacts | None = None
    ) -> EventStore:
        """An event store in a namespace, once everything that the artifacts declare is registered.

        Without a name or a namespace those of the options are meant. Asked again, also at the same time, it
        answers with the same object; an attempt that failed is forgotten.

        Raises `RegistrationError` when the kernel refuses something or does not answer within the
        registration timeout, `DeclarationError` for artifacts that do not go together, `ConfigurationError`
        for a blank name and for artifacts other than those that the event store was opened with,
        `NotRunningError` when the client is not open.
        """
        connection = self._open_connection()
        key = (
            _checked_name("event store", self._settings.event_store if name is None else name),
            _checked_name("namespace", self._settings.namespace if namespace is None else namespace),
        )
        if connection.calls.telemetry is not None:
            connection.calls.telemetry.retrievals.add(1, {"chronicle.event_store": key[0]})
        opening = self._stores.get(key)
        if opening is None:
            opening = self._begin_opening(connection, key, artifacts or Artifacts())
        elif artifacts not in (None, opening.artifacts):
            raise ConfigurationError(
                f"The event store '{key[0]}' in namespace '{key[1]}' is open already, with other artifacts. "
                "Give all of them the first time, joined with +, or leave them out when asking again."
            )
        # Shielded: whoever else waits is not to lose it when this caller is cancelled.
        return await asyncio.shield(opening.task)

    async def __aenter__(self) -> Self:
        if self._state is not ClientState.CREATED:
            raise NotRunningError(
                f"This ChronicleClient is {self._state.value}, and can be opened only once. Make a new one."
            )
        self._state = ClientState.OPENING
        try:
            await self._open()
        except BaseException:
            await self._close()
            raise
        self._state = ClientState.OPEN
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._close()

    async def _open(self) -> None:
        connection = self._settings.connection
        endpoint = connection.redacted()
        channel = await open_channel(connection)
        self._resources.push_async_callback(channel.close)
        session = Session(channel, endpoint=endpoint, connect_timeout=self._settings.connect_timeout)
        self._resources.push_async_callback(session.close)
        await session.open()
        calls = CallSettings(self._settings.call_timeout.total_seconds(), endpoint, find_telemetry())
        self._connection = _Connection(channel, session, calls, EventStores(channel, calls))
        # Closed first: what is opened last, and needs the others to end well.
        self._resources.push_async_callback(self._close_stores)

    async def _close(self) -> None:
        self._state = ClientState.CLOSED
        await self._resources.aclose()

    async def _close_stores(self) -> None:
        tasks = [opening.task for opening in self._stores.values()]
        for task in tasks:
            # Does nothing to one that is done.
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        stores = [outcome for outcome in outcomes if isinstance(outcome, EventStore)]
        await asyncio.gather(*(store.close(self._settings.shutdown_timeout) for store in stores))

    def _begin_opening(
        self, connection: "_Connection", key: tuple[str, str], artifacts: Artifacts
    ) -> "_Opening":
        # In a context of its own: what is ambient here is nothing to an event store, and less to its
        # reactors.
        task = asyncio.create_task(
            self._open_store(connection, *key, artifacts),
            name=f"chronicle-open-{key[0]}",
            context=contextvars.Context(),
        )
        opening = self._stores[key] = _Opening(artifacts, task)
        task.add_done_callback(partial(self._forget_if_failed, key))
        return opening

    async def _open_store(
        self, connection: "_Connection", name: str, namespace: str, artifacts: Artifacts
    ) -> EventStore:
        event_types = EventTypes(artifacts.event_types, naming=self._serializer.naming)
        access = StoreAccess(
            connection.channel,
            name,
            namespace,
            event_types,
            self._serializer,
            connection.calls,
            DeclaredConstraints(event_types, artifacts.constraints, naming=self._serializer.naming),
            self._settings.concurrency,
        )
        store = EventStore(
            access, artifacts, connection.session, self._settings.registration_timeout, self._services
        )
        store.open()
        try:
            outcome = await store.wait_for_registration()
            if outcome.failure is not None:
                raise outcome.failure
        except BaseException:
            await store.close(timedelta())
            raise
        return store

    def _forget_if_failed(self, key: tuple[str, str], task: "asyncio.Task[EventStore]") -> None:
        if task.cancelled() or task.exception() is not None:
            del self._stores[key]

    def _open_connection(self) -> "_Connection":
        if self._connection is None or self._state is not ClientState.OPEN:
            raise NotRunningError(
                f"This ChronicleClient is {self._state.value}. Use it inside its block: "
                "`async with ChronicleClient(...) as client:`."
            )
        return self._connection


class _Connection(NamedTuple):
    channel: grpc.aio.Channel
    session: Session
    calls: CallSettings
    event_stores: EventStores


class _Opening(NamedTuple):
    """An event store that is there or on its way, and what it was asked for with."""

    artifacts: Artifacts
    task: "asyncio.Task[EventStore]"


def _checked_name(what: str, name: str) -> str:
    if name.strip():
        return name
    raise ConfigurationError(
        f"The name of the {what} is blank. Give it one, or leave it out for that of the options."
    )
