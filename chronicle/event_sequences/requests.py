"""Appends as the kernel is asked for them (events.md 4.1; contract README, "What breaks a real server").

Appending one event is the most frequent thing an application does. Most of a request is the same from one
append to the next: it is made once for each event type and then copied, in a quarter of the time.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from chronicle.context import Causation, Identity, current_causation, current_identity
from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.errors import AppendError
from chronicle.event_sequences.concurrency import (
    NO_CONCURRENCY_CHECK,
    ConcurrencyScope,
    check_label,
    write_scope,
)
from chronicle.event_sequences.event_for import EventFor, EventOptions
from chronicle.event_sequences.event_source_ids import checked_source
from chronicle.events.wire import causation_messages, identity_message
from chronicle.store_access import StoreAccess
from chronicle.values import UNAVAILABLE, format_ticks, format_timestamp, guid_halves, now_ticks

APPEND: Final = "PythonClient.Append"
APPEND_MANY: Final = "PythonClient.AppendMany"
TRANSACTIONAL: Final = "TransactionalEventSequence"
"""The types of the causation entries that an append adds for itself, in no other append's chain."""


class AppendRequests:
    """Makes the requests of one event sequence from events, what is said about them, and what is ambient."""

    def __init__(self, store: StoreAccess, sequence_id: str) -> None:
        self._store = store
        self._sequence_id = sequence_id
        self._to_json = store.serializer.to_json
        # Valid as long as the same identity appends for the same reasons.
        self._templates: dict[type, pb.AppendRequest] = {}
        self._identity: Identity | None = None
        self._causation: tuple[Causation, ...] = ()

    def append(
        self,
        event_source_id: str,
        event: object,
        correlation_id: UUID,
        concurrency: ConcurrencyScope | None,
        options: EventOptions,
    ) -> pb.AppendRequest:
        """The request that appends one event. Raises as `event_to_append` does."""
        request = pb.AppendRequest()
        request.CopyFrom(self._template(event))
        request.EventSourceId = checked_source(event_source_id, AppendError)
        request.Content = self._to_json(event)
        request.Causation[-1].Occurred.Value = format_ticks(now_ticks())
        guid = request.CorrelationId
        guid.lo, guid.hi = guid_halves(correlation_id)
        if concurrency is not None:
            check_label(event_source_id, concurrency)
            write_scope(concurrency, request.ConcurrencyScope)
        subject = self._store.event_types.subject_of(event)
        if subject:
            request.Subject = subject
        if options:
            _write_details(request, EventFor(event_source_id, event, **options))
        return request

    def event_to_append(self, event: EventFor, more_tags: Sequence[str] = ()) -> pb.EventToAppend:
        """One event of a batch.

        Raises `UnknownEventTypeError` for an object that is no event of this event store, `AppendError` for
        an unusable event source id or time, `SerializationError` for content that cannot be written.
        """
        declaration = self._store.event_types.of(event.event)
        message = pb.EventToAppend(
            EventSourceId=checked_source(event.event_source_id, AppendError),
            EventType=pb.EventType(Id=declaration.id, Generation=declaration.generation),
            Content=self._to_json(event.event),
            Tags=declaration.tags,
        )
        subject = self._store.event_types.subject_of(event.event)
        if subject:
            message.Subject = subject
        _write_details(message, event)
        _add_tags(message, more_tags)
        return message

    def append_many(
        self,
        events: Iterable[pb.EventToAppend],
        correlation_id: UUID,
        scopes: Mapping[str, ConcurrencyScope],
        reason: Causation,
        causation: Sequence[Causation] | None = None,
    ) -> pb.AppendManyRequest:
        """The request that appends a batch; its chain is the given or else the ambient one, and `reason`."""
        chain = current_causation() if causation is None else causation
        request = pb.AppendManyRequest(
            EventStore=self._store.event_store,
            Namespace=self._store.namespace,
            EventSequenceId=self._sequence_id,
            Events=events,
            Causation=causation_messages((*chain, reason), pb),
            CausedBy=identity_message(current_identity(), pb),
        )
        request.CorrelationId.lo, request.CorrelationId.hi = guid_halves(correlation_id)
        for event_source_id, scope in scopes.items():
            if scope != NO_CONCURRENCY_CHECK:
                write_scope(scope, request.ConcurrencyScopes[event_source_id])
        return request

    def _template(self, event: object) -> pb.AppendRequest:
        identity, causation = current_identity(), current_causation()
        if identity is not self._identity or causation != self._causation:
            self._identity, self._causation = identity, causation
            self._templates.clear()
        template = self._templates.get(type(event))
        if template is None:
            template = self._templates[type(event)] = self._make_template(event, identity, causation)
        return template

    def _make_template(
        self, event: object, identity: Identity, causation: Sequence[Causation]
    ) -> pb.AppendRequest:
        declaration = self._store.event_types.of(event)
        reason = Causation(APPEND, {"eventType": declaration.id})
        return pb.AppendRequest(
            EventStore=self._store.event_store,
            Namespace=self._store.namespace,
            EventSequenceId=self._sequence_id,
            EventType=pb.EventType(Id=declaration.id, Generation=declaration.generation),
            Causation=causation_messages((*causation, reason), pb),
            CausedBy=identity_message(identity, pb),
            ConcurrencyScope=pb.ConcurrencyScope(SequenceNumber=UNAVAILABLE),
            Tags=declaration.tags,
        )


def _write_details(message: pb.AppendRequest | pb.EventToAppend, event: EventFor) -> None:
    # What is not given stays unset, for the kernel to choose: it would take an explicit "" at its word.
    _add_tags(message, event.tags)
    if event.subject:
        message.Subject = event.subject
    if event.stream_type:
        message.EventStreamType = event.stream_type
    if event.stream_id:
        message.EventStreamId = event.stream_id
    if event.source_type:
        message.EventSourceType = event.source_type
    if event.occurred is not None:
        if not isinstance(event.occurred, datetime):
            raise AppendError(
                f"occurred={event.occurred!r} is no datetime. Give one, such as datetime.now(UTC); of a text "
                "datetime.fromisoformat(...) makes one."
            )
        message.Occurred.Value = format_timestamp(event.occurred)


def _add_tags(message: pb.AppendRequest | pb.EventToAppend, tags: Sequence[str]) -> None:
    if tags:
        # A lone text is a sequence too, of letters.
        tags = (tags,) if isinstance(tags, str) else tags
        known = set(message.Tags)
        message.Tags.extend(tag for tag in dict.fromkeys(tags) if tag not in known)
