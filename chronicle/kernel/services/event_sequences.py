"""The EventSequences service (contract package EventSequences; events.md 4 and 9)."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.contracts.bcl_pb2 import Guid
from chronicle.contracts.event_sequences_pb2_grpc import EventSequencesServicer
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.namespace import Namespace
from chronicle.kernel.sequences import Append, AppendOutcome, ConcurrencyScope, EventSequence, EventToAppend
from chronicle.kernel.services import event_queries, streams
from chronicle.kernel.services.events import (
    AppendedEvents,
    check_generation,
    encode_causation,
    identity_chain,
    tags_json,
)
from chronicle.kernel.services.faults import Context, InvalidRequest
from chronicle.kernel.services.redaction import RedactionMethods
from chronicle.kernel.storage.events import EventFilter, StoredEvent
from chronicle.values import (
    ALL_STREAM_TYPE,
    DEFAULT_SOURCE_TYPE,
    DEFAULT_STREAM_ID,
    EVENT_LOG,
    OUTBOX,
    SYSTEM_SEQUENCE,
    UNAVAILABLE,
    guid_bytes_from_halves,
    is_actual,
    now_ticks,
    parse_timestamp,
    to_ticks,
)


class EventSequencesService(RedactionMethods, EventSequencesServicer):
    """Appends and reads; redacts and revises; completes streams."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._sequences: dict[tuple[str, str, str], EventSequence] = {}
        self._converters: dict[int, AppendedEvents] = {}
        """By the id of the namespace: what its events share is encoded once."""

    async def Append(self, request: pb.AppendRequest, context: Context) -> pb.AppendResponse:
        """events.md 4.1 to 4.3."""
        if not request.Causation:
            raise InvalidRequest("Causation is missing. Send at least one entry.")
        if not request.HasField("ConcurrencyScope"):
            raise InvalidRequest("ConcurrencyScope is missing. For no check send the number 2^64-1.")
        scope = _scope(request.ConcurrencyScope, request.EventSourceId)
        append = Append(
            [_event_to_append(request, request.CorrelationId, encode_causation(request.Causation))],
            _caused_by(request),
            () if scope is None else (scope,),
        )
        sequence = await self._sequence(request)
        outcome = await sequence.append(append)
        if outcome.is_success:
            return pb.AppendResponse(
                CorrelationId=request.CorrelationId,
                SequenceNumber=outcome.events[0].number,
                ConcurrencyCheckPerformed=scope is not None,
            )
        violations = outcome.concurrency_violations
        return pb.AppendResponse(
            CorrelationId=request.CorrelationId,
            SequenceNumber=UNAVAILABLE,
            ConstraintViolations=_constraint_violations(outcome),
            Errors=outcome.errors,
            ConcurrencyViolation=_violations(outcome)[0] if violations else None,
            ConcurrencyCheckPerformed=scope is not None and (outcome.was_compared or bool(violations)),
        )

    async def AppendMany(self, request: pb.AppendManyRequest, context: Context) -> pb.AppendManyResponse:
        """events.md 4.4."""
        scopes = [
            _scope(scope, event_source_id)
            for event_source_id, scope in request.ConcurrencyScopes.items()
            if event_source_id.strip()
        ]
        causation = encode_causation(request.Causation)
        append = Append(
            [_event_to_append(event, request.CorrelationId, causation) for event in request.Events],
            _caused_by(request),
            [scope for scope in scopes if scope is not None],
        )
        sequence = await self._sequence(request)
        outcome = await sequence.append(append)
        was_checked = bool(scopes) and None not in scopes
        return pb.AppendManyResponse(
            CorrelationId=request.CorrelationId,
            SequenceNumbers=[event.number for event in outcome.events],
            ConstraintViolations=_constraint_violations(outcome),
            Errors=outcome.errors,
            ConcurrencyViolations=_violations(outcome),
            ConcurrencyCheckPerformed=was_checked and not (outcome.errors or outcome.constraint_violations),
        )

    async def GetEventsFromEventSequenceNumber(
        self, request: pb.GetFromEventSequenceNumberRequest, context: Context
    ) -> pb.GetFromEventSequenceNumberResponse:
        """events.md 9.1: both bounds are inclusive."""
        narrowing = EventFilter(
            event_source_id=request.EventSourceId.strip() or None,
            event_types=_ids(request.EventTypes),
            tags=tuple(request.Tags),
        )
        last = request.ToEventSequenceNumber if request.HasField("ToEventSequenceNumber") else None
        response = pb.GetFromEventSequenceNumberResponse()
        namespace = await self._existing_namespace(request)
        if namespace is not None:
            sequence = namespace.event_sequence(request.EventSequenceId)
            events = await sequence.read(narrowing, first=request.FromEventSequenceNumber, last=last)
            await self._add_to(response.Events, namespace, events)
        return response

    async def GetForEventSourceIdAndEventTypes(
        self, request: pb.GetForEventSourceIdAndEventTypesRequest, context: Context
    ) -> pb.GetForEventSourceIdAndEventTypesResponse:
        """events.md 9.2: the event source type is accepted and ignored."""
        narrowing = EventFilter(
            event_source_id=request.EventSourceId or None,
            event_stream_type=_unless(request.EventStreamType, ALL_STREAM_TYPE),
            event_stream_id=_unless(request.EventStreamId, DEFAULT_STREAM_ID),
            event_types=_ids(request.EventTypes),
        )
        response = pb.GetForEventSourceIdAndEventTypesResponse()
        namespace = await self._existing_namespace(request)
        if namespace is not None:
            events = await namespace.event_sequence(request.EventSequenceId).read(narrowing)
            await self._add_to(response.Events, namespace, events)
        return response

    async def GetTailSequenceNumber(
        self, request: pb.GetTailSequenceNumberRequest, context: Context
    ) -> pb.GetTailSequenceNumberResponse:
        """events.md 9.3."""
        namespace = await self._existing_namespace(request)
        tail = None
        if namespace is not None:
            narrowing = _tail_filter(request, request.EventSourceId or None)
            tail = await namespace.event_sequence(request.EventSequenceId).tail(narrowing)
        return pb.GetTailSequenceNumberResponse(SequenceNumber=UNAVAILABLE if tail is None else tail)

    async def HasEventsForEventSourceId(
        self, request: pb.HasEventsForEventSourceIdRequest, context: Context
    ) -> pb.HasEventsForEventSourceIdResponse:
        """events.md 9.4."""
        namespace = await self._existing_namespace(request)
        has_events = namespace is not None and await namespace.event_sequence(
            request.EventSequenceId
        ).has_events_for(request.EventSourceId)
        return pb.HasEventsForEventSourceIdResponse(HasEvents=has_events)

    async def QueryEvents(self, request: pb.QueryEventsRequest, context: Context) -> pb.QueryEventsResponse:
        """events.md 9.5."""
        namespace = await self._existing_namespace(request)
        page = await event_queries.query_events(namespace, request)
        response = pb.QueryEventsResponse(TotalCount=page.total)
        if namespace is not None:
            await self._add_to(response.Events, namespace, page.events)
        return response

    async def GetHistogram(
        self, request: pb.GetHistogramRequest, context: Context
    ) -> pb.GetHistogramResponse:
        """events.md 9.5."""
        return await event_queries.get_histogram(await self._existing_namespace(request), request)

    async def CompleteStream(
        self, request: pb.CompleteStreamRequest, context: Context
    ) -> pb.CompleteStreamResponse:
        """events.md 8."""
        store = await self._kernel.event_stores.get(request.EventStore)
        return await streams.complete_stream(await store.namespace(request.Namespace), request)

    async def GetEventSequences(
        self, request: pb.GetEventSequencesRequest, context: Context
    ) -> pb.GetEventSequencesResponse:
        """events.md 2: the well-known sequences and all that were used, by name."""
        namespace = await self._existing_namespace(request)
        used = () if namespace is None else await namespace.event_sequence_names()
        names = sorted({EVENT_LOG, SYSTEM_SEQUENCE, OUTBOX, *used})
        return pb.GetEventSequencesResponse(EventSequenceIds=names)

    async def _existing_namespace(self, request: Any) -> Namespace | None:
        """For those who only read: reading creates the event store, but no namespace (events.md 1)."""
        store = await self._kernel.event_stores.get(request.EventStore)
        return await store.existing_namespace(request.Namespace)

    async def _sequence(self, request: Any) -> EventSequence:
        # None of the three is ever removed, and every append asks.
        names = (request.EventStore, request.Namespace, request.EventSequenceId)
        sequence = self._sequences.get(names)
        if sequence is None:
            store = await self._kernel.event_stores.get(request.EventStore)
            namespace = await store.namespace(request.Namespace)
            sequence = self._sequences[names] = namespace.event_sequence(request.EventSequenceId)
        return sequence

    async def _add_to(self, field: Any, namespace: Namespace, events: Sequence[StoredEvent]) -> None:
        converter = self._converters.get(namespace.id)
        if converter is None:
            converter = self._converters[namespace.id] = AppendedEvents(
                pb,
                event_store=namespace.event_store,
                namespace=namespace.name,
                identities=namespace.identities,
            )
        converter.add_to(
            field, await namespace.compliance.release_events(events, namespace.store.event_types)
        )


