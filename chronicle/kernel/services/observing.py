"""What the streams of reactors and reducers share: registration first, then batches out and answers in."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

from chronicle.contracts.observation_reactors_pb2 import ReactorResult
from chronicle.contracts.observation_reducers_pb2 import ReducerResult
from chronicle.errors import ChronicleError
from chronicle.kernel.observation import (
    Batch,
    ClientStream,
    ObservationState,
    ObservedEventType,
    ObserverFilters,
    Outcome,
)
from chronicle.kernel.services.faults import InvalidRequest
from chronicle.values import ALL_STREAM_TYPE, EVENT_SOURCE_ID_KEY

# `EventObservationState`, alike in all packages.
_INITIAL: Final = 1
_REPLAY: Final = 4


class ClientNotConnected(ChronicleError):
    """A connection id that no client has connected under."""

    def __init__(self, connection_id: str) -> None:
        super().__init__(
            f"Client '{connection_id}' is not connected. Call ConnectionService/Connect first, and use the "
            "connection id given there."
        )
        self.connection_id = connection_id


async def registration(requests: AsyncIterator[Any]) -> Any:
    """The registration with which a client's stream has to begin; raises `InvalidRequest`."""
    first = await anext(requests, None)
    if first is None or not first.Content.HasField("Value0"):
        raise InvalidRequest("The first message of the stream must be the registration, in Content.Value0.")
    return first.Content.Value0


def check_named(observer_id: str, event_sequence: str) -> None:
    """Raises `InvalidRequest` for a registration without an id or an event sequence."""
    if not observer_id.strip():
        raise InvalidRequest("The registration has no id. Send one that is unique in the event store.")
    if not event_sequence.strip():
        raise InvalidRequest(
            f"The registration of '{observer_id}' names no event sequence. Send one, such as 'event-log'."
        )


def observed_event_types(messages: Sequence[Any]) -> tuple[ObservedEventType, ...]:
    """The event types of a registration."""
    return tuple(
        ObservedEventType(one.EventType.Id, one.EventType.Generation, one.Key or EVENT_SOURCE_ID_KEY)
        for one in messages
    )


def observer_filters(message: Any) -> ObserverFilters:
    """The filters of a registration. An empty stream type that was sent is one that no event has."""
    stream_type = message.EventStreamType if message.HasField("EventStreamType") else ALL_STREAM_TYPE
    return ObserverFilters(frozenset(message.FilterTags), message.EventSourceType, stream_type)


def outcome(result: ReactorResult | ReducerResult, read_model: str | None = None) -> Outcome:
    """What a client says became of a batch; a state that the contract does not have counts as none."""
    state: int = result.State
    last = result.LastSuccessfulObservation
    if state == ObservationState.SUCCESS:
        return Outcome(ObservationState.SUCCESS, last, read_model=read_model)
    if state == ObservationState.FAILED:
        messages = tuple(result.ExceptionMessages)
        return Outcome(ObservationState.FAILED, last, messages, result.ExceptionStackTrace)
    return Outcome(ObservationState.NONE, last)


def state_of(batch: Batch) -> int:
    """Why the events of a batch are delivered: for the first time, or in a replay (observation.md 3.2)."""
    return _REPLAY if batch.is_replay else _INITIAL


async def batches(
    stream: ClientStream, requests: AsyncIterator[Any], take: Callable[[Any], None]
) -> AsyncIterator[Batch]:
    """What is to be sent, while a task of its own takes the client's messages; ends when these end."""
    reading = asyncio.create_task(
        _read(stream, requests, take), name=f"chronicle-answers {stream.connection_id}"
    )
    try:
        async for batch in stream.batches():
            yield batch
    finally:
        reading.cancel()
        await asyncio.wait((reading,))


async def _read(stream: ClientStream, requests: AsyncIterator[Any], take: Callable[[Any], None]) -> None:
    try:
        async for request in requests:
            take(request)
    except Exception as error:
        stream.end(error)
    else:
        stream.end()
