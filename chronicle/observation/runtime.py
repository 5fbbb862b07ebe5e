"""The reactors and reducers of one event store in one namespace, kept subscribed while connected."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, Final

import grpc.aio

from chronicle.connections.failures import translate
from chronicle.contracts.observation_reactors_pb2_grpc import ReactorsStub
from chronicle.contracts.observation_reducers_pb2_grpc import ReducersStub
from chronicle.errors import RegistrationError
from chronicle.observation.arguments import HandlerArguments
from chronicle.observation.declarations import ReactorDeclaration, ReducerDeclaration
from chronicle.observation.reactors import Reactor
from chronicle.observation.reducers import Reducer
from chronicle.observation.side_effects import AppendSideEffects
from chronicle.observation.streams import ObserverState, ObserverStream, StreamTiming
from chronicle.observation.tracing import traced
from chronicle.read_models.declaration import read_model_of
from chronicle.store_access import StoreAccess

DEFAULT_TIMING: Final = StreamTiming()


class ObserverKind(Enum):
    """What kind of declaration an observer comes from."""

    REACTOR = "reactor"
    REDUCER = "reducer"


@dataclass(frozen=True, slots=True)
class ObserverStatus:
    """How one observer fares in this process."""

    id: str
    kind: ObserverKind
    state: ObserverState
    handled: int
    """Events handled since the event store was opened; those that were delivered again count again."""
    last_error: str | None
    """What last went wrong, in a handler or else with the stream; `None` if nothing has."""


class Observers:
    """Runs what was declared with `@reactor` and `@reducer`, each on a stream of its own.

    `append` appends side effects, to the event log of the same event store and namespace; `arguments` fills
    what handlers ask for.
    """

    def __init__(
        self,
        store: StoreAccess,
        *,
        reactors: Iterable[ReactorDeclaration] = (),
        reducers: Iterable[ReducerDeclaration] = (),
        append: AppendSideEffects,
        arguments: HandlerArguments | None = None,
        timing: StreamTiming = DEFAULT_TIMING,
    ) -> None:
        """Raises `HandlerSignatureError` when a handler asks for something that is not known."""
        reactors, reducers = tuple(reactors), tuple(reducers)
        arguments = arguments or HandlerArguments()
        arguments.check((*reactors, *reducers))
        self._endpoint = store.calls.endpoint
        self._observers = [
            *(_run_reactor(each, store, append, arguments, timing) for each in reactors),
            *(_run_reducer(each, store, arguments, timing) for each in reducers),
        ]

    def statuses(self) -> tuple[ObserverStatus, ...]:
        """How each of them fares, reactors first, in the order of their declarations."""
        return tuple(observer.status() for observer in self._observers)

    async def start(self, connection_id: str) -> None:
        """Subscribes all of them under a connection id, and waits until each is accepted or refused.

        Raises `RegistrationError` naming those that were refused. They are tried again every now and then,
        as are streams that break later, and the others run: all until `stop`, which comes before another
        `start`.
        """
        starting = [observer.stream.start(connection_id) for observer in self._observers]
        outcomes = await asyncio.gather(*starting, return_exceptions=True)
        refused = [
            (observer, outcome)
            for observer, outcome in zip(self._observers, outcomes, strict=True)
            if isinstance(outcome, Exception)
        ]
        if refused:
            reasons = "; ".join(
                f"{observer.id}: {self._reason(observer, error)}" for observer, error in refused
            )
            raise RegistrationError(
                f"{len(refused)} of {len(self._observers)} observers could not be subscribed. {reasons}"
            ) from refused[0][1]

    async def stop(self, timeout: float) -> None:
        """Takes no more events, and lets handlers that are at work finish within `timeout` seconds.

        What was not finished is delivered again later. A second call does nothing.
        """
        await asyncio.gather(*(observer.stream.stop(timeout) for observer in self._observers))

    def _reason(self, observer: "_Observer", error: Exception) -> str:
        if isinstance(error, grpc.aio.AioRpcError):
            return str(translate(error, method=observer.method, endpoint=self._endpoint))
        return str(error)


@dataclass(frozen=True, slots=True)
class _Observer:
    """An observer with its stream."""

    kind: ObserverKind
    worker: Reactor | Reducer
    stream: ObserverStream[Any, Any]
    method: str

    @property
    def id(self) -> str:
        return self.worker.declaration.id

    def status(self) -> ObserverStatus:
        failure = self.worker.last_failure
        error = failure.summary if failure else self.stream.last_error
        return ObserverStatus(
            id=self.id,
            kind=self.kind,
            state=self.stream.state,
            handled=self.worker.handled,
            last_error=None if error is None else str(error),
        )


def _run_reactor(
    declaration: ReactorDeclaration,
    store: StoreAccess,
    append: AppendSideEffects,
    arguments: HandlerArguments,
    timing: StreamTiming,
) -> _Observer:
    reactor = Reactor(declaration, serializer=store.serializer, append=append, arguments=arguments)
    stream = ObserverStream(
        declaration.id,
        open_call=ReactorsStub(store.channel).Observe,
        register=partial(reactor.register, event_store=store.event_store, namespace=store.namespace),
        handle=traced("chronicle.reactor.handle", reactor, store),
        timing=timing,
    )
    return _Observer(ObserverKind.REACTOR, reactor, stream, "Reactors/Observe")


def _run_reducer(
    declaration: ReducerDeclaration, store: StoreAccess, arguments: HandlerArguments, timing: StreamTiming
) -> _Observer:
    reducer = Reducer(
        declaration,
        read_model=read_model_of(declaration.model).identifier,
        serializer=store.serializer,
        arguments=arguments,
    )
    stream = ObserverStream(
        declaration.id,
        open_call=ReducersStub(store.channel).Observe,
        register=partial(reducer.register, event_store=store.event_store, namespace=store.namespace),
        handle=traced("chronicle.reducer.handle", reducer, store),
        timing=timing,
    )
    return _Observer(ObserverKind.REDUCER, reducer, stream, "Reducers/Observe")
