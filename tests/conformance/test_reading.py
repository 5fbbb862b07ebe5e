"""Reading by the contract: ranges, filters, tails (events.md 9)."""

import json
from collections.abc import Sequence

import pytest

from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.values import UNAVAILABLE
from tests.conformance.raw import RawStore, to_append, type_filter


def numbers(events: Sequence[pb.AppendedEvent]) -> list[int]:
    return [event.Context.SequenceNumber for event in events]


@pytest.fixture
async def filled(raw: RawStore) -> RawStore:
    """Six events that differ in all that reads can filter by."""
    typed, other = type_filter("happened", "other")
    await raw.append_many(
        [
            to_append("happened", {"n": 0}, source="a", Tags=["red", "old"]),
            to_append("other", {"n": 1}, source="a", EventType=other, Tags=["blue"]),
            to_append("happened", {"n": 2}, source="b", EventStreamType="orders", EventStreamId="7"),
            to_append("happened", {"n": 3}, source="a", EventStreamType="orders", EventStreamId="8"),
            to_append("other", {"n": 4}, source="b", EventType=other, EventSourceType="account"),
            to_append("happened", {"n": 5}, source="a", EventType=typed, Tags=["red"]),
        ]
    )
    return raw


@pytest.mark.row("E81")
async def test_given_events_when_read_from_a_number_then_it_is_included_and_so_is_the_end(
    filled: RawStore,
) -> None:
    assert numbers(await filled.read(0)) == [0, 1, 2, 3, 4, 5]
    assert numbers(await filled.read(3)) == [3, 4, 5]
    assert numbers(await filled.read(1, ToEventSequenceNumber=3)) == [1, 2, 3]
    assert numbers(await filled.read(0, ToEventSequenceNumber=0)) == [0]
    assert numbers(await filled.read(6)) == []


@pytest.mark.row("E82")
async def test_given_events_when_read_by_source_types_or_any_of_some_tags_then_only_matching_ones_come(
    filled: RawStore,
) -> None:
    assert numbers(await filled.read(EventSourceId="b")) == [2, 4]
    assert numbers(await filled.read(EventTypes=type_filter("other"))) == [1, 4]
    assert numbers(await filled.read(Tags=["red", "blue"])) == [0, 1, 5]
    assert numbers(await filled.read(Tags=["Red"])) == []
    both = await filled.read(EventSourceId="a", EventTypes=type_filter("happened"), Tags=["red"])
    assert numbers(both) == [0, 5]


@pytest.mark.row("E83")
async def test_given_streams_when_read_for_a_source_then_stream_type_and_id_narrow_but_not_their_defaults(
    filled: RawStore,
) -> None:
    stream = await filled.read_for(
        "a", EventTypes=type_filter("happened"), EventStreamType="orders", EventStreamId="8"
    )
    assert numbers(stream) == [3]
    everything = await filled.read_for("a", EventStreamType="All", EventStreamId="Default")
    assert numbers(everything) == [0, 1, 3, 5]


@pytest.mark.row("E84")
async def test_given_events_then_their_source_has_events_and_an_unknown_one_has_none(
    filled: RawStore,
) -> None:
    assert await filled.has_events_for("a")
    assert not await filled.has_events_for("unknown")
    assert not await filled.has_events_for("A")


@pytest.mark.row("E85")
async def test_given_events_then_the_tail_is_the_highest_that_matches_each_filter_or_all_of_them(
    filled: RawStore,
) -> None:
    assert await filled.tail() == 5
    assert await filled.tail(EventTypes=type_filter("other")) == 4
    assert await filled.tail(EventSourceId="b") == 4
    assert await filled.tail(EventSourceType="account") == 4
    assert await filled.tail(EventStreamType="orders") == 3
    assert await filled.tail(EventStreamId="7") == 2
    together = {"EventTypes": type_filter("happened"), "EventSourceId": "a", "EventStreamType": "orders"}
    assert await filled.tail(**together, EventStreamId="8") == 3
    assert await filled.tail(**together, EventStreamId="7") == UNAVAILABLE
    defaults = {"EventSourceType": "Default", "EventStreamType": "All", "EventStreamId": "Default"}
    assert await filled.tail(**defaults) == 5


async def test_given_content_of_all_kinds_when_read_then_it_is_what_was_appended(raw: RawStore) -> None:
    content = {
        "text": 'blåbær 日本語 🚀 "quoted" \\ \n',
        "numbers": [0, -1, 9_007_199_254_740_991, 1.5, 1e-7],
        "nested": {"flag": True, "deeper": {"list": [{"a": 1}, {"a": 2}]}},
        "empty": {"text": "", "list": [], "object": {}},
    }
    await raw.append("happened", content)
    (event,) = await raw.read()
    assert json.loads(event.Content) == content


async def test_given_a_megabyte_of_content_when_appended_then_it_reads_back_whole(raw: RawStore) -> None:
    await raw.append("happened", {"text": "x" * 1_000_000})
    (event,) = await raw.read()
    assert len(json.loads(event.Content)["text"]) == 1_000_000


async def test_given_more_events_than_a_page_holds_when_read_then_all_come_in_order(raw: RawStore) -> None:
    for first in range(0, 2_500, 500):
        await raw.append_many([to_append("happened", {"n": n}) for n in range(first, first + 500)])
    events = await raw.read()
    assert numbers(events) == list(range(2_500))
    assert [json.loads(event.Content)["n"] for event in events] == list(range(2_500))