def _event_to_append(event: Any, correlation_id: Guid, causation: bytes) -> EventToAppend:
    """An `AppendRequest` or an `EventToAppend` message, with the defaults of events.md 4.1."""
    if not event.HasField("EventType"):
        raise InvalidRequest("EventType is missing.")
    check_generation(event.EventType)
    return EventToAppend(
        event.EventSourceId,
        event.EventSourceType or DEFAULT_SOURCE_TYPE,
        event.EventStreamType or ALL_STREAM_TYPE,
        event.EventStreamId or DEFAULT_STREAM_ID,
        event.EventType.Id,
        event.EventType.Generation,
        _occurred(event.Occurred.Value),
        guid_bytes_from_halves(correlation_id.lo, correlation_id.hi),
        causation,
        tags_json(event.Tags),
        event.Subject or None,
        event.Content,
    )


def _occurred(text: str) -> int:
    if not text:
        return now_ticks()
    try:
        # Everything is kept in UTC, which has the years 1 to 9999 as well.
        return to_ticks(parse_timestamp(text).astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(f"Occurred is no ISO 8601 date and time: {text}") from error


def _caused_by(request: Any) -> Any:
    if not request.HasField("CausedBy"):
        raise InvalidRequest("CausedBy is missing. Send an identity with a user name.")
    return identity_chain(request.CausedBy)


def _scope(scope: pb.ConcurrencyScope, event_source_id: str) -> ConcurrencyScope | None:
    """The real expectation that a scope states; `None` when it checks nothing (events.md 6)."""
    if not scope.ExpectsNoMatchingEvent and not is_actual(scope.SequenceNumber):
        return None
    return ConcurrencyScope(
        expected=None if scope.ExpectsNoMatchingEvent else scope.SequenceNumber,
        narrowing=_tail_filter(scope, event_source_id if scope.EventSourceId else None),
    )


def _tail_filter(narrowing: Any, event_source_id: str | None) -> EventFilter:
    """The default stream cannot be singled out: its names mean "any" here (events.md 9.3)."""
    return EventFilter(
        event_source_id=event_source_id,
        event_source_type=_unless(narrowing.EventSourceType, DEFAULT_SOURCE_TYPE),
        event_stream_type=_unless(narrowing.EventStreamType, ALL_STREAM_TYPE),
        event_stream_id=_unless(narrowing.EventStreamId, DEFAULT_STREAM_ID),
        event_types=_ids(narrowing.EventTypes),
    )


def _unless(value: str, any_value: str) -> str | None:
    return value if value and value != any_value else None


def _ids(event_types: Sequence[pb.EventType]) -> tuple[str, ...]:
    return tuple(event_type.Id for event_type in event_types)


def _violations(outcome: AppendOutcome) -> list[pb.ConcurrencyViolation]:
    return [
        pb.ConcurrencyViolation(
            ExpectedSequenceNumber=violation.expected, ActualSequenceNumber=violation.actual
        )
        for violation in outcome.concurrency_violations
    ]


def _constraint_violations(outcome: AppendOutcome) -> list[pb.ConstraintViolation]:
    return [
        pb.ConstraintViolation(
            EventTypeId=violation.event_type,
            SequenceNumber=UNAVAILABLE if violation.number is None else violation.number,
            ConstraintType=pb.ConstraintType.ValueType(violation.constraint_type),
            ConstraintName=violation.constraint_name,
            Message=violation.message,
            Details=violation.details,
        )
        for violation in outcome.constraint_violations
    ]
