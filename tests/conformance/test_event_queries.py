"""Looking at events by the contract and through the client: pages in any order, histograms (events 9.5)."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import grpc.aio
import pytest

from chronicle import EventFor, EventStore, Resolution, SortBy, correlation
from chronicle.contracts import event_sequences_pb2 as pb
from tests.conformance.bank import AccountClosed, AccountOpened, FundsDeposited
from tests.conformance.raw import RawStore, guid, occurred, to_append, type_filter

THE_FIRST = UUID("018f0000-0000-7000-8000-00000000000a")
THE_SECOND = UUID("018f0000-0000-7000-8000-00000000000b")


async def query(store: RawStore, criteria: dict[str, Any] | None = None, **fields: Any) -> list[int]:
    """The numbers of the events on a page."""
    response = await ask(store, criteria, **fields)
    return [event.Context.SequenceNumber for event in response.Events]


async def ask(
    store: RawStore, criteria: dict[str, Any] | None = None, **fields: Any
) -> pb.QueryEventsResponse:
    # A take of 0 is no limit here and nothing there.
    request = pb.QueryEventsRequest(
        **store.place,
        Criteria=pb.EventSequenceQueryCriteria(**(criteria or {})),
        **({"Take": 100} | fields),
    )
    return await store.stubs.event_sequences.QueryEvents(request)


async def counts(
    store: RawStore, resolution: pb.HistogramResolution.ValueType, criteria: dict[str, Any] | None = None
) -> list[int]:
    """The sizes of a histogram's buckets."""
    request = pb.GetHistogramRequest(
        **store.place, Criteria=pb.EventSequenceQueryCriteria(**(criteria or {})), Resolution=resolution
    )
    response = await store.stubs.event_sequences.GetHistogram(request)
    return [bucket.Count for bucket in response.Buckets]


@pytest.fixture
async def filled(raw: RawStore) -> RawStore:
    """Six events that differ in all that queries can narrow and sort by."""
    (other,) = type_filter("other")
    first = [
        to_append("happened", source="b", Tags=["red", "old"], Occurred=occurred("2026-03-02T10:00:30Z")),
        to_append("happened", source="a", EventType=other, Occurred=occurred("2026-03-02T10:00:10Z")),
        to_append("happened", source="c", EventStreamType="orders", Occurred=occurred("2026-03-02T11:00Z")),
    ]
    second = [
        to_append("happened", source="a", EventSourceType="account", Occurred=occurred("2026-03-01T10:00Z")),
        to_append("happened", source="b", EventType=other, Occurred=occurred("2026-02-28T23:59:59+00:00")),
        to_append("happened", source="a", Tags=["blue"], Occurred=occurred("2026-03-09T00:00:00+01:00")),
    ]
    await raw.append_many(first, CorrelationId=guid(THE_FIRST))
    await raw.append_many(second, CorrelationId=guid(THE_SECOND))
    return raw


@pytest.mark.row("E172")
@pytest.mark.parametrize(
    ("criteria", "numbers"),
    [
        ({}, [0, 1, 2, 3, 4, 5]),
        ({"EventSourceId": "a"}, [1, 3, 5]),
        ({"EventSourceId": "unknown"}, []),
        ({"EventTypes": type_filter("other")}, [1, 4]),
        ({"EventTypes": type_filter("other", "happened")}, [0, 1, 2, 3, 4, 5]),
        ({"Tags": ["red", "blue"]}, [0, 5]),
        ({"EventSourceType": "account"}, [3]),
        ({"EventSourceType": "Default"}, [0, 1, 2, 4, 5]),
        ({"EventStreamType": "orders"}, [2]),
        ({"EventStreamType": "All"}, [0, 1, 2, 3, 4, 5]),
        ({"CorrelationId": guid(THE_FIRST)}, [0, 1, 2]),
        ({"CorrelationId": guid(UUID(int=0))}, [0, 1, 2, 3, 4, 5]),
        ({"EventSourceId": "a", "EventTypes": type_filter("happened"), "Tags": ["blue"]}, [5]),
    ],
)
async def test_given_events_when_queried_by_criteria_then_those_that_match_come_and_are_counted(
    filled: RawStore, criteria: dict[str, Any], numbers: list[int]
) -> None:
    response = await ask(filled, criteria)
    assert [event.Context.SequenceNumber for event in response.Events] == numbers
    assert response.TotalCount == len(numbers)


