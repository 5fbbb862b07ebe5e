"""Event contexts, and how late they are made of the kernel's messages (events.md 5)."""

import dataclasses
from datetime import UTC, datetime
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest

from chronicle.context import Causation, Identity
from chronicle.contracts import (
    bcl_pb2,
    event_sequences_pb2,
    observation_reactors_pb2,
    observation_reducers_pb2,
    read_models_pb2,
)
from chronicle.errors import SerializationError
from chronicle.events.event_context import AppendedEvent, EventContext, EventObservationState
from chronicle.values import guid_halves

CORRELATION_ID = UUID("00112233-4455-6677-8899-aabbccddeeff")
OCCURRED = datetime(2024, 1, 15, 12, 30, 0, 123_456, UTC)
PACKAGES = [event_sequences_pb2, observation_reactors_pb2, observation_reducers_pb2, read_models_pb2]


def message_of(package: Any, **changes: Any) -> Any:
    lo, hi = guid_halves(CORRELATION_ID)
    timestamp = package.SerializableDateTimeOffset(Value="2024-01-15T12:30:00.1234567+00:00")
    members = {
        "EventType": package.EventType(Id="opened", Generation=2),
        "EventSourceType": "Account",
        "EventSourceId": "account-42",
        "SequenceNumber": 7,
        "EventStreamType": "Bookkeeping",
        "EventStreamId": "2024",
        "Occurred": timestamp,
        "EventStore": "bank",
        "Namespace": "Default",
        "CorrelationId": bcl_pb2.Guid(lo=lo, hi=hi),
        "Causation": [package.Causation(Occurred=timestamp, Type="Root", Properties={"os": "test"})],
        "CausedBy": package.Identity(Subject="1", Name="Alice", UserName="alice"),
        "ObservationState": 4,
        "Tags": ["a", "b"],
        "Hash": "hash=",
    }
    return package.EventContext(**{**members, **changes})


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_a_context_is_read_from_the_messages_of_every_package(package: ModuleType) -> None:
    assert AppendedEvent("event", message_of(package)).context == EventContext(
        sequence_number=7,
        event_source_id="account-42",
        event_type_id="opened",
        generation=2,
        event_source_type="Account",
        event_stream_type="Bookkeeping",
        event_stream_id="2024",
        occurred=OCCURRED,
        event_store="bank",
        namespace="Default",
        correlation_id=CORRELATION_ID,
        causation=(Causation("Root", {"os": "test"}, OCCURRED),),
        caused_by=Identity("1", "Alice", "alice"),
        tags=("a", "b"),
        hash="hash=",
        subject="account-42",
        observation_state=EventObservationState.REPLAY,
    )


def test_number_and_source_are_there_without_reading_the_rest() -> None:
    broken = message_of(
        event_sequences_pb2, Occurred=event_sequences_pb2.SerializableDateTimeOffset(Value="yesterday")
    )
    appended = AppendedEvent("event", broken)

    assert (appended.event, appended.sequence_number, appended.event_source_id) == ("event", 7, "account-42")
    with pytest.raises(SerializationError, match="yesterday"):
        _ = appended.context


def test_the_context_is_made_once() -> None:
    appended = AppendedEvent("event", message_of(event_sequences_pb2))

    assert appended.context is appended.context
    assert (appended.sequence_number, appended.event_source_id) == (7, "account-42")


def test_what_the_wire_leaves_out_has_a_value_all_the_same() -> None:
    context = AppendedEvent("event", event_sequences_pb2.EventContext()).context

    assert context.occurred == datetime.min.replace(tzinfo=UTC)
    assert context.correlation_id == UUID(int=0)
    assert (context.causation, context.tags) == ((), ())
    assert context.caused_by == Identity.NOT_SET
    assert context.observation_state is EventObservationState.NONE


def test_an_unknown_observation_state_is_none() -> None:
    context = AppendedEvent("event", message_of(event_sequences_pb2, ObservationState=6)).context

    assert context.observation_state is EventObservationState.NONE


def test_a_context_made_by_hand_needs_number_source_and_type_only() -> None:
    context = EventContext(sequence_number=1, event_source_id="a", event_type_id="opened")
    appended = AppendedEvent("event", context)

    assert (context.generation, context.event_source_type, context.event_stream_type) == (1, "Default", "All")
    assert appended.context is context
    assert appended == AppendedEvent("event", dataclasses.replace(context))
    assert appended != AppendedEvent("other", context)
    assert hash(appended) == hash(AppendedEvent("event", context))


def test_a_context_cannot_be_changed_and_can_be_taken_apart() -> None:
    context = EventContext(
        sequence_number=1, event_source_id="a", event_type_id="b", causation=(Causation("Root", {"os": "x"}),)
    )

    with pytest.raises(dataclasses.FrozenInstanceError):
        context.event_source_id = "b"  # type: ignore[misc]
    assert dataclasses.asdict(context)["causation"][0]["properties"] == {"os": "x"}
    assert isinstance(hash(context), int)
