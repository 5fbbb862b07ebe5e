"""Reactors at work: a batch of events handed to their handlers, one by one (observation.md 4 and 12.3)."""

import asyncio
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from chronicle.context import kept_surroundings, surround
from chronicle.contracts import observation_reactors_pb2 as pb
from chronicle.observation.arguments import CONTEXT_ONLY, HandlerArguments
from chronicle.observation.declarations import Handler, ReactorDeclaration
from chronicle.observation.event_reader import EventReader
from chronicle.observation.failures import Failure, Outcome, is_cancelled, log_failure
from chronicle.observation.registrations import observed_event_types
from chronicle.observation.side_effects import AppendSideEffects, append_side_effects
from chronicle.observation.surroundings import EventSurroundings
from chronicle.serialization import Serializer
from chronicle.values import ALL_STREAM_TYPE


class Reactor:
    """One declared reactor, at work for one event store in one namespace."""

    def __init__(
        self,
        declaration: ReactorDeclaration,
        *,
        serializer: Serializer,
        append: AppendSideEffects,
        arguments: HandlerArguments,
    ) -> None:
        self.declaration = declaration
        self.handled = 0
        """Events handled so far; those that were delivered again count again."""
        self.last_failure: Failure | None = None
        self._reader = EventReader(serializer)
        self._append = append
        self._arguments = arguments

    def register(self, connection_id: str, *, event_store: str, namespace: str) -> pb.ReactorMessage:
        """The first message of a stream of Reactors/Observe."""
        declaration = self.declaration
        definition = pb.ReactorDefinition(
            ReactorId=declaration.id,
            EventSequenceId=declaration.event_sequence,
            EventTypes=observed_event_types(declaration.handlers.values(), pb),
            IsReplayable=not declaration.is_once_only,
            Filters=pb.ObserverFilters(EventStreamType=ALL_STREAM_TYPE),
        )
        registration = pb.RegisterReactor(
            ConnectionId=connection_id, EventStore=event_store, Namespace=namespace, Reactor=definition
        )
        return pb.ReactorMessage(Content=pb.OneOf_RegisterReactor_ReactorResult(Value0=registration))

    async def handle(self, batch: pb.EventsToObserve) -> pb.ReactorMessage | None:
        """Handles a batch and makes its answer; a notification about a replay has none."""
        if batch.ReplayState != pb.REPLAY_STATE_None and not batch.Events:
            return None
        outcome = await self._react(batch.Events)
        failure = outcome.failure
        result = pb.ReactorResult(
            Partition=batch.Partition,
            State=pb.OBSERVATION_STATE_Failed if failure else pb.OBSERVATION_STATE_Success,
            LastSuccessfulObservation=outcome.last_successful,
            ExceptionMessages=failure.messages if failure else (),
            ExceptionStackTrace=failure.stack_trace if failure else "",
        )
        return pb.ReactorMessage(Content=pb.OneOf_RegisterReactor_ReactorResult(Value1=result))

    async def _react(self, events: Iterable[pb.AppendedEvent]) -> Outcome:
        """Hands on events until one fails."""
        last: pb.AppendedEvent | None = None
        failure = None
        try:
            function_of = self._activate()
            # Every event sets what surrounds it; what was there before the batch is put back once.
            with kept_surroundings():
                for message in events:
                    failure = await self._react_to(message, function_of)
                    if failure is not None:
                        break
                    last = message
                    self.handled += 1
        except asyncio.CancelledError as error:
            if is_cancelled():
                raise
            failure = Failure.of(error)
        except Exception as error:
            failure = Failure.of(error)
        if failure is not None:
            self.last_failure = failure
            log_failure(self.declaration.id, failure)
        return Outcome(failure=failure) if last is None else Outcome(last.Context.SequenceNumber, failure)

    def _activate(self) -> Callable[[str], Callable[..., Any]]:
        """Where the batch's handlers are found by name: a new instance of a class, or the one function."""
        target = self.declaration.target
        if not isinstance(target, type):
            return lambda name: target
        instance = target()
        return lambda name: getattr(instance, name)

    async def _react_to(
        self, message: pb.AppendedEvent, function_of: Callable[[str], Callable[..., Any]]
    ) -> Failure | None:
        context = message.Context
        handler = self.declaration.handlers.get(context.EventType.Id)
        if handler is None:
            return None
        event = self._reader.event(handler, message)
        surround(EventSurroundings(context, self.declaration))
        returned = await self._call(handler, function_of(handler.name), event, message)
        if returned is None:
            return None
        return await append_side_effects(
            returned,
            event_source_id=context.EventSourceId,
            handler=f"{self.declaration.id}.{handler.name}",
            append=self._append,
        )

    async def _call(
        self, handler: Handler, function: Callable[..., Any], event: Any, message: pb.AppendedEvent
    ) -> Any:
        if not handler.asks_for:
            return await _call(handler, function, event)
        context = self._reader.context(handler, message)
        if handler.asks_for == CONTEXT_ONLY:
            return await _call(handler, function, event, context)
        async with self._arguments.opened(handler.asks_for, context) as further:
            return await _call(handler, function, event, *further)


async def _call(handler: Handler, function: Callable[..., Any], *arguments: Any) -> Any:
    if handler.is_async:
        return await function(*arguments)
    returned = await asyncio.to_thread(function, *arguments)
    # A plain function may still hand on a coroutine, when a decorator is not async itself.
    return await returned if inspect.isawaitable(returned) else returned
