"""`Chronicle`: one event store for the life of a FastAPI application."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from starlette.applications import Starlette

from chronicle import (
    Artifacts,
    ChronicleClient,
    ChronicleOptions,
    ConfigurationError,
    EventStore,
    NotRunningError,
)
from chronicle_fastapi import problems

logger = logging.getLogger("chronicle.fastapi")

App = TypeVar("App", bound=Starlette)
Lifespan = Callable[[App], AbstractAsyncContextManager[Any]]

_STATE: Final = "chronicle"

NOT_RUNNING: Final = (
    "Chronicle is not running for this application. Either the application was made without it: write "
    "FastAPI(lifespan=chronicle.lifespan), or chronicle.lifespan_with(your_lifespan); an application that is "
    "mounted into another one needs chronicle.install(app) as well. Or the application was never started: "
    "use 'with TestClient(app) as client:' (TestClient without 'with' runs no lifespan, nor does httpx's "
    "ASGITransport)."
)
OTHER_LOOP: Final = (
    "This Chronicle already runs on another event loop. TestClient has a loop of its own: let it start "
    "Chronicle ('with TestClient(app)'), or call the application through httpx's ASGITransport on the loop "
    "that started it."
)
TWO_ON_ONE_APP: Final = (
    "Another Chronicle already runs for this application. An application has one; reach further event stores "
    "through chronicle.client.event_store(...)."
)


class Chronicle:
    """An event store that starts and stops with an application.

    Three ways to start it; what started it stops it, also when the body in between raises:

        app = FastAPI(lifespan=chronicle.lifespan)                          # nothing else to start
        app = FastAPI(lifespan=chronicle.lifespan_with(my_lifespan))        # Chronicle first, then yours
        async with chronicle as store: ...                                  # scripts, workers, tests

    Starting connects, registers `artifacts` and returns once the kernel has accepted them and the observers
    are subscribed. Stopping lets running handlers finish, then closes the client and, when embedded, its
    kernel. Starting what already runs is counted and changes nothing; the last one out stops it. A stopped
    `Chronicle` can be started again.

    `event_store` and `namespace` win over `options`; what neither says comes from the environment
    (`CHRONICLE_CONNECTION_STRING`, `CHRONICLE_EVENT_STORE`, ...), which is read when it starts.
    """

    def __init__(
        self,
        event_store: str | None = None,
        artifacts: Artifacts | None = None,
        *,
        options: ChronicleOptions | None = None,
        namespace: str | None = None,
    ) -> None:
        self._event_store_name = event_store
        self._artifacts = artifacts
        self._options = options
        self._namespace = namespace
        self._changing = asyncio.Lock()
        self._users = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: AsyncExitStack | None = None
        self._client: ChronicleClient | None = None
        self._store: EventStore | None = None

    @property
    def is_running(self) -> bool:
        """Whether it was started, registered and not stopped yet."""
        return self._store is not None

    @property
    def store(self) -> EventStore:
        """The event store. Raises `NotRunningError` unless running."""
        if self._store is None:
            raise NotRunningError(NOT_RUNNING)
        return self._store

    @property
    def client(self) -> ChronicleClient:
        """The client behind the event store. Raises `NotRunningError` unless running."""
        if self._client is None:
            raise NotRunningError(NOT_RUNNING)
        return self._client

    def install(self, app: Starlette) -> None:
        """Make `app` answer with problems and know this Chronicle, before it starts.

        `lifespan` does both by itself. Call this for an application that is mounted into another one: its own
        lifespan never runs (ASGI has one lifespan, the outermost application's), so it cannot find Chronicle.
        """
        problems.add_handlers(app)
        self._attach(app)

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncGenerator[None]:
        """Run for the life of `app`: `FastAPI(lifespan=chronicle.lifespan)`. Routers take it as well.

        Raises `RegistrationError`, `NotConnectedError` and their kin when it cannot start: the server then
        stops.
        """
        self._attach(app)
        problems.answer_in(app)
        async with self:
            yield

    def lifespan_with(self, lifespan: Lifespan[App]) -> Lifespan[App]:
        """A lifespan that runs this one around `lifespan`, which may thus append events while starting and
        stopping.

        The state that `lifespan` yields reaches `request.state` as always; this one adds nothing to it.
        """

        @asynccontextmanager
        async def both(app: App) -> AsyncGenerator[Any]:
            async with self.lifespan(app), lifespan(app) as state:
                yield state

        return both

    async def __aenter__(self) -> EventStore:
        loop = asyncio.get_running_loop()
        if self._users and loop is not self._loop:
            raise ConfigurationError(OTHER_LOOP)
        self._loop = loop
        self._users += 1
        try:
            async with self._changing:
                if self._running is None:
                    await self._start()
        except BaseException:
            await self._leave()
            raise
        return self.store

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._leave()

    async def _leave(self) -> None:
        # Counted before waiting: whoever holds the lock then sees it, even if this task is cancelled
        # meanwhile.
        self._users -= 1
        async with self._changing:
            if self._users == 0 and self._running is not None:
                await self._stop(self._running)

    async def _start(self) -> None:
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(ChronicleClient(options=self._options))
            store = await client.event_store(self._event_store_name, self._namespace, self._artifacts)
            # Only now is there something to keep; an error above closes the client on its way out.
            self._running = stack.pop_all()
        self._client, self._store = client, store
        logger.info("event store %s, namespace %s: running", store.name, store.namespace)

    async def _stop(self, running: AsyncExitStack) -> None:
        try:
            await running.aclose()
        finally:
            # Not earlier: a handler that is still at work may use the store to the end.
            self._running = self._client = self._store = None
        logger.info("event store stopped")

    def _attach(self, app: Starlette) -> None:
        other = getattr(app.state, _STATE, None)
        if isinstance(other, Chronicle) and other is not self and other.is_running:
            raise ConfigurationError(TWO_ON_ONE_APP)
        setattr(app.state, _STATE, self)

    @classmethod
    def of(cls, app: Starlette) -> Self:
        """The running Chronicle of `app`. Raises `NotRunningError` when there is none, and says why."""
        found = getattr(app.state, _STATE, None)
        if not isinstance(found, cls) or found._store is None:
            raise NotRunningError(NOT_RUNNING)
        return found
