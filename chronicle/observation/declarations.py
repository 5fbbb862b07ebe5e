"""`@reactor` and `@reducer`: what an application does with events, checked where it is declared.

    @reactor
    async def welcome(event: AccountOpened, context: EventContext) -> None: ...

    @reducer(model=Account)
    class AccountReducer:
        def opened(self, event: AccountOpened, current: Account | None) -> Account: ...

In a class every public method is a handler and says by its first parameter's annotation for which event, or
for which events, with a union. Names that begin with an underscore, static and class methods and properties
are the class's own. The decorators register nothing: they leave a declaration on what they decorate, for
`Artifacts`.
"""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import FrameType, FunctionType
from typing import Any, Final, TypeVar, overload

from chronicle.errors import DeclarationError, HandlerSignatureError
from chronicle.events.event_types import EventTypeDeclaration
from chronicle.observation.signatures import (
    Signature,
    check_reactor,
    check_reducer,
    event_types,
    read_signature,
)
from chronicle.values import EVENT_LOG

_REACTOR: Final = "__chronicle_reactor__"
_REDUCER: Final = "__chronicle_reducer__"

_Target = TypeVar("_Target")


@dataclass(frozen=True, slots=True)
class Handler:
    """One function for one event type."""

    name: str
    """The method's name in its class; a function's own name."""
    event_type: EventTypeDeclaration
    asks_for: tuple[Any, ...]
    """What its further parameters are annotated with, in order: `EventContext`, services."""
    is_async: bool


@dataclass(frozen=True, slots=True, eq=False)
class ReactorDeclaration:
    """What `@reactor` found: an id, the sequence that is observed, and the handlers by event type id.

    A reactor that is once only is left out of replays.
    """

    id: str
    event_sequence: str
    is_once_only: bool
    target: Any
    """The class, of which each batch gets a new instance, or the function."""
    handlers: Mapping[str, Handler]


@dataclass(frozen=True, slots=True, eq=False)
class ReducerDeclaration:
    """What `@reducer` found: an id, the model it keeps, and the handlers by event type id.

    A reducer that is not active is not fed with events; its model is computed when it is asked for.
    """

    id: str
    event_sequence: str
    model: type
    is_active: bool
    target: type
    handlers: Mapping[str, Handler]


@overload
def reactor(
    id: str | None = None, *, event_sequence: str | None = None, once_only: bool = False
) -> Callable[[_Target], _Target]: ...


@overload
def reactor(target: _Target, /) -> _Target: ...


def reactor(
    id: Any = None,  # noqa: A002 - what it is
    *,
    event_sequence: str | None = None,
    once_only: bool = False,
) -> Any:
    """Declares a class or a function that acts on events as they happen.

    Handlers take the event and what else they ask for by annotation: its `EventContext`, the `EventStore` it
    happened in, its `EventLog` and `ReadModels`, the instance of a read model for the event's source, a
    `UnitOfWork` that is committed when the handler has returned, and what the application registers with
    `Services`. What they return is appended to the event log: an event goes to the event source that
    triggered it, an `EventFor` to its own, a list of these in one append. A handler that raises fails the
    event, and the kernel delivers it again later.

    Coroutine functions run on the event loop. Plain functions run in a thread, so that they may block; that
    costs a hop per event.

    `id` is known to the kernel, which keeps the position under it: without one it is the full dotted name,
    and renaming or moving the reactor starts it over. `event_sequence` is what is observed, the event log
    by default.

    With `once_only=True` the kernel leaves the reactor out of replays, such as that of an event source one of
    whose events was redacted: for effects that must not be had twice. An event that has failed is delivered
    again all the same, since that is no replay.

    Raises `HandlerSignatureError`, with the line that was probably meant, for a handler that cannot work
    and when there is none; `DeclarationError` for a blank id. (observation.md 4 and 12, Reactors/Observe)
    """
    names = _local_names(sys._getframe(1))
    if callable(id):
        return _declare_reactor(id, None, event_sequence, once_only, names)
    return lambda target: _declare_reactor(target, id, event_sequence, once_only, names)


def reducer(
    *,
    model: type,
    id: str | None = None,  # noqa: A002 - what it is
    event_sequence: str | None = None,
    active: bool = True,
) -> Callable[[type[_Target]], type[_Target]]:
    """Declares a class that folds events into a read model, one instance of it per event source.

    Its methods take (event, current state) and return the new state. The current state is `None` before the
    first event; returning `None` removes the instance. They are called one event after the other, on the
    event loop, and should do nothing but compute. What they need for it they ask for as reactors do, in
    further parameters.

    `id` is known to the kernel, which keeps the position under it: without one it is the full dotted name.
    With `active=False` the model is not kept but computed when it is asked for.

    Raises `HandlerSignatureError`, with the line that was probably meant, for a method that cannot work and
    when there is none; `DeclarationError` for a blank id or a model that is no class. (observation.md 5,
    Reducers/Observe)
    """
    names = _local_names(sys._getframe(1))

    def declare(target: type[_Target]) -> type[_Target]:
        if not inspect.isclass(target):
            raise DeclarationError(f"@reducer belongs above a class, and {target!r} is none.")
        if not inspect.isclass(model):
            raise DeclarationError(f"{target.__qualname__}: model={model!r} is no class.")
        declaration = ReducerDeclaration(
            id=_identifier(id, target),
            event_sequence=event_sequence or EVENT_LOG,
            model=model,
            is_active=active,
            target=target,
            handlers=_handlers(target, names, lambda signature: check_reducer(signature, model)),
        )
        setattr(target, _REDUCER, declaration)
        return target

    return declare


