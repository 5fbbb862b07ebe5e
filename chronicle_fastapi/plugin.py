"""`Chronicle`: one event store for the life of a FastAPI application."""

import asyncio
import contextvars
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from chronicle import (
    Artifacts,
    CallError,
    ChronicleClient,
    ChronicleError,
    ChronicleOptions,
    ConfigurationError,
    DeadlineError,
    EventStore,
    NotConnectedError,
    NotRunningError,
    RegistrationError,
    Services,
)
from chronicle_fastapi import problems, request_context, rollback
from chronicle_fastapi.namespaces import namespace_of
from chronicle_fastapi.request_options import RequestOptions

logger = logging.getLogger("chronicle.fastapi")

App = TypeVar("App", bound=Starlette)
Lifespan = Callable[[App], AbstractAsyncContextManager[Any]]

RETRY_SECONDS: Final = 1.0
"""Between two attempts to start while the kernel is away; each takes up to the connect timeout."""

_STATE: Final = "chronicle"
_STORE: Final = "chronicle.event_store"

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
    (`CHRONICLE_CONNECTION_STRING`, `CHRONICLE_EVENT_STORE`, ...), which is read when it starts. `requests`
    says what is taken from requests: their namespace, who acts in them. `services` are what the handlers of
    reactors and reducers can ask for.

    With `start_without_kernel` an application starts although its kernel cannot be reached, and goes on
    trying: until that succeeds, whatever needs the kernel raises `NotConnectedError`, which is answered with
    503. By default it does not start.
    """

    def __init__(
        self,
        event_store: str | None = None,
        artifacts: Artifacts | None = None,
        *,
        options: ChronicleOptions | None = None,
        namespace: str | None = None,
        requests: RequestOptions | None = None,
        services: Services | None = None,
        start_without_kernel: bool = False,
    ) -> None:
        self.requests: Final = requests or RequestOptions()
        """What is taken from requests."""
        self._event_store_name = event_store
        self._artifacts = artifacts
        self._options = options
        self._namespace = namespace
        self._services = services
        self._starts_without_kernel = start_without_kernel
        self._changing = asyncio.Lock()
        self._users = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: AsyncExitStack | None = None
        self._client: ChronicleClient | None = None
        self._store: EventStore | None = None
        self._start_error: Exception | None = None

    @property
    def is_running(self) -> bool:
        """Whether it was started, registered and not stopped yet."""
        return self._store is not None

    @property
    def start_error(self) -> Exception | None:
        """Why an application that was started without its kernel has not reached it yet."""
        return self._start_error

    @property
    def store(self) -> EventStore:
        """The event store.

        Raises `NotRunningError` unless started, `NotConnectedError` when it was started without its kernel.
        """
        if self._store is None:
            raise self._not_there()
        return self._store

    @property
    def client(self) -> ChronicleClient:
        """The client behind the event store. Raises as `store` does."""
        if self._client is None:
            raise self._not_there()
        return self._client

    async def store_for(self, connection: HTTPConnection) -> EventStore:
        """The event store in the namespace that a request is about, looked up once for each request.

        Raises as `store` does, `ProblemError` for a namespace that the request may not have, and `CallError`
        or `RegistrationError` when the namespace cannot be opened; the next request tries that again.
        """
        found = connection.scope.get(_STORE)
        if isinstance(found, EventStore):
            return found
        store = self.store
        options = self.requests
        name = await namespace_of(connection, options.namespace, options.allowed_namespaces)
        if name is not None and name != store.namespace:
            try:
                store = await self.client.event_store(store.name, name, self._artifacts)
            except RegistrationError as error:
                raise _unavailable(error) or error from error
        connection.scope[_STORE] = store
        return store

    def install(self, app: Starlette) -> None:
        """Make `app` know this Chronicle, answer with problems, and surround its requests, before it starts.

        `lifespan` does all of it by itself. Call this for an application that is mounted into another one:
        its own lifespan never runs (ASGI has one lifespan, the outermost application's), so it cannot find
        Chronicle.
        """
        problems.add_handlers(app)
        self._attach(app)
        self._surround(app)

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncGenerator[None]:
        """Run for the life of `app`: `FastAPI(lifespan=chronicle.lifespan)`. Routers take it as well.

        Raises `RegistrationError`, `NotConnectedError` and their kin when it cannot start: the server then
        stops.
        """
        self._attach(app)
        self._surround(app)
        problems.answer_in(app)
        await self._enter()
        try:
            yield
        finally:
            await self._leave()

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
        await self._enter()
        try:
            return self.store
        except NotConnectedError:
            await self._leave()
            raise

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._leave()

    async def _enter(self) -> None:
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

    async def _leave(self) -> None:
        # Counted before waiting: whoever holds the lock then sees it, even if this task is cancelled
        # meanwhile.
        self._users -= 1
        async with self._changing:
            if self._users == 0 and self._running is not None:
                await self._stop(self._running)

    async def _start(self) -> None:
        running = AsyncExitStack()
        try:
            await self._connect(running)
        except (CallError, RegistrationError) as error:
            if not self._starts_without_kernel or _unavailable(error) is None:
                raise
            self._note_failed_start(error)
            # What is ambient where it begins is nothing to it.
            trying = asyncio.create_task(
                self._keep_trying(running), name="chronicle-start", context=contextvars.Context()
            )
            running.push_async_callback(_cancel, trying)
        self._running = running

    async def _connect(self, running: AsyncExitStack) -> None:
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(
                ChronicleClient(options=self._options, services=self._services)
            )
            store = await client.event_store(self._event_store_name, self._namespace, self._artifacts)
            # Only now is there something to keep; an error above closes the client on its way out.
            running.push_async_exit(stack.pop_all())
        self._client, self._store, self._start_error = client, store, None
        logger.info("event store %s, namespace %s: running", store.name, store.namespace)

    async def _keep_trying(self, running: AsyncExitStack) -> None:
        while self._store is None:
            await asyncio.sleep(RETRY_SECONDS)
            try:
                await self._connect(running)
            except Exception as error:
                # Whatever it is: nobody else goes on trying.
                self._note_failed_start(error)

    def _note_failed_start(self, error: Exception) -> None:
        self._start_error = error
        logger.error("running without the event store, which is tried again: %s", error)

    async def _stop(self, running: AsyncExitStack) -> None:
        try:
            await running.aclose()
        finally:
            # Not earlier: a handler that is still at work may use the store to the end.
            self._running = self._client = self._store = self._start_error = None
        logger.info("event store stopped")

    def _not_there(self) -> ChronicleError:
        if self._start_error is None:
            return NotRunningError(NOT_RUNNING)
        return NotConnectedError(
            f"The event store was not reached yet, and is tried again. {self._start_error}"
        )

    def _surround(self, app: Starlette) -> None:
        request_context.add_to(app, self.requests)
        if self.requests.roll_back_on_error_status:
            rollback.add_to(app)

    def _attach(self, app: Starlette) -> None:
        other = getattr(app.state, _STATE, None)
        if isinstance(other, Chronicle) and other is not self and other._running is not None:
            raise ConfigurationError(TWO_ON_ONE_APP)
        setattr(app.state, _STATE, self)

    @classmethod
    def of(cls, app: Starlette) -> Self:
        """The started Chronicle of `app`. Raises `NotRunningError` when there is none, and says why."""
        found = getattr(app.state, _STATE, None)
        if not isinstance(found, cls) or found._running is None:
            raise NotRunningError(NOT_RUNNING)
        return found


def _unavailable(error: ChronicleError) -> CallError | None:
    """What an error comes to if it means that the kernel cannot be reached, and has refused nothing."""
    if isinstance(error, NotConnectedError | DeadlineError):
        return error
    if not isinstance(error, RegistrationError):
        return None
    cause = error.__cause__
    if isinstance(cause, TimeoutError):
        return DeadlineError(str(error))
    return cause if isinstance(cause, NotConnectedError | DeadlineError) else None


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
