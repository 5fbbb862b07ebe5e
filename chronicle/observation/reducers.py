"""Reducers at work: a batch of events folded into one instance of a read model (observation.md 5)."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from chronicle.contracts import observation_reducers_pb2 as pb
from chronicle.observation.arguments import CONTEXT_ONLY, HandlerArguments
from chronicle.observation.declarations import Handler, ReducerDeclaration
from chronicle.observation.event_reader import EventReader
from chronicle.observation.failures import Failure, Outcome, is_cancelled, log_failure
from chronicle.observation.registrations import observed_event_types
from chronicle.read_models.reading import InstanceReader
from chronicle.serialization import Serializer
from chronicle.values import ALL_STREAM_TYPE


class Reducer:
    """One declared reducer, at work for one event store in one namespace."""

    def __init__(
        self,
        declaration: ReducerDeclaration,
        *,
        read_model: str,
        serializer: Serializer,
        arguments: HandlerArguments,
    ) -> None:
        self.declaration = declaration
        self.handled = 0
        """Events handled so far; those that were delivered again count again."""
        self.last_failure: Failure | None = None
        self._read_model = read_model
        self._serializer = serializer
        self._arguments = arguments
        self._events = EventReader(serializer)
        self._instances = InstanceReader(serializer)

    def register(self, connection_id: str, *, event_store: str, namespace: str) -> pb.ReducerMessage:
        """The first message of a stream of Reducers/Observe."""
        declaration = self.declaration
        definition = pb.ReducerDefinition(
            ReducerId=declaration.id,
            EventSequenceId=declaration.event_sequence,
            EventTypes=observed_event_types(declaration.handlers.values(), pb),
            ReadModel=self._read_model,
            IsActive=declaration.is_active,
            Filters=pb.ObserverFilters(EventStreamType=ALL_STREAM_TYPE),
        )
        registration = pb.RegisterReducer(
            ConnectionId=connection_id, EventStore=event_store, Namespace=namespace, Reducer=definition
        )
        return pb.ReducerMessage(Content=pb.OneOf_RegisterReducer_ReducerResult(Value0=registration))

    async def handle(self, batch: pb.ReduceOperationMessage) -> pb.ReducerMessage | None:
        """Folds a batch and makes its answer; a notification about a replay has none."""
        if batch.ReplayState != pb.REPLAY_STATE_None and not batch.Events:
            return None
        outcome, state = await self._reduce(batch.Events, batch.InitialState)
        failure = outcome.failure
        result = pb.ReducerResult(
            Partition=batch.Partition,
            State=pb.OBSERVATION_STATE_Failed if failure else pb.OBSERVATION_STATE_Success,
            LastSuccessfulObservation=outcome.last_successful,
            ExceptionMessages=failure.messages if failure else (),
            ExceptionStackTrace=failure.stack_trace if failure else "",
            # Absent, which is how an empty text travels, means that there is no instance (any more).
            ReadModelState=state,
        )
        return pb.ReducerMessage(Content=pb.OneOf_RegisterReducer_ReducerResult(Value1=result))

    async def _reduce(self, events: Iterable[pb.AppendedEvent], initial: str) -> tuple[Outcome, str]:
        """The final state as JSON, empty for none.

        A failure takes the whole batch back: the kernel stores no state with it, so a number beyond the
        ones stored would lose what the events before the failing one did.
        """
        outcome = Outcome()
        handled = 0
        try:
            reducer = self.declaration.target()
            state = self._instances.read(self.declaration.model, initial)
            for message in events:
                state = await self._apply(reducer, message, state)
                outcome = Outcome(message.Context.SequenceNumber)
                handled += 1
            content = "" if state is None else self._serializer.to_json(state)
        except asyncio.CancelledError as error:
            if is_cancelled():
                raise
            return self._fail(error), ""
        except Exception as error:
            return self._fail(error), ""
        self.handled += handled
        return outcome, content

    async def _apply(self, reducer: Any, message: pb.AppendedEvent, state: Any) -> Any:
        handler = self.declaration.handlers.get(message.Context.EventType.Id)
        if handler is None:
            return state
        event = self._events.event(handler, message)
        method = getattr(reducer, handler.name)
        if not handler.asks_for:
            state = await _call(handler, method, event, state)
        else:
            context = self._events.context(handler, message)
            if handler.asks_for == CONTEXT_ONLY:
                state = await _call(handler, method, event, state, context)
            else:
                async with self._arguments.opened(handler.asks_for, context) as further:
                    state = await _call(handler, method, event, state, *further)
        self._check_state(handler, state)
        return state

    def _check_state(self, handler: Handler, state: Any) -> None:
        model = self.declaration.model
        if state is not None and not isinstance(state, model):
            raise TypeError(
                f"{self.declaration.id}.{handler.name} returned a {type(state).__qualname__}. The new state "
                f"is a {model.__qualname__}, or None to remove it."
            )

    def _fail(self, error: BaseException) -> Outcome:
        failure = self.last_failure = Failure.of(error)
        log_failure(self.declaration.id, failure)
        return Outcome(failure=failure)


async def _call(handler: Handler, method: Callable[..., Any], *arguments: Any) -> Any:
    returned = method(*arguments)
    return await returned if handler.is_async else returned
