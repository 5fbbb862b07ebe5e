"""What is delivered, in which batches and order, and where the observer then stands (observation.md 2, 3)."""

import pytest

from chronicle.kernel.observation import (
    Batch,
    ObservationState,
    ObserverFilters,
    Outcome,
    RunningState,
)
from chronicle.values import UNAVAILABLE
from tests.integration.kernel.observation.scripted import (
    HAPPENED,
    OTHER,
    World,
    event,
    handled,
    succeed,
    until,
)


def keep_waiting(batch: Batch) -> None:
    return None


@pytest.mark.row("O1")
async def test_on_an_empty_sequence_an_observer_is_active_at_the_start(world: World) -> None:
    observer = (await world.join()).observer
    state = observer.state
    assert observer.is_subscribed
    assert observer.running_state is RunningState.ACTIVE
    assert (state.next_number, state.last_handled, state.handled_count) == (0, None, 0)


@pytest.mark.row("O2")
async def test_a_new_observer_is_given_all_earlier_events_of_a_source_in_order(world: World) -> None:
    await world.append("A " * 25)
    client = await world.join()
    await handled(client.observer, 24)
    assert client.delivered == [
        ("A", list(range(10))),
        ("A", list(range(10, 20))),
        ("A", list(range(20, 25))),
    ]
    state = client.observer.state
    assert (state.next_number, state.last_handled, state.handled_count) == (25, 24, 25)


@pytest.mark.row("O3")
async def test_earlier_events_come_in_one_batch_per_source(world: World) -> None:
    await world.append("A B A C B A")
    client = await world.join()
    await handled(client.observer, 5)
    assert client.delivered == [("A", [0, 2, 5]), ("B", [1, 4]), ("C", [3])]
    assert client.observer.state.last_handled == 5


@pytest.mark.row("O154")
async def test_sources_are_caught_up_with_side_by_side(world: World) -> None:
    await world.append("A B C")
    client = await world.join(keep_waiting)
    await client.until(lambda one: len(one.waiting) == 3)
    assert client.observer.state.next_number == 0
    for _ in range(3):
        client.answer()
    await handled(client.observer, 2)


@pytest.mark.row("O4")
async def test_events_of_other_types_are_passed_over(world: World) -> None:
    await world.append(*[event("A", type_=OTHER)] * 10)
    client = await world.join()
    await handled(client.observer, 9)
    state = client.observer.state
    assert client.delivered == []
    assert (state.next_number, state.last_handled) == (10, None)


@pytest.mark.row("O5")
async def test_without_event_types_an_observer_is_subscribed_and_does_not_run(world: World) -> None:
    await world.append("A")
    observer = (await world.join(event_types=())).observer
    assert observer.is_subscribed
    assert observer.running_state is RunningState.DISCONNECTED
    assert observer.state.last_handled is None


@pytest.mark.row("O6", "O7")
@pytest.mark.parametrize("events", ["A", "A B C A B"])
async def test_who_comes_back_is_given_what_happened_meanwhile(world: World, events: str) -> None:
    await world.append("A " * 10)
    first = await world.join()
    await handled(first.observer, 9)
    first.leave()
    numbers = await world.append(events)
    second = await world.join()
    await handled(second.observer, numbers[-1])
    assert sorted(second.numbers) == numbers


@pytest.mark.row("O8", "O9")
async def test_who_comes_back_to_nothing_new_is_given_nothing(world: World) -> None:
    await world.append("A")
    first = await world.join()
    observer = first.observer
    await handled(observer, 0)
    states = [observer.running_state]
    first.leave()
    states.append(observer.running_state)
    second = await world.join()
    states.append(observer.running_state)
    assert states == [RunningState.ACTIVE, RunningState.DISCONNECTED, RunningState.ACTIVE]
    await world.append("B")
    await handled(observer, 1)
    assert second.delivered == [("B", [1])]


@pytest.mark.row("O14", "O15")
async def test_a_live_event_moves_the_observer_and_one_of_another_type_is_not_delivered(world: World) -> None:
    client = await world.join()
    await world.append(event("A", type_=OTHER))
    assert await world.append("A") == [1]
    await handled(client.observer, 1)
    state = client.observer.state
    assert client.delivered == [("A", [1])]
    assert (state.next_number, state.last_handled, state.handled_count) == (2, 1, 1)


@pytest.mark.row("O19", "O154")
async def test_live_events_come_in_runs_of_one_source_each_after_the_answer_to_the_one_before(
    world: World,
) -> None:
    client = await world.join(keep_waiting)
    await world.append("A A B A")
    for number_of_batches in (1, 2, 3):
        await client.until(lambda one: len(one.waiting) == 1)
        assert len(client.batches) == number_of_batches
        client.answer()
    await handled(client.observer, 3)
    assert client.delivered == [("A", [0, 1]), ("B", [2]), ("A", [3])]


async def test_an_observer_that_is_a_page_behind_goes_on_source_by_source(world: World) -> None:
    client = await world.join(keep_waiting)
    await world.append("A")
    await client.until(lambda one: bool(one.waiting))
    await world.append("B C " * 30)
    client.script = succeed
    client.answer()
    await handled(client.observer, 60)
    assert client.delivered[:3] == [
        ("A", [0]),
        ("B", list(range(1, 20, 2))),
        ("C", list(range(2, 21, 2))),
    ]
    assert [number for number in client.numbers if number % 2] == list(range(1, 61, 2))


@pytest.mark.row("O150")
async def test_quick_appends_to_one_source_are_delivered_once_and_in_order(world: World) -> None:
    client = await world.join()
    for _ in range(120):
        await world.append("A")
    await handled(client.observer, 119)
    assert client.numbers == list(range(120))