@pytest.mark.row("E172")
async def test_given_events_when_a_page_is_queried_then_it_is_that_part_and_all_matches_are_counted(
    filled: RawStore,
) -> None:
    response = await ask(filled, {"EventTypes": type_filter("happened")}, Skip=1, Take=2)
    assert [event.Context.SequenceNumber for event in response.Events] == [2, 3]
    assert response.TotalCount == 4
    beyond = await ask(filled, Skip=6)
    assert (list(beyond.Events), beyond.TotalCount) == ([], 6)


@pytest.mark.row("E172")
@pytest.mark.parametrize(
    ("sort_by", "ascending"),
    [
        (pb.EVENT_SEQUENCE_QUERY_SORT_BY_SequenceNumber, [0, 1, 2, 3, 4, 5]),
        (pb.EVENT_SEQUENCE_QUERY_SORT_BY_Occurred, [4, 3, 1, 0, 2, 5]),
        (pb.EVENT_SEQUENCE_QUERY_SORT_BY_EventType, [0, 2, 3, 5, 1, 4]),
        (pb.EVENT_SEQUENCE_QUERY_SORT_BY_EventSourceId, [1, 3, 5, 0, 4, 2]),
    ],
)
async def test_given_events_when_sorted_then_they_come_in_that_order_or_the_other_way_round(
    filled: RawStore, sort_by: pb.EventSequenceQuerySortBy.ValueType, ascending: list[int]
) -> None:
    assert await query(filled, SortBy=sort_by) == ascending
    assert await query(filled, SortBy=sort_by, Descending=True) == ascending[::-1]
    assert await query(filled, SortBy=sort_by, Skip=1, Take=2) == ascending[1:3]
    assert await query(filled, SortBy=sort_by, Descending=True, Skip=4, Take=9) == ascending[1::-1]
    of_one = [number for number in ascending if number in (1, 3, 5)]
    assert await query(filled, {"EventSourceId": "a"}, SortBy=sort_by) == of_one


async def test_given_events_when_queried_then_they_are_what_reading_gives(filled: RawStore) -> None:
    read = await filled.read()
    assert list((await ask(filled)).Events) == list(read)


@pytest.mark.row("E172")
@pytest.mark.parametrize(
    ("resolution", "sizes"),
    [
        (pb.HISTOGRAM_RESOLUTION_Minute, [1, 1, 2, 1, 1]),
        (pb.HISTOGRAM_RESOLUTION_Hour, [1, 1, 2, 1, 1]),
        (pb.HISTOGRAM_RESOLUTION_Day, [1, 1, 3, 1]),
        # Monday is the 2nd of March; the last event is on the 8th, in UTC.
        (pb.HISTOGRAM_RESOLUTION_Week, [2, 4]),
        (pb.HISTOGRAM_RESOLUTION_Month, [1, 5]),
    ],
)
async def test_given_events_when_counted_over_time_then_parts_without_any_are_left_out(
    filled: RawStore, resolution: pb.HistogramResolution.ValueType, sizes: list[int]
) -> None:
    assert await counts(filled, resolution) == sizes


@pytest.mark.row("E172")
async def test_given_criteria_when_counted_over_time_then_only_what_matches_counts(filled: RawStore) -> None:
    day = pb.HISTOGRAM_RESOLUTION_Day
    assert await counts(filled, day, {"EventSourceId": "a"}) == [1, 1, 1]
    assert await counts(filled, day, {"EventTypes": type_filter("other")}) == [1, 1]
    assert await counts(filled, day, {"Tags": ["green"]}) == []


@pytest.mark.row("E172")
async def test_given_nothing_when_queried_then_nothing_comes_and_nothing_is_made(raw: RawStore) -> None:
    for elsewhere in (raw, raw.within(namespace="nowhere"), raw.within(sequence="nowhere")):
        response = await ask(elsewhere)
        assert (list(response.Events), response.TotalCount) == ([], 0)
        assert await counts(elsewhere, pb.HISTOGRAM_RESOLUTION_Day) == []


async def test_given_bounds_of_time_when_queried_then_it_is_said_that_they_do_not_arrive(
    raw: RawStore,
) -> None:
    for bound in ("OccurredFrom", "OccurredTo"):
        criteria = {bound: pb.DateTimeOffset()}
        for call in (lambda: ask(raw, criteria), lambda: counts(raw, pb.HISTOGRAM_RESOLUTION_Day, criteria)):  # noqa: B023
            with pytest.raises(grpc.aio.AioRpcError, match="no encoding"):
                await call()


