"""`Services`: what handlers of reactors and reducers can ask for, beside what Chronicle gives them itself.

    services = Services()
    services.add(Mailer, SmtpMailer("localhost"))
    services.add_factory(AsyncSession, async_sessionmaker(engine))

    @reactor
    async def welcome(event: AccountOpened, mailer: Mailer, session: AsyncSession) -> None: ...

    ChronicleClient("chronicle+embedded:///bank.db", services=services)

Handlers run outside of any request, so a web framework's own injection has nothing to say here.
"""

import inspect
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from inspect import Parameter
from typing import Annotated, Any, Final, Protocol, Self, TypeAlias, get_args, get_origin

from chronicle.errors import DeclarationError

_VARIABLE: Final = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


class ServiceScope(Protocol):
    """What a container hands out while one event is handled."""

    async def get(self, kind: Any, /) -> Any:
        """The service that a parameter is annotated with."""
        ...


Container: TypeAlias = Callable[[], AbstractAsyncContextManager[ServiceScope]]
"""Opens a scope for one event. Dishka's `AsyncContainer` is one as it stands."""


@dataclass(frozen=True, slots=True)
class Factory:
    """A function that makes a service for each event, and what it asks for in its turn, by parameter."""

    make: Callable[..., Any]
    asks_for: Mapping[str, Any]


class Services:
    """What handlers can ask for by annotation; a class, a protocol, a generic of one or a `NewType`.

    `container` is asked for everything that is not registered here. What is registered again replaces what
    was there. What a handler asks for is looked up when an event store is opened: register everything
    before.
    """

    def __init__(self, *, container: Container | None = None) -> None:
        self.container: Final = container
        """Where the rest comes from."""
        self._found: dict[Any, Any] = {}

    def add(self, kind: Any, value: Any) -> Self:
        """Registers an object: every handler that asks for `kind` gets this one."""
        self._found[kind] = value
        return self

    def add_factory(self, kind: Any, factory: Callable[..., Any]) -> Self:
        """Registers a function that is called once for each event whose handler asks for `kind`.

        It may be a coroutine function, and may itself ask for services, by its parameters without a default.
        When what it makes is an async context manager, handlers get what that gives; it is left when the
        handler has returned, with the exception when that has failed.

        Raises `DeclarationError` when `factory` cannot be called, or does not say what it asks for.
        """
        self._found[kind] = Factory(factory, _parameters(factory))
        return self

    def find(self, kind: Any) -> Any:
        """The object or the `Factory` for what a parameter is annotated with. Raises `KeyError`."""
        return self._found[kind]

    @property
    def kinds(self) -> tuple[Any, ...]:
        """All that was registered here."""
        return tuple(self._found)


def _parameters(factory: Callable[..., Any]) -> Mapping[str, Any]:
    if not callable(factory):
        raise DeclarationError(f"{factory!r} is no factory: it cannot be called. Objects go to add().")
    name = getattr(factory, "__qualname__", repr(factory))
    try:
        parameters = inspect.signature(factory, eval_str=True).parameters.values()
    except ValueError:
        return {}  # one that is written in C does not say
    except Exception as error:
        raise DeclarationError(f"{name}: its annotations cannot be evaluated: {error}") from error
    asked = [each for each in parameters if each.default is each.empty and each.kind not in _VARIABLE]
    for parameter in asked:
        if parameter.annotation is parameter.empty or parameter.kind is parameter.POSITIONAL_ONLY:
            raise DeclarationError(
                f"{name}: '{parameter}' cannot be filled. What a factory asks for is named and annotated; "
                "everything else has a default."
            )
    return {each.name: _bare(each.annotation) for each in asked}


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