@pytest.mark.row("O149")
async def test_event_types_match_by_id_whatever_the_generation(world: World) -> None:
    client = await world.join()
    await world.append(event("A", generation=7))
    await handled(client.observer, 0)
    assert client.numbers == [0]


@pytest.mark.row("O23")
async def test_success_without_a_number_changes_nothing(world: World) -> None:
    client = await world.join(lambda _: Outcome(ObservationState.SUCCESS, UNAVAILABLE))
    await world.append("A")
    await client.until(lambda one: len(one.batches) == 1)
    client.script = succeed
    state = client.observer.state
    assert (state.next_number, state.last_handled, state.handled_count) == (0, None, 0)
    await world.append("B")
    await handled(client.observer, 1)
    assert client.delivered == [("A", [0]), ("B", [1])]
    assert not state.failed


@pytest.mark.parametrize("number", [7, 4294967295])
async def test_a_last_successful_number_outside_the_batch_counts_as_none(world: World, number: int) -> None:
    client = await world.join(lambda _: Outcome(ObservationState.SUCCESS, number))
    await world.append("A A")
    await client.until(lambda one: len(one.batches) == 1)
    client.script = succeed
    await world.append("B")
    await handled(client.observer, 2)
    assert client.observer.state.handled_count == 1


@pytest.mark.row("O24")
async def test_an_answer_for_a_partition_without_a_batch_is_ignored(world: World) -> None:
    client = await world.join()
    client.stream.answer("A", Outcome(ObservationState.FAILED, messages=("late",)))
    await world.append("A")
    await handled(client.observer, 0)
    assert not client.observer.state.failed


@pytest.mark.row("O148")
async def test_a_live_answer_without_a_state_counts_as_success(world: World) -> None:
    client = await world.join(lambda batch: Outcome(ObservationState.NONE, batch.events[-1].number))
    await world.append("A A")
    await handled(client.observer, 1)
    assert client.observer.state.handled_count == 2


@pytest.mark.row("O53")
async def test_a_batch_that_nobody_answered_comes_again(world: World) -> None:
    first = await world.join(keep_waiting)
    observer = first.observer
    await world.append("A A")
    await first.until(lambda one: bool(one.waiting))
    first.leave()
    assert observer.running_state is RunningState.DISCONNECTED
    second = await world.join()
    await handled(observer, 1)
    assert second.delivered == [("A", [0, 1])]
    assert not observer.state.failed
    assert observer.state.handled_count == 2


@pytest.mark.row("O10")
async def test_leaving_in_the_middle_of_catching_up_repeats_nothing_that_was_answered(world: World) -> None:
    await world.append("A B A C B")
    first = await world.join(keep_waiting)
    await first.until(lambda one: len(one.waiting) == 3)
    first.answer()
    first.leave()
    second = await world.join()
    await handled(second.observer, 4)
    assert first.delivered[0] == ("A", [0, 2])
    assert second.delivered == [("B", [1, 4]), ("C", [3])]
    assert second.observer.state.handled_count == 5


@pytest.mark.row("O20")
async def test_observers_do_not_wait_for_each_other(world: World) -> None:
    slow = await world.join(keep_waiting, observer="slow")
    quick = await world.join(observer="quick")
    await world.append("A B")
    await handled(quick.observer, 1)
    assert quick.numbers == [0, 1]
    assert slow.observer.state.next_number == 0


@pytest.mark.row("O153")
async def test_subscribing_again_and_again_delivers_each_event_once(world: World) -> None:
    numbers: list[int] = []
    for _ in range(10):
        client = await world.join()
        await world.append("A")
        await client.until(lambda one: bool(one.batches))
        client.leave()
        numbers += client.numbers
    assert numbers == list(range(10))


@pytest.mark.row("O27", "O28", "O156")
async def test_tags_let_pass_what_has_one_of_them(world: World) -> None:
    client = await world.join(filters=ObserverFilters(tags=frozenset({"red", "blue"})))
    await world.append(
        event("A", tags='["blue","round"]'),
        event("A", tags='["Red"]'),
        event("A"),
        event("A", tags='["red"]'),
        event("A", tags='["green"]'),
    )
    await handled(client.observer, 3)
    assert client.numbers == [0, 3]
    assert client.observer.state.last_handled == 3


@pytest.mark.row("O29", "O30", "O31")
async def test_all_filters_must_match(world: World) -> None:
    filters = ObserverFilters(event_source_type="Account", event_stream_type="Monthly")
    client = await world.join(filters=filters)
    await world.append(
        event("A", source_type="Account"),
        event("A", stream_type="Monthly"),
        event("A", source_type="Account", stream_type="Monthly"),
        event("A", source_type="account", stream_type="Monthly"),
    )
    await handled(client.observer, 2)
    assert client.delivered == [("A", [2])]


@pytest.mark.row("O155")
async def test_what_was_appended_before_is_not_filtered_and_what_was_filtered_last_comes_on_return(
    world: World,
) -> None:
    filters = ObserverFilters(tags=frozenset({"red"}))
    await world.append("A")
    first = await world.join(filters=filters)
    await handled(first.observer, 0)
    assert first.numbers == [0]
    await world.append(event("A", tags='["red"]'), event("A"))
    await handled(first.observer, 1)
    assert first.observer.state.next_number == 2
    first.leave()
    second = await world.join(filters=filters)
    await handled(second.observer, 2)
    assert second.numbers == [2]


async def test_several_event_types_keep_their_order(world: World) -> None:
    client = await world.join(event_types=(HAPPENED, OTHER))
    await world.append("A", event("A", type_=OTHER), "A")
    await until(client.observer, lambda one: one.state.next_number == 3)
    assert client.delivered == [("A", [0, 1, 2])]
