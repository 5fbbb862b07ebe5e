"""Several clients that share the work of one observer, or take it from each other (observation.md 3.3)."""

import asyncio
import sqlite3
from dataclasses import replace

import pytest

from chronicle.errors import NotRunningError
from chronicle.kernel.observation import ObserverFilters, RunningState
from chronicle.kernel.storage import observers
from tests.integration.kernel.observation.conftest import NEVER, OpenWorld
from tests.integration.kernel.observation.scripted import HAPPENED, OTHER, World, event, handled, until

SOURCES = [f"source-{number}" for number in range(20)]


@pytest.mark.row("O56")
async def test_clients_alike_share_the_partitions_and_each_keeps_its_own(world: World) -> None:
    one = await world.join(connection="1")
    two = await world.join(connection="2")
    subscription = one.observer.subscription
    assert subscription is not None
    assert [stream.connection_id for stream in subscription.targets.streams] == ["1", "2"]
    for _ in range(3):
        await world.append(*map(event, SOURCES))
    await handled(one.observer, 59)
    assert sorted(one.numbers + two.numbers) == list(range(60))
    shares = [{partition for partition, _ in client.delivered} for client in (one, two)]
    assert all(shares)
    assert shares[0].isdisjoint(shares[1])


@pytest.mark.row("O57", "O58")
async def test_who_stays_gets_the_partitions_of_who_left(world: World) -> None:
    one = await world.join(connection="1")
    two = await world.join(connection="2")
    observer = one.observer
    one.leave()
    await world.append(*map(event, SOURCES))
    await handled(observer, 19)
    assert two.numbers == list(range(20))
    states = [observer.running_state]
    two.leave()
    states.append(observer.running_state)
    assert states == [RunningState.ACTIVE, RunningState.DISCONNECTED]


@pytest.mark.row("O164")
async def test_a_batch_of_who_left_goes_to_who_stays(world: World) -> None:
    # Of two targets, the first is the one for "A".
    leaving = await world.join(lambda _: None, connection="1")
    staying = await world.join(lambda _: None, connection="2")
    await world.append("A")
    await leaving.until(lambda client: bool(client.waiting))
    leaving.leave()
    await staying.until(lambda client: bool(client.waiting))
    staying.answer()
    await handled(staying.observer, 0)
    assert not staying.observer.state.failed


@pytest.mark.row("O59")
async def test_other_event_types_take_the_place_of_all_who_were_there(world: World) -> None:
    one = await world.join(connection="1")
    two = await world.join(connection="2", event_types=(HAPPENED, OTHER))
    subscription = two.observer.subscription
    assert subscription is not None
    assert [stream.connection_id for stream in subscription.targets.streams] == ["2"]
    await world.append("A", event("A", type_=OTHER))
    await handled(two.observer, 1)
    assert two.numbers == [0, 1]
    assert one.numbers == []


async def test_other_filters_or_another_read_model_take_the_place_too(world: World) -> None:
    one = await world.join(connection="1")
    await world.join(connection="2", filters=ObserverFilters(event_source_type="Account"))
    await world.join(connection="3", filters=ObserverFilters(event_source_type="Account"))
    subscription = one.observer.subscription
    assert subscription is not None
    assert [stream.connection_id for stream in subscription.targets.streams] == ["2", "3"]


async def test_a_batch_that_was_out_when_the_subscription_was_replaced_goes_to_the_new_one(
    world: World,
) -> None:
    one = await world.join(lambda _: None, connection="1")
    await world.append("A")
    await one.until(lambda client: bool(client.waiting))
    two = await world.join(connection="2", event_types=(HAPPENED, OTHER))
    await handled(two.observer, 0)
    assert two.numbers == [0]
    # The late answer of the one that was replaced is ignored.
    one.answer()
    assert two.observer.state.handled_count == 1


