"""Looking at events: QueryEvents and GetHistogram of the EventSequences service (events.md 9.5)."""

from typing import Final

from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.kernel.namespace import Namespace
from chronicle.kernel.sequences.event_queries import EventPage, Resolution
from chronicle.kernel.services.faults import InvalidRequest
from chronicle.kernel.storage.event_queries import NO_LIMIT, Order, QueryCriteria, SortBy
from chronicle.values import ALL_STREAM_TYPE, format_ticks, guid_bytes_from_halves

# What the contract does not have counts as its default.
_SORTS: Final = {sort.value: sort for sort in SortBy}
_RESOLUTIONS: Final = {resolution.value: resolution for resolution in Resolution}


async def query_events(namespace: Namespace | None, request: pb.QueryEventsRequest) -> EventPage:
    """The page of events that a request asks for, and how many events match; none without a namespace.

    Raises `InvalidRequest` for a negative Skip or Take, and for bounds of time. A Take of 0 is no limit.
    """
    criteria = _criteria(request.Criteria)
    if request.Skip < 0 or request.Take < 0:
        raise InvalidRequest("Skip and Take count events, and cannot be negative.")
    if namespace is None:
        return EventPage()
    return await namespace.event_queries.page(
        request.EventSequenceId,
        criteria,
        Order(_SORTS.get(request.SortBy, SortBy.NUMBER), request.Descending),
        skip=request.Skip,
        limit=request.Take or NO_LIMIT,
    )


async def get_histogram(
    namespace: Namespace | None, request: pb.GetHistogramRequest
) -> pb.GetHistogramResponse:
    """How many events occurred in each part of time that has any, ascending.

    Raises `InvalidRequest` for bounds of time.
    """
    criteria = _criteria(request.Criteria)
    response = pb.GetHistogramResponse()
    if namespace is not None:
        resolution = _RESOLUTIONS.get(request.Resolution, Resolution.HOUR)
        for bucket in await namespace.event_queries.histogram(request.EventSequenceId, resolution, criteria):
            message = response.Buckets.add(Count=bucket.size)
            # The contract's type for the moment has no fields: those who do not know this one skip it.
            moment = pb.SerializableDateTimeOffset(Value=format_ticks(bucket.start))
            message.Occurred.MergeFromString(moment.SerializeToString())
    return response


def _criteria(message: pb.EventSequenceQueryCriteria) -> QueryCriteria:
    if message.HasField("OccurredFrom") or message.HasField("OccurredTo"):
        raise InvalidRequest(
            "Criteria.OccurredFrom and OccurredTo have no encoding in the contract: whatever was meant did "
            "not arrive. Leave them out."
        )
    correlation_id = guid_bytes_from_halves(message.CorrelationId.lo, message.CorrelationId.hi)
    stream_type = _given(message.EventStreamType)
    return QueryCriteria(
        event_source_id=_given(message.EventSourceId),
        event_source_type=_given(message.EventSourceType),
        event_stream_type=None if stream_type == ALL_STREAM_TYPE else stream_type,
        correlation_id=correlation_id if any(correlation_id) else None,
        event_types=tuple(event_type.Id for event_type in message.EventTypes),
        tags=tuple(message.Tags),
    )


def _given(text: str) -> str | None:
    return text if text.strip() else None