def reactor_of(target: Any) -> ReactorDeclaration:
    """The declaration of a reactor. Raises `DeclarationError` for anything else."""
    declaration = _own(target, _REACTOR)
    if not isinstance(declaration, ReactorDeclaration):
        raise DeclarationError(f"{target!r} is no reactor. Put @reactor above it.")
    return declaration


def reducer_of(target: Any) -> ReducerDeclaration:
    """The declaration of a reducer. Raises `DeclarationError` for anything else."""
    declaration = _own(target, _REDUCER)
    if not isinstance(declaration, ReducerDeclaration):
        raise DeclarationError(f"{target!r} is no reducer. Put @reducer(model=...) above it.")
    return declaration


def is_reactor(target: Any) -> bool:
    """Whether a class or function was declared with `@reactor`; a subclass of such a class was not."""
    return isinstance(_own(target, _REACTOR), ReactorDeclaration)


def is_reducer(target: Any) -> bool:
    """Whether a class was declared with `@reducer`; a subclass of such a class was not."""
    return isinstance(_own(target, _REDUCER), ReducerDeclaration)


def _declare_reactor(
    target: _Target,
    given_id: str | None,
    event_sequence: str | None,
    once_only: bool,
    names: Mapping[str, Any],
) -> _Target:
    declaration = ReactorDeclaration(
        id=_identifier(given_id, target),
        event_sequence=event_sequence or EVENT_LOG,
        is_once_only=once_only,
        target=target,
        handlers=_handlers(target, names, check_reactor),
    )
    setattr(target, _REACTOR, declaration)
    return target


def _own(target: Any, name: str) -> Any:
    return getattr(target, "__dict__", {}).get(name)


def _handlers(
    target: Any, names: Mapping[str, Any], check: Callable[[Signature], tuple[Any, ...]]
) -> Mapping[str, Handler]:
    found: dict[str, Handler] = {}
    for name, signature in _signatures(target, names):
        declared = event_types(signature)
        asks_for = check(signature)
        for event_type in declared:
            if other := found.get(event_type.id):
                raise HandlerSignatureError(
                    f"{target.__qualname__} has two handlers for the event type '{event_type.id}': "
                    f"{other.name} and {name}. Make them one; it may call the other."
                )
            found[event_type.id] = Handler(name, event_type, asks_for, signature.is_async)
    if not found:
        raise HandlerSignatureError(
            f"{target.__qualname__} has no handlers. Give it a public method that takes an event:\n"
            "    def opened(self, event: AccountOpened) -> ..."
        )
    return found


def _signatures(target: Any, names: Mapping[str, Any]) -> Iterator[tuple[str, Signature]]:
    if not inspect.isclass(target):
        if not inspect.isfunction(target):
            raise DeclarationError(f"{target!r} is neither a class nor a function.")
        yield target.__name__, read_signature(target, names=names)
        return
    _check_constructor(target)
    for name, (method, owner) in _public_methods(target).items():
        yield name, read_signature(method, owner=target, names={**names, **vars(owner)})


def _public_methods(target: type) -> dict[str, tuple[FunctionType, type]]:
    """The plain methods, each with the class it is written in; a subclass's own takes its base's place."""
    methods: dict[str, tuple[FunctionType, type]] = {}
    hidden: set[str] = set()
    for owner in target.__mro__[:-1]:
        for name, member in vars(owner).items():
            if name in hidden or name.startswith("_"):
                continue
            hidden.add(name)
            if inspect.isfunction(member):
                methods[name] = (member, owner)
    return methods


def _check_constructor(target: type) -> None:
    try:
        inspect.signature(target).bind()
    except TypeError as error:
        raise HandlerSignatureError(
            f"{target.__qualname__}: {error}. It is made anew for every batch of events, without arguments."
        ) from error


def _identifier(given: Any, target: Any) -> str:
    if given is None:
        return f"{target.__module__}.{target.__qualname__}"
    if not isinstance(given, str) or not given.strip():
        raise DeclarationError(f"{target.__qualname__}: {given!r} is no id. Give it a text, or leave it out.")
    return given


def _local_names(frame: FrameType) -> Mapping[str, Any]:
    """The locals of the function in which something is declared: annotations may be texts that name them."""
    # A module's locals are its globals, which each handler finds by itself, and in its own module.
    return {} if frame.f_locals is frame.f_globals else dict(frame.f_locals)
