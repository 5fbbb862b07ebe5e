"""Looking at a sequence (events.md 9.5): what is asked, and where the buckets of a histogram begin."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.errors import UnknownEventTypeError
from chronicle.event_sequences.event_sequence import EventSequence
from chronicle.event_sequences.querying import HistogramBucket, Resolution, SortBy, bucket_start
from chronicle.values import guid_halves
from tests.unit.event_sequences.scripted import AccountOpened, FundsDeposited, ScriptedKernel, Unregistered


def event_at(text: str) -> pb.AppendedEvent:
    occurred = pb.SerializableDateTimeOffset(Value=text)
    return pb.AppendedEvent(Context=pb.EventContext(Occurred=occurred), Content="{}")


def day(number: int) -> datetime:
    return datetime(2026, 3, number, tzinfo=UTC)


async def test_what_is_given_narrows_and_what_is_not_does_not(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    await log.query(
        skip=20,
        take=10,
        sort_by=SortBy.EVENT_TYPE,
        descending=True,
        event_source_id="a",
        event_types=[AccountOpened, FundsDeposited],
        tags=("red",),
        source_type="Default",
        stream_type="orders",
        correlation_id=UUID(int=7),
    )
    await log.query()
    narrowed, everything = kernel.requests
    assert (narrowed.Skip, narrowed.Take, narrowed.Descending, narrowed.SortBy) == (20, 10, True, 2)
    criteria = narrowed.Criteria
    assert (criteria.EventSourceId, criteria.EventSourceType, criteria.EventStreamType) == (
        "a",
        "Default",
        "orders",
    )
    assert [one.Id for one in criteria.EventTypes] == ["account-opened", "funds-deposited"]
    assert list(criteria.Tags) == ["red"]
    assert (criteria.CorrelationId.lo, criteria.CorrelationId.hi) == guid_halves(UUID(int=7))
    assert everything == pb.QueryEventsRequest(
        EventStore="bank",
        Namespace="Default",
        EventSequenceId="event-log",
        Criteria=pb.EventSequenceQueryCriteria(),
        Take=100,
    )


async def test_a_class_that_is_no_event_type_is_refused_before_any_call(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    with pytest.raises(UnknownEventTypeError):
        await log.query(event_types=[int])
    await log.query(event_types=[Unregistered])
    assert len(kernel.requests) == 1


async def test_of_a_kernel_that_does_not_say_when_buckets_begin_their_first_events_are_asked(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    kernel.answers = [
        pb.GetHistogramResponse(Buckets=[pb.HistogramBucket(Count=3), pb.HistogramBucket(Count=2)]),
        pb.QueryEventsResponse(Events=[event_at("2026-03-01T22:10:00.0000000+00:00")]),
        pb.QueryEventsResponse(Events=[event_at("2026-03-04T01:10:00.0000000+02:00")]),
    ]
    types = (one for one in [AccountOpened])
    histogram = await log.histogram(Resolution.DAY, event_types=types)
    assert histogram == [HistogramBucket(day(1), 3), HistogramBucket(day(3), 2)]
    asked, first, second = kernel.requests
    assert asked.Resolution == pb.HISTOGRAM_RESOLUTION_Day
    assert [(one.Skip, one.Take) for one in (first, second)] == [(0, 1), (3, 1)]
    assert {one.SortBy for one in (first, second)} == {pb.EVENT_SEQUENCE_QUERY_SORT_BY_Occurred}
    assert first.Criteria == second.Criteria == asked.Criteria
    assert len(asked.Criteria.EventTypes) == 1


async def test_a_bucket_whose_events_are_gone_meanwhile_is_left_out(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    kernel.answers = [
        pb.GetHistogramResponse(Buckets=[pb.HistogramBucket(Count=1)]),
        pb.QueryEventsResponse(),
    ]
    assert await log.histogram() == []


async def test_a_kernel_that_says_when_buckets_begin_is_asked_once(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    bucket = pb.HistogramBucket(Count=4)
    start = pb.SerializableDateTimeOffset(Value="2026-03-02T00:00:00.0000000+00:00")
    bucket.Occurred.MergeFromString(start.SerializeToString())
    kernel.answers = [pb.GetHistogramResponse(Buckets=[bucket])]
    assert await log.histogram(Resolution.WEEK) == [HistogramBucket(day(2), 4)]
    assert len(kernel.requests) == 1


@pytest.mark.parametrize(
    ("resolution", "start"),
    [
        (Resolution.MINUTE, "2026-02-28T23:30:00"),
        (Resolution.HOUR, "2026-02-28T23:00:00"),
        (Resolution.DAY, "2026-02-28T00:00:00"),
        (Resolution.WEEK, "2026-02-23T00:00:00"),
        (Resolution.MONTH, "2026-02-01T00:00:00"),
    ],
)
def test_buckets_begin_in_utc_and_weeks_on_monday(resolution: Resolution, start: str) -> None:
    moment = datetime(2026, 3, 1, 0, 30, 59, 999_999, tzinfo=timezone(timedelta(hours=1)))
    assert bucket_start(moment, resolution) == datetime.fromisoformat(start).replace(tzinfo=UTC)
