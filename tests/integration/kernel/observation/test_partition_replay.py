"""A partition that is handled once more, from its first event on (observation.md 7.2)."""

import json

import pytest

from chronicle.kernel.observation import Batch, Outcome, ReplayState
from tests.integration.kernel.observation.conftest import AT_ONCE, OpenWorld
from tests.integration.kernel.observation.scripted import Client, World, event, fail, handled, succeed, until
from tests.integration.kernel.observation.test_reducers import MODEL, instance, reduce, register, seen

BEGIN, END = ReplayState.BEGIN_PARTITION, ReplayState.END_PARTITION


async def replayed(client: Client) -> None:
    """Waits until nothing is left to be replayed."""
    await until(client.observer, lambda one: not one.state.replays)


async def recovered(client: Client) -> None:
    await until(client.observer, lambda one: not one.state.failed)


@pytest.mark.row("O80")
async def test_only_the_events_of_the_partition_come_again_and_the_position_stays(world: World) -> None:
    client = await world.join()
    await world.append("A B A C B")
    await handled(client.observer, 4)
    await client.observer.replay_partition("A")
    await replayed(client)
    assert client.delivered[-1] == ("A", [0, 2])
    assert [batch.is_replay for batch in client.batches] == [False] * 5 + [True]
    await client.until(lambda one: len(one.notices) == 2)
    assert client.notices == [(BEGIN, "A"), (END, "A")]
    state = client.observer.state
    assert (state.next_number, state.last_handled, state.handled_count) == (5, 4, 5)
    await world.append("A")
    await handled(client.observer, 5)
    assert client.delivered[-1] == ("A", [5])


async def test_an_event_that_is_appended_during_a_replay_comes_after_it_once(world: World) -> None:
    client = await world.join()
    await world.append("A A")
    await handled(client.observer, 1)
    client.script = lambda batch: None
    await client.observer.replay_partition("A")
    await client.until(lambda one: bool(one.waiting))
    await world.append("A B")
    client.script = succeed
    client.answer()
    await handled(client.observer, 3)
    assert client.delivered[1:] == [("A", [0, 1]), ("A", [2]), ("B", [3])]


@pytest.mark.row("O81")
async def test_an_observer_that_is_not_replayable_is_left_alone(world: World) -> None:
    client = await world.join(replayable=False)
    await world.append("A")
    await handled(client.observer, 0)
    await client.observer.replay_partition("A")
    await world.append("B")
    await handled(client.observer, 1)
    assert client.numbers == [0, 1]
    assert client.notices == []


async def test_events_that_were_never_handled_are_not_part_of_it(world: World) -> None:
    await world.append("A A")
    observer = await world.observer()
    await observer.replay_partition("A")
    client = await world.join()
    await handled(observer, 1)
    assert client.numbers == [0, 1]
    assert not any(batch.is_replay for batch in client.batches)


async def test_who_subscribes_later_replays_what_was_asked_for_meanwhile(open_world: OpenWorld) -> None:
    world = await open_world()
    client = await world.join()
    await world.append("A B")
    await handled(client.observer, 1)
    client.leave()
    await client.observer.replay_partition("A")
    # Also after the kernel was stopped.
    world = await open_world()
    again = await world.join()
    await replayed(again)
    assert again.delivered == [("A", [0])]
    assert again.batches[0].is_replay
    world = await open_world()
    last = await world.join()
    await world.append("C")
    await handled(last.observer, 2)
    assert last.numbers == [2]


async def test_a_replay_that_nobody_finishes_begins_anew(open_world: OpenWorld) -> None:
    world = await open_world()
    client = await world.join()
    await world.append(*("A" for _ in range(25)))
    await handled(client.observer, 24)
    client.script = lambda batch: succeed(batch) if batch.events[0].number < 10 else None
    await client.observer.replay_partition("A")
    await client.until(lambda one: bool(one.waiting))
    world = await open_world()
    again = await world.join()
    await replayed(again)
    assert again.numbers == list(range(25))


async def test_a_request_during_a_replay_is_not_answered_by_its_end(world: World) -> None:
    client = await world.join()
    await world.append("A")
    await handled(client.observer, 0)
    client.script = lambda batch: None
    await client.observer.replay_partition("A")
    await client.until(lambda one: bool(one.waiting))
    await client.observer.replay_partition("A")
    client.script = succeed
    client.answer()
    await replayed(client)
    assert client.numbers == [0, 0, 0]


async def test_a_reactor_that_fails_goes_on_where_it_failed(open_world: OpenWorld) -> None:
    world = await open_world(AT_ONCE)
    client = await world.join()
    await world.append(*("A" for _ in range(15)))
    await handled(client.observer, 14)
    has_failed = False

    def fail_once(batch: Batch) -> Outcome:
        nonlocal has_failed
        if has_failed or batch.events[0].number < 10:
            return succeed(batch)
        has_failed = True
        return fail(batch, after=11)

    before = len(client.batches)
    client.script = fail_once
    await client.observer.replay_partition("A")
    await until(client.observer, lambda one: has_failed and not one.state.failed)
    assert not client.observer.state.replays
    assert client.numbers_of("A")[-15:] == list(range(15))
    assert [b.is_replay for b in client.batches[before:]] == [True, True, False]


