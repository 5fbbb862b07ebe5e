"""Redacting and revising events of an event sequence (events.md 10)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from chronicle.connections.calls import Call
from chronicle.context import Causation, current_causation, current_correlation_id, current_identity
from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.contracts.event_sequences_pb2_grpc import EventSequencesStub
from chronicle.event_sequences.concurrency import write_event_types
from chronicle.event_sequences.event_source_ids import checked_source
from chronicle.events.event_types import event_type_of
from chronicle.events.wire import causation_messages, identity_message
from chronicle.store_access import StoreAccess
from chronicle.values import guid_halves, is_actual

REDACT: Final = "PythonClient.Redact"
REDACT_FOR_EVENT_SOURCE: Final = "PythonClient.RedactForEventSource"
REVISE: Final = "PythonClient.Revise"
"""The types of the causation entries that these calls add for themselves."""


class Redaction:
    """Changes of stored events of one event sequence; see the methods of `EventSequence`."""

    def __init__(self, store: StoreAccess, sequence_id: str) -> None:
        self._store = store
        self._sequence_id = sequence_id
        stub = EventSequencesStub(store.channel)
        self._redact = Call(stub.Redact, "EventSequences/Redact", store.calls)
        self._redact_for = Call(stub.RedactForEventSource, "EventSequences/RedactForEventSource", store.calls)
        self._revise = Call(stub.Revise, "EventSequences/Revise", store.calls)

    async def redact(self, sequence_number: int, reason: str) -> None:
        """Asks for one event to be redacted."""
        number = _checked(sequence_number)
        request = pb.RedactRequest(SequenceNumber=number, Reason=reason)
        await self._redact(self._complete(request, REDACT, {"sequenceNumber": str(number)}))

    async def redact_for(self, event_source_id: str, reason: str, event_types: Iterable[type]) -> None:
        """Asks for the events of a source to be redacted; of these types, if any are given."""
        request = pb.RedactForEventSourceRequest(
            EventSourceId=checked_source(event_source_id),
            Reason=reason,
            EventTypes=write_event_types(map(event_type_of, event_types)),
        )
        properties = {"eventSourceId": event_source_id}
        await self._redact_for(self._complete(request, REDACT_FOR_EVENT_SOURCE, properties))

    async def revise(self, sequence_number: int, event: object) -> None:
        """Asks for an event to get another content."""
        number = _checked(sequence_number)
        declaration = self._store.event_types.of(event)
        request = pb.ReviseRequest(
            SequenceNumber=number,
            EventType=pb.EventType(Id=declaration.id, Generation=declaration.generation),
            Content=self._store.serializer.to_json(event),
        )
        properties = {"eventType": declaration.id, "sequenceNumber": str(number)}
        await self._revise(self._complete(request, REVISE, properties))

    def _complete(self, request: Any, reason: str, properties: Mapping[str, str]) -> Any:
        """The request with what all of them have: where it is about, and what is ambient."""
        request.EventStore = self._store.event_store
        request.Namespace = self._store.namespace
        request.EventSequenceId = self._sequence_id
        chain = (*current_causation(), Causation(reason, properties))
        request.Causation.extend(causation_messages(chain, pb))
        request.CausedBy.CopyFrom(identity_message(current_identity(), pb))
        request.CorrelationId.lo, request.CorrelationId.hi = guid_halves(current_correlation_id())
        return request


def _checked(sequence_number: int) -> int:
    if is_actual(sequence_number):
        return sequence_number
    raise ValueError(f"{sequence_number} is no sequence number. Give that of the event, from its context.")
