"""Looking at event sequences: pages in any order, and histograms (events.md 9.5)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final, TypedDict, Unpack
from uuid import UUID

from chronicle.connections.calls import Call
from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.contracts.event_sequences_pb2_grpc import EventSequencesStub
from chronicle.event_sequences.concurrency import write_event_types
from chronicle.event_sequences.event_source_ids import source_filter
from chronicle.event_sequences.reading import ReadableEventSequence
from chronicle.events.event_context import AppendedEvent
from chronicle.events.event_types import event_type_of
from chronicle.events.wire import to_moment
from chronicle.store_access import StoreAccess
from chronicle.values import guid_halves, parse_timestamp

QUERY_LIMIT: Final = 100


class SortBy(Enum):
    """What the events of a query are sorted by."""

    SEQUENCE_NUMBER = 0
    OCCURRED = 1
    EVENT_TYPE = 2
    EVENT_SOURCE_ID = 3


class Resolution(Enum):
    """How long each bucket of a histogram is, in UTC."""

    MINUTE = 0
    HOUR = 1
    DAY = 2
    WEEK = 3
    """From Monday on."""
    MONTH = 4


class QueryCriteria(TypedDict, total=False):
    """What narrows a query; what is left out, or None, selects all."""

    event_source_id: str | None
    event_types: Iterable[type]
    tags: Iterable[str]
    """An event has one of them."""
    source_type: str | None
    """Exactly this one, `Default` included."""
    stream_type: str | None
    """`All` selects all."""
    correlation_id: UUID | None


@dataclass(frozen=True, slots=True)
class QueryPage:
    """Some of the events that match, and how many there are in all."""

    events: Sequence[AppendedEvent[Any]]
    total_count: int


@dataclass(frozen=True, slots=True)
class HistogramBucket:
    """A part of time, and how many of the events that match occurred in it."""

    start: datetime
    """Where it begins, in UTC."""
    count: int


class QueryableEventSequence(ReadableEventSequence):
    """An event sequence that can be looked at in any order; what has to be in order is read instead."""

    def __init__(self, store: StoreAccess, sequence_id: str) -> None:
        super().__init__(store, sequence_id)
        stub = EventSequencesStub(store.channel)
        self._query_events = Call(stub.QueryEvents, "EventSequences/QueryEvents", store.calls)
        self._get_histogram = Call(stub.GetHistogram, "EventSequences/GetHistogram", store.calls)

    async def query(
        self,
        *,
        skip: int = 0,
        take: int = QUERY_LIMIT,
        sort_by: SortBy = SortBy.SEQUENCE_NUMBER,
        descending: bool = False,
        **criteria: Unpack[QueryCriteria],
    ) -> QueryPage:
        """A page of the events that match, sorted, and how many match in all.

            latest = await log.query(take=20, descending=True, tags=["cash"])

        Raises `ValueError` for a negative `skip` and for a `take` below 1: kernels differ in what they make
        of 0. Otherwise as reading does. (EventSequences/QueryEvents)
        """
        if skip < 0 or take < 1:
            raise ValueError(f"skip={skip}, take={take} is no page. Skip 0 or more events, take 1 or more.")
        response = await self._page(_criteria(criteria), skip, take, sort_by, descending)
        return QueryPage(self._read_events(response.Events), response.TotalCount)

    async def histogram(
        self, resolution: Resolution = Resolution.DAY, **criteria: Unpack[QueryCriteria]
    ) -> list[HistogramBucket]:
        """How many of the events that match occurred in each part of time, ascending, without empty ones.

        The real kernel cannot say when a bucket begins: there each costs a query more.
        (EventSequences/GetHistogram, QueryEvents)
        """
        message = _criteria(criteria)
        response = await self._get_histogram(
            pb.GetHistogramRequest(
                EventStore=self._store.event_store,
                Namespace=self._store.namespace,
                EventSequenceId=self.id,
                Criteria=message,
                Resolution=pb.HistogramResolution.ValueType(resolution.value),
            )
        )
        buckets = []
        before = 0
        for bucket in response.Buckets:
            start = _start(bucket) or await self._start_at(before, resolution, message)
            if start is not None:
                buckets.append(HistogramBucket(start, bucket.Count))
            before += bucket.Count
        return buckets

    async def _start_at(
        self, position: int, resolution: Resolution, criteria: pb.EventSequenceQueryCriteria
    ) -> datetime | None:
        """Where the bucket of the event at a position in time begins; None when it is gone meanwhile."""
        response = await self._page(criteria, position, 1, SortBy.OCCURRED)
        if not response.Events:
            return None
        return bucket_start(to_moment(response.Events[0].Context.Occurred), resolution)

    async def _page(
        self,
        criteria: pb.EventSequenceQueryCriteria,
        skip: int,
        take: int,
        sort_by: SortBy,
        descending: bool = False,
    ) -> pb.QueryEventsResponse:
        return await self._query_events(
            pb.QueryEventsRequest(
                EventStore=self._store.event_store,
                Namespace=self._store.namespace,
                EventSequenceId=self.id,
                Criteria=criteria,
                Skip=skip,
                Take=take,
                Descending=descending,
                SortBy=pb.EventSequenceQuerySortBy.ValueType(sort_by.value),
            )
        )


def bucket_start(moment: datetime, resolution: Resolution) -> datetime:
    """Where the bucket that a moment belongs to begins, in UTC."""
    moment = moment.astimezone(UTC).replace(second=0, microsecond=0)
    if resolution is Resolution.MINUTE:
        return moment
    moment = moment.replace(minute=0)
    if resolution is Resolution.HOUR:
        return moment
    day = moment.replace(hour=0)
    if resolution is Resolution.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if resolution is Resolution.MONTH else day


def _start(bucket: pb.HistogramBucket) -> datetime | None:
    # The contract's type has no fields; our kernel sends a timestamp where it stands all the same.
    text = pb.SerializableDateTimeOffset.FromString(bucket.Occurred.SerializeToString()).Value
    return parse_timestamp(text) if text else None


def _criteria(criteria: QueryCriteria) -> pb.EventSequenceQueryCriteria:
    message = pb.EventSequenceQueryCriteria(
        EventSourceId=source_filter(criteria.get("event_source_id")),
        EventTypes=write_event_types(map(event_type_of, criteria.get("event_types", ()))),
        Tags=criteria.get("tags", ()),
        EventSourceType=criteria.get("source_type") or "",
        EventStreamType=criteria.get("stream_type") or "",
    )
    correlation_id = criteria.get("correlation_id")
    if correlation_id is not None:
        message.CorrelationId.lo, message.CorrelationId.hi = guid_halves(correlation_id)
    return message