async def test_a_failed_partition_that_is_replayed_has_recovered(open_world: OpenWorld) -> None:
    world = await open_world()
    client = await world.join(lambda batch: fail(batch, after=0))
    await world.append("A A")
    await until(client.observer, lambda one: len(one.state.failed) == 1)
    await client.observer.replay_partition("A")
    # It waits for its next attempt; that one is the replay.
    assert client.notices == []
    world = await open_world()
    again = await world.join()
    await handled(again.observer, 1)
    assert again.delivered == [("A", [0]), ("A", [1])]
    assert [batch.is_replay for batch in again.batches] == [True, False]
    assert not again.observer.state.failed
    assert not again.observer.state.replays


class TestReducers:
    async def test_an_instance_is_built_anew_and_shown_when_it_is_done(self, world: World) -> None:
        await register(world)
        client = await world.join(reduce, read_model=MODEL)
        await world.append(*("A" for _ in range(25)))
        await handled(client.observer, 24)
        states: list[list[int]] = []
        client.script = lambda batch: None
        await client.observer.replay_partition("A")
        for _ in range(3):
            await client.until(lambda one: bool(one.waiting))
            states.append(await seen(world, "A"))
            client.answer(reduce(client.waiting[0]))
        await replayed(client)
        assert states == [list(range(25))] * 3
        assert await seen(world, "A") == list(range(25))
        replay = [batch for batch in client.batches if batch.is_replay]
        assert [len(batch.events) for batch in replay] == [10, 10, 5]
        assert replay[0].initial_state is None
        assert json.loads(replay[1].initial_state or "")["seen"] == list(range(10))

    async def test_what_comes_to_another_state_is_stored_although_no_event_is_newer(
        self, world: World
    ) -> None:
        await register(world)
        client = await world.join(reduce, read_model=MODEL)
        await world.append("A A")
        await handled(client.observer, 1)
        client.script = lambda batch: succeed(batch)._replace(read_model='{"seen": [7]}')
        await client.observer.replay_partition("A")
        await replayed(client)
        assert await seen(world, "A") == [7]
        client.script = reduce
        await world.append("A")
        await handled(client.observer, 2)
        assert await seen(world, "A") == [7, 2]

    async def test_a_failure_stores_nothing_and_all_of_it_comes_again(self, open_world: OpenWorld) -> None:
        world = await open_world(AT_ONCE)
        await register(world)
        client = await world.join(reduce, read_model=MODEL)
        await world.append(*("A" for _ in range(15)))
        await handled(client.observer, 14)
        failures: list[list[int]] = []

        def other(batch: Batch) -> Outcome:
            if batch.events[0].number >= 10 and len(failures) < 2:
                failures.append([event.number for event in batch.events])
                return fail(batch)
            return succeed(batch)._replace(read_model=json.dumps({"seen": [batch.events[-1].number]}))

        client.script = other
        await client.observer.replay_partition("A")
        await until(client.observer, lambda one: len(one.state.failed) == 1)
        assert await seen(world, "A") == list(range(15))
        await recovered(client)
        assert failures == [list(range(10, 15))] * 2
        assert await seen(world, "A") == [14]
        assert not client.observer.state.replays
        assert all(batch.is_replay for batch in client.batches[-6:])

    async def test_without_any_event_the_instance_is_removed(self, world: World) -> None:
        await register(world)
        client = await world.join(reduce, read_model=MODEL)
        await world.append("A B")
        await handled(client.observer, 1)
        job = "UPDATE events SET event_type = 'other' WHERE number = 0"
        await world.namespace._database.write(lambda connection: connection.execute(job).rowcount)
        await client.observer.replay_partition("A")
        await replayed(client)
        assert await instance(world, "A") is None
        assert await seen(world, "B") == [1]


async def test_events_that_were_read_ahead_are_read_again_once_they_have_changed(world: World) -> None:
    client = await world.join(lambda batch: None)
    await world.append("A", event("B", content='{"old":1}'))
    # B waits in the same page for its turn.
    await client.until(lambda one: bool(one.waiting))
    job = "UPDATE events SET content = '{}' WHERE event_source_id = 'B'"
    await world.namespace._database.write(lambda connection: connection.execute(job).rowcount)
    world.log.forget_events()
    client.observer.forget_events("event-log")
    client.script = succeed
    client.answer()
    await handled(client.observer, 1)
    assert client.delivered == [("A", [0]), ("B", [1])]
    assert client.batches[1].events[0].content == "{}"