@pytest.mark.parametrize("page", [{"Skip": -1}, {"Take": -1}])
async def test_given_a_negative_page_when_queried_then_it_is_refused(
    raw: RawStore, page: dict[str, Any]
) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match="cannot be negative"):
        await ask(raw, **page)


async def test_given_no_criteria_at_all_when_queried_then_everything_matches(filled: RawStore) -> None:
    request = pb.QueryEventsRequest(**filled.place, Take=2)
    response = await filled.stubs.event_sequences.QueryEvents(request)
    assert (len(response.Events), response.TotalCount) == (2, 6)


class TestClient:
    @pytest.fixture
    async def spent(self, bank: EventStore) -> EventStore:
        """Four events of a winter."""

        def at(text: str) -> datetime:
            return datetime.fromisoformat(text).replace(tzinfo=UTC)

        with correlation(THE_FIRST):
            await bank.event_log.append_many(
                [
                    EventFor("a", AccountOpened(owner="Alice"), occurred=at("2025-12-31T23:30")),
                    EventFor("b", AccountOpened(owner="Bob"), occurred=at("2026-01-01T00:30")),
                ]
            )
        await bank.event_log.append(
            "a", FundsDeposited(amount=Decimal(5)), occurred=at("2026-01-05T00:00"), source_type="savings"
        )
        await bank.event_log.append("b", AccountClosed(), occurred=at("2025-12-29T08:00"), tags=["audit"])
        return bank

    @pytest.mark.row("E172")
    async def test_given_events_when_a_page_is_queried_then_they_come_as_their_classes(
        self, spent: EventStore
    ) -> None:
        page = await spent.event_log.query(take=2, descending=True)
        assert [one.event for one in page.events] == [AccountClosed(), FundsDeposited(amount=Decimal(5))]
        assert page.total_count == 4
        rest = await spent.event_log.query(skip=2, take=50, descending=True)
        assert [one.context.sequence_number for one in rest.events] == [1, 0]

    @pytest.mark.row("E172")
    @pytest.mark.parametrize(
        ("criteria", "numbers"),
        [
            ({}, [0, 1, 2, 3]),
            ({"event_source_id": "a"}, [0, 2]),
            ({"event_types": [AccountOpened]}, [0, 1]),
            ({"tags": ["audit", "money"]}, [2, 3]),
            ({"source_type": "savings"}, [2]),
            ({"stream_type": "All"}, [0, 1, 2, 3]),
            ({"correlation_id": THE_FIRST}, [0, 1]),
        ],
    )
    async def test_given_criteria_when_queried_then_those_that_match_come(
        self, spent: EventStore, criteria: dict[str, Any], numbers: list[int]
    ) -> None:
        page = await spent.event_log.query(**criteria)
        assert [one.context.sequence_number for one in page.events] == numbers
        assert page.total_count == len(numbers)

    @pytest.mark.row("E172")
    async def test_given_a_sort_key_when_queried_then_the_events_come_in_its_order(
        self, spent: EventStore
    ) -> None:
        page = await spent.event_log.query(sort_by=SortBy.OCCURRED)
        assert [one.context.sequence_number for one in page.events] == [3, 0, 1, 2]

    @pytest.mark.row("E172")
    @pytest.mark.parametrize(
        ("resolution", "buckets"),
        [
            (
                Resolution.HOUR,
                [("2025-12-29T08", 1), ("2025-12-31T23", 1), ("2026-01-01T00", 1), ("2026-01-05T00", 1)],
            ),
            (Resolution.WEEK, [("2025-12-29T00", 3), ("2026-01-05T00", 1)]),
            (Resolution.MONTH, [("2025-12-01T00", 2), ("2026-01-01T00", 2)]),
        ],
    )
    async def test_given_events_when_counted_over_time_then_buckets_have_a_beginning(
        self, spent: EventStore, resolution: Resolution, buckets: list[tuple[str, int]]
    ) -> None:
        histogram = await spent.event_log.histogram(resolution)
        assert [(f"{one.start:%Y-%m-%dT%H}", one.count) for one in histogram] == buckets
        assert {one.start.tzinfo for one in histogram} == {UTC}

    @pytest.mark.parametrize("page", [{"skip": -1}, {"take": 0}, {"take": -5}])
    async def test_given_a_page_that_is_none_when_queried_then_it_is_refused_before_any_call(
        self, bank: EventStore, page: dict[str, int]
    ) -> None:
        query: Callable[..., Any] = bank.event_log.query
        with pytest.raises(ValueError, match="is no page"):
            await query(**page)
