"""Redact, RedactForEventSource and Revise of the EventSequences service (events.md 10).

All three note what is asked for and return; it is done in the background. As in the real kernel a request
that cannot be noted or granted is no failure of the call: the kernel's log tells of it.
"""

import logging
from collections.abc import Iterable
from typing import Any

from google.protobuf.empty_pb2 import Empty

from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.redaction import RedactEvent, RedactEventSource, ReviseEvent, append_of
from chronicle.kernel.redaction.contents import NO_REASON
from chronicle.kernel.redaction.requests import EventTypeReference, Request
from chronicle.kernel.schemas import content_of
from chronicle.kernel.services.events import check_generation, encode_causation, identity_chain
from chronicle.kernel.services.faults import Context, InvalidRequest
from chronicle.values import SYSTEM_SEQUENCE, guid_bytes_from_halves

_log = logging.getLogger(__name__)


class RedactionMethods:
    """The methods, for the servicer of EventSequences to inherit."""

    _kernel: Kernel

    async def Redact(self, request: pb.RedactRequest, context: Context) -> pb.RedactResponse:
        """Asks for one event to be redacted."""
        redaction = RedactEvent(request.EventSequenceId, request.SequenceNumber, request.Reason or NO_REASON)
        await self._ask(request, redaction)
        return pb.RedactResponse()

    async def RedactForEventSource(self, request: pb.RedactForEventSourceRequest, context: Context) -> Empty:
        """Asks for the events of a source, or for those of some types, to be redacted."""
        redaction = RedactEventSource(
            request.EventSequenceId,
            request.EventSourceId,
            _event_types(request.EventTypes),
            request.Reason or NO_REASON,
        )
        await self._ask(request, redaction)
        return Empty()

    async def Revise(self, request: pb.ReviseRequest, context: Context) -> Empty:
        """Asks for another content of one event."""
        if not request.Causation:
            raise InvalidRequest("Causation is missing. Send at least one entry.")
        if not request.HasField("EventType"):
            raise InvalidRequest("EventType is missing.")
        check_generation(request.EventType)
        # Other than an unknown number this is found out at once, and could never become right.
        content_of(request.Content)
        (event_type,) = _event_types([request.EventType])
        revision = ReviseEvent(request.EventSequenceId, request.SequenceNumber, event_type, request.Content)
        await self._ask(request, revision)
        return Empty()

    async def _ask(self, request: Any, what: Request) -> None:
        if not request.HasField("CausedBy"):
            raise InvalidRequest("CausedBy is missing. Send an identity with a user name.")
        store = await self._kernel.event_stores.get(request.EventStore)
        namespace = await store.namespace(request.Namespace)
        append = append_of(
            what,
            correlation_id=guid_bytes_from_halves(request.CorrelationId.lo, request.CorrelationId.hi),
            causation=encode_causation(request.Causation),
            caused_by=identity_chain(request.CausedBy),
        )
        outcome = await namespace.event_sequence(SYSTEM_SEQUENCE).append(append)
        if not outcome.is_success:
            _log.warning(
                "what was asked for is not done, '%s' in '%s' of event store '%s': %s",
                what.event_type,
                namespace.name,
                store.name,
                "; ".join(outcome.errors) or "the system sequence has refused it",
            )


def _event_types(messages: Iterable[pb.EventType]) -> list[EventTypeReference]:
    return [EventTypeReference(one.Id, one.Generation, one.Tombstone) for one in messages]
