"""Event sequences: browsing them, following them, redacting what they say (events.md 2, 9 and 10)."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import Depends, Query

from chronicle import SortBy
from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.contracts.event_sequences_pb2_grpc import EventSequencesStub
from chronicle.event_sequences.redaction import Redaction
from chronicle.values import EVENT_LOG, INBOX, OUTBOX, SYSTEM_SEQUENCE, guid_halves
from chronicle_fastapi.admin.calls import ask
from chronicle_fastapi.admin.events import StoredEvent
from chronicle_fastapi.admin.models import AdminModel, AdminRequest, FreeText, Name
from chronicle_fastapi.admin.numbers import (
    LARGEST_EXACT,
    LARGEST_INT32,
    Count,
    SequenceNumber,
    SequenceNumberPath,
    number_or_none,
)
from chronicle_fastapi.admin.routes import ACCEPTED, resource_router
from chronicle_fastapi.admin.scopes import IdInPath, InNamespace, NamespaceScope, NotThereError

PAGE_SIZE: Final = 50
LARGEST_PAGE: Final = 500

_WELL_KNOWN: Final = frozenset({EVENT_LOG, SYSTEM_SEQUENCE, OUTBOX, INBOX})


@dataclass(frozen=True, slots=True)
class SequenceScope(NamespaceScope):
    """An event sequence that is there."""

    sequence_id: str


class EventSequenceSummary(AdminModel):
    """An event sequence and how far it has come."""

    id: str
    tail: SequenceNumber | None
    """The number of its newest event; null while it has none."""


class EventPage(AdminModel):
    """Some of the events that match, and how many there are in all."""

    events: list[StoredEvent]
    total_count: Count
    skip: int
    take: int


class FollowingEvents(AdminModel):
    """The next events of a sequence, in order."""

    events: list[StoredEvent]
    tail: SequenceNumber | None
    """The number of the newest event of the sequence, which is not always among these."""
    last_read: SequenceNumber | None
    """What to give as `after` next time; null while there is nothing."""


class EventQuery(AdminRequest):
    """What narrows a look at events, and which part of it is wanted. What is left out selects all."""

    skip: Annotated[int, Query(ge=0, le=LARGEST_INT32)] = 0
    take: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = PAGE_SIZE
    sort_by: Literal["sequence_number", "occurred", "event_type", "event_source_id"] = "sequence_number"
    descending: bool = False
    event_source_id: str | None = None
    event_type: Annotated[list[str], Query(max_length=100, default_factory=list)]
    """Ids of event types; an event is of one of them."""
    tag: Annotated[list[str], Query(max_length=100, default_factory=list)]
    """An event has one of them."""
    event_source_type: str | None = None
    event_stream_type: str | None = None
    """`All` selects all."""
    correlation_id: UUID | None = None


class RedactEvent(AdminRequest):
    """A request to redact one event."""

    reason: FreeText = ""


class RedactEvents(AdminRequest):
    """A request to redact all events of an event source."""

    event_source_id: Name
    reason: FreeText = ""


async def find_sequence(scope: NamespaceScope, sequence_id: str) -> SequenceScope:
    """The event sequence with this id. Raises `NotThereError` for one that was never used, `CallError`."""
    if sequence_id not in _WELL_KNOWN and sequence_id not in await _sequence_ids(scope):
        raise NotThereError("event sequence", sequence_id)
    return SequenceScope(scope.client, scope.event_store, scope.namespace, sequence_id)


async def list_sequences(scope: NamespaceScope) -> list[EventSequenceSummary]:
    """The well-known event sequences and all that were used, by id.

    Raises `CallError`. (EventSequences/GetEventSequences, GetTailSequenceNumber)
    """
    scopes = [
        SequenceScope(scope.client, scope.event_store, scope.namespace, sequence_id)
        for sequence_id in sorted(await _sequence_ids(scope))
    ]
    tails = await asyncio.gather(*(tail_of(sequence) for sequence in scopes))
    return [
        EventSequenceSummary(id=sequence.sequence_id, tail=tail)
        for sequence, tail in zip(scopes, tails, strict=True)
    ]


async def tail_of(scope: SequenceScope) -> int | None:
    """The number of the newest event; None when there is none.

    Raises `CallError`. (EventSequences/GetTailSequenceNumber)
    """
    response = await ask(
        scope.client,
        EventSequencesStub(scope.client.channel).GetTailSequenceNumber,
        "EventSequences/GetTailSequenceNumber",
        pb.GetTailSequenceNumberRequest(**_place(scope)),
    )
    return number_or_none(response.SequenceNumber)


async def query_events(scope: SequenceScope, query: EventQuery) -> EventPage:
    """A page of the events that match, and how many match in all.

    Raises `CallError`. (EventSequences/QueryEvents)
    """
    response = await ask(
        scope.client,
        EventSequencesStub(scope.client.channel).QueryEvents,
        "EventSequences/QueryEvents",
        pb.QueryEventsRequest(
            **_place(scope),
            Criteria=_criteria(query),
            Skip=query.skip,
            Take=query.take,
            Descending=query.descending,
            SortBy=pb.EventSequenceQuerySortBy.ValueType(SortBy[query.sort_by.upper()].value),
        ),
    )
    events = [StoredEvent.of(message) for message in response.Events]
    return EventPage(events=events, total_count=response.TotalCount, skip=query.skip, take=query.take)


async def following_events(scope: SequenceScope, after: int | None, take: int) -> FollowingEvents:
    """The events after a number, or from the first one on, as far as they are there; no more than `take`.

    Raises `CallError`. (EventSequences/GetEventsFromEventSequenceNumber, GetTailSequenceNumber)
    """
    tail = await tail_of(scope)
    first = 0 if after is None else after + 1
    if tail is None or first > tail:
        return FollowingEvents(events=[], tail=tail, last_read=after)
    last = min(first + take - 1, tail)
    return FollowingEvents(events=await _events_between(scope, first, last), tail=tail, last_read=last)


async def find_event(scope: SequenceScope, sequence_number: int) -> StoredEvent:
    """The event with this number. Raises `NotThereError` when there is none, `CallError`.

    (EventSequences/GetEventsFromEventSequenceNumber)
    """
    events = await _events_between(scope, sequence_number, sequence_number)
    if not events:
        raise NotThereError(
            f"event in the event sequence '{scope.sequence_id}' with the number", sequence_number
        )
    return events[0]


async def redact_event(scope: SequenceScope, sequence_number: int, reason: str) -> None:
    """Asks the kernel to take out what an event says, for good; it does so in the background.

    Raises `NotThereError` when there is no such event: the kernel would keep trying, and do nothing else
    for the sequence. `CallError`. (EventSequences/Redact)
    """
    await find_event(scope, sequence_number)
    await Redaction(scope.access(), scope.sequence_id).redact(sequence_number, reason)


async def redact_events_of(scope: SequenceScope, event_source_id: str, reason: str) -> None:
    """Asks the kernel to take out what all events of an event source so far say; as `redact_event`.

    Raises `NotThereError` when it has none. (EventSequences/RedactForEventSource)
    """
    response = await ask(
        scope.client,
        EventSequencesStub(scope.client.channel).HasEventsForEventSourceId,
        "EventSequences/HasEventsForEventSourceId",
        pb.HasEventsForEventSourceIdRequest(**_place(scope), EventSourceId=event_source_id),
    )
    if not response.HasEvents:
        raise NotThereError(
            f"event in the event sequence '{scope.sequence_id}' of the source", event_source_id
        )
    await Redaction(scope.access(), scope.sequence_id).redact_for(event_source_id, reason, ())


async def _sequence_ids(scope: NamespaceScope) -> frozenset[str]:
    response = await ask(
        scope.client,
        EventSequencesStub(scope.client.channel).GetEventSequences,
        "EventSequences/GetEventSequences",
        pb.GetEventSequencesRequest(EventStore=scope.event_store, Namespace=scope.namespace),
    )
    return frozenset(response.EventSequenceIds)


async def _events_between(scope: SequenceScope, first: int, last: int) -> list[StoredEvent]:
    response = await ask(
        scope.client,
        EventSequencesStub(scope.client.channel).GetEventsFromEventSequenceNumber,
        "EventSequences/GetEventsFromEventSequenceNumber",
        pb.GetFromEventSequenceNumberRequest(
            **_place(scope), FromEventSequenceNumber=first, ToEventSequenceNumber=last
        ),
    )
    return [StoredEvent.of(message) for message in response.Events]


def _place(scope: SequenceScope) -> dict[str, Any]:
    return {
        "EventStore": scope.event_store,
        "Namespace": scope.namespace,
        "EventSequenceId": scope.sequence_id,
    }


def _criteria(query: EventQuery) -> pb.EventSequenceQueryCriteria:
    criteria = pb.EventSequenceQueryCriteria(
        EventSourceId=query.event_source_id or "",
        # The kernel matches by id alone.
        EventTypes=[pb.EventType(Id=event_type, Generation=1) for event_type in query.event_type],
        Tags=query.tag,
        EventSourceType=query.event_source_type or "",
        EventStreamType=query.event_stream_type or "",
    )
    if query.correlation_id is not None:
        criteria.CorrelationId.lo, criteria.CorrelationId.hi = guid_halves(query.correlation_id)
    return criteria


async def _sequence(scope: InNamespace, sequence_id: IdInPath) -> SequenceScope:
    return await find_sequence(scope, sequence_id)


InSequence = Annotated[SequenceScope, Depends(_sequence)]

router = resource_router("event sequences", "/event-stores/{event_store}/namespaces/{namespace}/sequences")


@router.get("")
async def get_sequences(scope: InNamespace) -> list[EventSequenceSummary]:
    """List the event sequences of a namespace."""
    return await list_sequences(scope)


@router.get("/{sequence_id}")
async def get_sequence(scope: InSequence) -> EventSequenceSummary:
    """Get an event sequence with the number of its newest event."""
    return EventSequenceSummary(id=scope.sequence_id, tail=await tail_of(scope))


@router.get("/{sequence_id}/events")
async def get_events(scope: InSequence, query: Annotated[EventQuery, Query()]) -> EventPage:
    """Get a page of the events that match, and how many match in all."""
    return await query_events(scope, query)


@router.get("/{sequence_id}/tail")
async def get_following_events(
    scope: InSequence,
    after: Annotated[int | None, Query(ge=0, le=LARGEST_EXACT)] = None,
    take: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = PAGE_SIZE,
) -> FollowingEvents:
    """Follow an event sequence: get the events after the last one seen, in order, with where to go on."""
    return await following_events(scope, after, take)


@router.get("/{sequence_id}/events/{sequence_number}")
async def get_event(scope: InSequence, sequence_number: SequenceNumberPath) -> StoredEvent:
    """Get one event."""
    return await find_event(scope, sequence_number)


@router.post("/{sequence_id}/events/{sequence_number}/redact", name="redact_event", **ACCEPTED)
async def _redact_event(scope: InSequence, sequence_number: SequenceNumberPath, body: RedactEvent) -> None:
    """Redact one event: what it says is taken out for good, in the background."""
    await redact_event(scope, sequence_number, body.reason)


@router.post("/{sequence_id}/redact", name="redact_events", **ACCEPTED)
async def _redact_events(scope: InSequence, body: RedactEvents) -> None:
    """Redact all events of an event source: what they say is taken out for good, in the background."""
    await redact_events_of(scope, body.event_source_id, body.reason)
