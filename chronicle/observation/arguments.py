"""The further parameters of handlers, filled by what they are annotated with.

Whether everything can be filled is found out when an event store is opened. What is asked for is made anew
for each event, and closed when its handler has returned.
"""

import inspect
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Final, NoReturn

from chronicle.errors import HandlerSignatureError
from chronicle.events.event_context import EventContext
from chronicle.observation.declarations import ReactorDeclaration, ReducerDeclaration
from chronicle.observation.services import Factory, Services, ServiceScope
from chronicle.observation.signatures import name_of

CONTEXT_ONLY: Final = (EventContext,)
"""What most handlers ask for, if anything."""


class HandlerArguments:
    """Fills parameters for one event store: `own` is what that offers, and comes before the application's."""

    def __init__(self, own: Services | None = None, services: Services | None = None) -> None:
        self._own = own or Services()
        self._services = services or Services()

    def check(self, observers: Iterable[ReactorDeclaration | ReducerDeclaration]) -> None:
        """Raises `HandlerSignatureError` for a parameter that cannot be filled, saying what can be."""
        for observer in observers:
            for handler in observer.handlers.values():
                for kind in handler.asks_for:
                    self._check(kind, f"{observer.id}.{handler.name}", ())

    @asynccontextmanager
    async def opened(self, kinds: Sequence[Any], context: EventContext) -> AsyncIterator[list[Any]]:
        """The arguments for parameters that ask for `kinds`, while the block runs."""
        async with AsyncExitStack() as stack:
            scope = _EventScope(self, stack, context)
            yield [await scope.get(kind) for kind in kinds]

    def find(self, kind: Any) -> Any:
        """An object or a `Factory`; raises `KeyError` for what a container has to know."""
        try:
            return self._own.find(kind)
        except KeyError:
            return self._services.find(kind)

    def open_container(self) -> AbstractAsyncContextManager[ServiceScope]:
        """A new scope of the application's container."""
        assert self._services.container is not None  # or `check` had refused what is asked for
        return self._services.container()

    def _check(self, kind: Any, handler: str, path: tuple[Any, ...]) -> None:
        """`path` is which factories ask for it, the one of the handler's own parameter first."""
        if kind is EventContext:
            return
        if kind in path:
            circle = " -> ".join(map(name_of, [*path[path.index(kind) :], kind]))
            raise HandlerSignatureError(
                f"{handler} cannot be called: making {circle} goes round in a circle."
            )
        try:
            found = self.find(kind)
        except KeyError:
            if self._services.container is None:
                self._refuse(kind, handler, path)
            return
        if isinstance(found, Factory):
            for asked in found.asks_for.values():
                self._check(asked, handler, (*path, kind))

    def _refuse(self, kind: Any, handler: str, path: Sequence[Any]) -> NoReturn:
        name = name_of(kind)
        through = f", through {' -> '.join(map(name_of, path))}" if path else ""
        own = ", ".join(map(name_of, (EventContext, *self._own.kinds)))
        registered = ", ".join(map(name_of, self._services.kinds)) or "nothing so far"
        raise HandlerSignatureError(
            f"{handler} asks for {name}{through}, which nobody has registered. It can ask for {own}, and for "
            f"what the application registers: {registered}. Register it with services.add({name}, ...) or "
            f"services.add_factory({name}, ...), and give the Services to the ChronicleClient."
        )


class _EventScope:
    """What was made for one event so far; a service that several ask for is made once."""

    __slots__ = ("_arguments", "_container", "_made", "_stack")

    def __init__(self, arguments: HandlerArguments, stack: AsyncExitStack, context: EventContext) -> None:
        self._arguments = arguments
        self._stack = stack
        self._made: dict[Any, Any] = {EventContext: context}
        self._container: ServiceScope | None = None

    async def get(self, kind: Any) -> Any:
        if kind not in self._made:
            self._made[kind] = await self._make(kind)
        return self._made[kind]

    async def _make(self, kind: Any) -> Any:
        try:
            found = self._arguments.find(kind)
        except KeyError:
            return await self._from_container(kind)
        if not isinstance(found, Factory):
            return found
        made = found.make(**{name: await self.get(asked) for name, asked in found.asks_for.items()})
        # First: what can be entered may be awaitable besides, as what a connection pool hands out.
        if isinstance(made, AbstractAsyncContextManager):
            return await self._stack.enter_async_context(made)
        return await made if inspect.isawaitable(made) else made

    async def _from_container(self, kind: Any) -> Any:
        if self._container is None:
            self._container = await self._stack.enter_async_context(self._arguments.open_container())
        return await self._container.get(kind)