@pytest.mark.row("O60", "O144")
async def test_the_end_of_a_stream_that_was_replaced_changes_nothing(world: World) -> None:
    one = await world.join(connection="1")
    two = await world.join(connection="2", event_types=(HAPPENED, OTHER))
    one.leave()
    assert two.observer.is_subscribed
    await world.append("A")
    await handled(two.observer, 0)
    assert two.numbers == [0]


async def test_a_second_stream_of_a_connection_takes_the_place_of_the_first(world: World) -> None:
    first = await world.join(connection="1")
    second = await world.join(connection="1")
    await world.append("A")
    await handled(second.observer, 0)
    first.leave()
    await world.append("A")
    await handled(second.observer, 1)
    assert (first.numbers, second.numbers) == ([], [0, 1])


async def test_a_connection_can_be_taken_out_by_its_id(world: World) -> None:
    one = await world.join(connection="1")
    one.observer.leave_connection("2")
    assert one.observer.is_subscribed
    one.observer.leave_connection("1")
    assert not one.observer.is_subscribed


async def test_a_closed_namespace_has_no_observers(world: World) -> None:
    client = await world.join()
    await world.append("A")
    await handled(client.observer, 0)
    await world.namespace.observers.close()
    assert not client.observer.is_subscribed
    with pytest.raises(NotRunningError, match="closing"):
        await client.task
    with pytest.raises(NotRunningError, match="closing"):
        await world.join()
    with pytest.raises(NotRunningError, match="closed"):
        await world.namespace.observers.get("another")


async def test_an_observer_that_breaks_ends_the_streams_and_the_next_to_come_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = await world.join()

    async def broken(*_: object) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(world.log, "page", broken)
        await world.append("A")
        with pytest.raises(OSError, match="the disk is gone"):
            await client.task
    assert not client.observer.is_subscribed
    assert "has stopped" in caplog.text
    again = await world.join()
    await until(again.observer, lambda one: one.state.next_number == 1)
    assert again.numbers == [0]


async def test_closing_does_not_wait_for_clients_that_do_not_answer(open_world: OpenWorld) -> None:
    world = await open_world()
    client = await world.join(lambda _: None)
    await world.append("A B")
    await client.until(lambda one: bool(one.waiting))
    world = await open_world()
    client = await world.join()
    await handled(client.observer, 1)
    assert client.numbers == [0, 1]


async def test_joining_that_is_cancelled_leaves_the_observer_in_order(world: World) -> None:
    first = await world.join(lambda _: None)
    await world.append("A")
    await first.until(lambda one: bool(one.waiting))
    joining = asyncio.create_task(world.join(event_types=(HAPPENED, OTHER)))
    await until(first.observer, lambda one: not one.is_subscribed)
    joining.cancel()
    await asyncio.wait((joining,))
    again = await world.join()
    await handled(again.observer, 0)
    assert again.numbers == [0]


async def test_an_observer_that_does_not_stop_in_time_is_cancelled_and_begins_where_it_is_stored(
    open_world: OpenWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = await open_world(replace(NEVER, stop_timeout=0))
    client = await world.join()
    is_stuck = asyncio.Event()

    async def stuck(*_: object) -> None:
        is_stuck.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(world.log, "page", stuck)
        await world.append("A")
        await is_stuck.wait()
        client.leave()
        again = await world.join()
    assert "did not stop in time" in caplog.text
    await handled(again.observer, 0)
    assert again.numbers == [0]


async def test_a_position_that_cannot_be_stored_ends_the_streams_and_its_events_come_again(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = await world.join()

    def full(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(observers, "advance", full)
        await world.append("A")
        await handled(client.observer, 0)
        await client.observer.state.flush()
        await world.append("B")
        with pytest.raises(sqlite3.OperationalError, match="is full"):
            await client.task
    assert "could not be stored" in caplog.text
    again = await world.join()
    await handled(again.observer, 1)
    assert again.numbers == [0, 1]
    assert again.observer.state.handled_count == 2
