"""How what lies before an observer is cut into batches (observation.md 3.1 and 3.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chronicle.kernel.observation.slices import Slice, cut_run, cut_spread, without_handled
from chronicle.kernel.observation.subscriber import Batch
from tests.unit.kernel.observation.events import events_of

LAST = 10**9


def shown(cut: Slice) -> list[tuple[str, list[int]]]:
    return [(batch.partition, [event.number for event in batch.events]) for batch in cut.batches]


@pytest.mark.row("O19")
def test_a_run_is_the_events_of_one_source_in_a_row() -> None:
    events = events_of("AABA")
    assert shown(cut_run(events, 0)) == [("A", [0, 1])]
    assert shown(cut_run(events, 2)) == [("B", [2])]
    assert shown(cut_run(events, 3)) == [("A", [3])]


def test_a_spread_has_a_batch_for_every_source() -> None:
    assert shown(cut_spread(events_of("ABAC"), 0, last=LAST, batch_size=10)) == [
        ("A", [0, 2]),
        ("B", [1]),
        ("C", [3]),
    ]


def test_a_spread_ends_before_the_event_that_a_full_batch_has_no_room_for() -> None:
    cut = cut_spread(events_of("ABAAB"), 0, last=LAST, batch_size=2)
    assert shown(cut) == [("A", [0, 2]), ("B", [1])]
    assert cut.taken == 3


def test_a_spread_ends_with_the_last_number_that_it_may_have() -> None:
    cut = cut_spread(events_of("ABAB"), 1, last=2, batch_size=10)
    assert shown(cut) == [("B", [1]), ("A", [2])]
    assert cut.taken == 2


@given(sources=st.text("ABC", min_size=1, max_size=30), batch_size=st.integers(1, 4), is_run=st.booleans())
def test_slices_one_after_another_hold_every_event_once_and_in_the_order_of_its_source(
    sources: str, batch_size: int, is_run: bool
) -> None:
    events = events_of(sources)
    start = 0
    numbers: dict[str, list[int]] = {}
    while start < len(events):
        cut = (
            cut_run(events, start) if is_run else cut_spread(events, start, last=LAST, batch_size=batch_size)
        )
        assert cut.taken == sum(len(batch.events) for batch in cut.batches) > 0
        assert len({batch.partition for batch in cut.batches}) == len(cut.batches)
        for partition, taken in shown(cut):
            numbers.setdefault(partition, []).extend(taken)
        start += cut.taken
    assert numbers == {
        source: [number for number, one in enumerate(sources) if one == source] for source in set(sources)
    }


def test_events_that_a_partition_has_behind_it_are_left_out() -> None:
    events = events_of("ABAB")
    batches = [Batch("A", [events[0], events[2]]), Batch("B", [events[1], events[3]])]
    assert without_handled(batches, {}) is batches
    left = without_handled(batches, {"A": 2, "B": 1, "C": 7})
    assert [(batch.partition, [event.number for event in batch.events]) for batch in left] == [("B", [3])]
