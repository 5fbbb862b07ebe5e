"""Batches as a kernel sends them."""

from typing import Any
from uuid import UUID

from chronicle.contracts import bcl_pb2, observation_reactors_pb2, observation_reducers_pb2
from chronicle.values import guid_halves

CORRELATION_ID = UUID("00112233-4455-6677-8899-aabbccddeeff")


def appended(
    package: Any,
    event_type: str,
    content: str,
    *,
    number: int = 0,
    source: str = "account-42",
    generation: int = 1,
    generations: dict[int, str] | None = None,
    caused_by: Any = None,
    correlation_id: UUID = CORRELATION_ID,
) -> Any:
    lo, hi = guid_halves(correlation_id)
    return package.AppendedEvent(
        Context=package.EventContext(
            EventType=package.EventType(Id=event_type, Generation=generation),
            EventSourceType="Default",
            EventSourceId=source,
            SequenceNumber=number,
            EventStreamType="All",
            EventStreamId="Default",
            Occurred=package.SerializableDateTimeOffset(Value="2024-01-15T12:30:00.0000000+00:00"),
            EventStore="bank",
            Namespace="Default",
            CorrelationId=bcl_pb2.Guid(lo=lo, hi=hi),
            CausedBy=caused_by,
            ObservationState=package.EVENT_OBSERVATION_STATE_Initial,
        ),
        Content=content,
        GenerationalContent=generations or {},
    )


def reactor_event(event_type: str, content: str, **more: Any) -> observation_reactors_pb2.AppendedEvent:
    event: observation_reactors_pb2.AppendedEvent = appended(
        observation_reactors_pb2, event_type, content, **more
    )
    return event


def reducer_event(event_type: str, content: str, **more: Any) -> observation_reducers_pb2.AppendedEvent:
    event: observation_reducers_pb2.AppendedEvent = appended(
        observation_reducers_pb2, event_type, content, **more
    )
    return event


def to_observe(
    *events: observation_reactors_pb2.AppendedEvent, partition: str = "account-42"
) -> observation_reactors_pb2.EventsToObserve:
    return observation_reactors_pb2.EventsToObserve(Partition=partition, Events=events)


def to_reduce(
    *events: observation_reducers_pb2.AppendedEvent, initial: str = "", partition: str = "account-42"
) -> observation_reducers_pb2.ReduceOperationMessage:
    return observation_reducers_pb2.ReduceOperationMessage(
        Partition=partition, InitialState=initial, Events=events
    )
