"""Partitions that fail, stay behind, and come back (observation.md 6)."""

import asyncio
from dataclasses import replace

import pytest

from chronicle.kernel.observation import (
    Batch,
    FailedPartition,
    ObservationState,
    Observer,
    Outcome,
    RunningState,
    Targets,
)
from tests.integration.kernel.observation.conftest import AT_ONCE, NEVER, OpenWorld
from tests.integration.kernel.observation.scripted import Script, World, fail, handled, succeed, until


def failing(*partitions: str) -> Script:
    """A client that cannot do with these partitions."""
    return lambda batch: fail(batch) if batch.partition in partitions else succeed(batch)


def failing_times(times: int) -> Script:
    """A client that fails so often before it succeeds."""
    failures = iter(range(times))

    def script(batch: Batch) -> Outcome:
        return succeed(batch) if next(failures, None) is None else fail(batch)

    return script


def failed(observer: Observer, partition: str) -> FailedPartition:
    found = observer.state.failed.get(partition)
    assert found is not None
    return found


async def until_failed(observer: Observer, *partitions: str, attempts: int = 1) -> None:
    def are_failed(one: Observer) -> bool:
        return {
            failure.partition for failure in one.state.failed if len(failure.attempts) >= attempts
        } == set(partitions)

    await until(observer, are_failed)


@pytest.mark.row("O33", "O39")
async def test_a_live_failure_is_recorded_and_the_position_stays(world: World) -> None:
    outcome = Outcome(ObservationState.FAILED, messages=("outer", "inner"), stack_trace="line 1")
    client = await world.join(lambda _: outcome)
    await world.append("A A")
    await until_failed(client.observer, "A")
    state = client.observer.state
    (attempt,) = failed(client.observer, "A").attempts
    assert (attempt.sequence_number, attempt.messages, attempt.stack_trace) == (
        0,
        ("outer", "inner"),
        "line 1",
    )
    assert (state.next_number, state.last_handled, state.handled_count) == (0, None, 0)
    assert client.observer.running_state is RunningState.ACTIVE


@pytest.mark.row("O38")
async def test_a_live_failure_after_some_events_resumes_at_the_last_that_was_handled(world: World) -> None:
    client = await world.join(lambda batch: fail(batch, after=0))
    await world.append("A A")
    await until_failed(client.observer, "A")
    state = client.observer.state
    assert (state.last_handled, state.next_number) == (0, 1)
    assert failed(client.observer, "A").sequence_number == 0
    client.leave()
    again = await world.join()
    await handled(again.observer, 1)
    assert again.numbers == [0, 1]


@pytest.mark.row("O40")
async def test_a_failure_while_catching_up_resumes_at_the_event_after_the_last_that_was_handled(
    world: World,
) -> None:
    await world.append("A B A A")
    client = await world.join(
        lambda batch: fail(batch, after=0) if batch.partition == "A" else succeed(batch)
    )
    await until_failed(client.observer, "A")
    assert failed(client.observer, "A").sequence_number == 2
    assert client.observer.state.last_handled == 1


@pytest.mark.row("O37", "O36")
async def test_other_partitions_go_on_and_later_events_of_the_failed_one_wait(world: World) -> None:
    client = await world.join(failing("A"))
    await world.append("A B A B")
    await handled(client.observer, 3)
    assert client.delivered == [("A", [0]), ("B", [1]), ("B", [3])]
    state = client.observer.state
    assert (state.last_handled, state.next_number, state.handled_count) == (3, 4, 2)


@pytest.mark.row("O34", "O41")
async def test_a_partition_that_succeeds_on_a_later_attempt_has_recovered(retrying_world: World) -> None:
    seen: list[FailedPartition] = []

    def is_recovered(one: Observer) -> bool:
        seen.extend(one.state.failed)
        return one.state.next_number == 1

    client = await retrying_world.join(failing_times(3))
    await retrying_world.append("A")
    await until(client.observer, is_recovered)
    assert client.delivered == [("A", [0])] * 4
    assert [len(one.attempts) for one in seen] == [1, 2, 3]
    assert len({one.id for one in seen}) == 1
    assert not client.observer.state.failed
    assert client.observer.state.last_handled == 0


@pytest.mark.row("O163")
async def test_a_partition_that_fails_after_it_has_recovered_is_a_new_failure(world: World) -> None:
    client = await world.join(failing("A"))
    await world.append("A")
    await until_failed(client.observer, "A")
    before = failed(client.observer, "A")
    client.leave()
    again = await world.join()
    await until(again.observer, lambda one: not one.state.failed)
    again.script = failing("A")
    await world.append("A")
    await until_failed(again.observer, "A")
    after = failed(again.observer, "A")
    assert after.id != before.id
    assert len(after.attempts) == 1


@pytest.mark.row("O36")
async def test_what_came_meanwhile_is_delivered_after_the_recovery_in_order_and_once(
    retrying_world: World,
) -> None:
    client = await retrying_world.join(failing_times(5))
    for _ in range(40):
        await retrying_world.append("A B")
    await handled(client.observer, 79)
    assert not client.observer.state.failed
    succeeded = client.numbers_of("A"), client.numbers_of("B")
    assert succeeded == (list(range(0, 80, 2)), list(range(1, 80, 2)))


async def test_a_partition_with_much_to_recover_is_done_in_batches(world: World) -> None:
    client = await world.join(failing("A"))
    await world.append("A")
    await until_failed(client.observer, "A")
    await world.append("A " * 34 + "B")
    await handled(client.observer, 35)
    client.leave()
    again = await world.join()
    await until(again.observer, lambda one: not one.state.failed)
    assert again.delivered == [
        ("A", list(range(10))),
        ("A", list(range(10, 20))),
        ("A", list(range(20, 30))),
        ("A", list(range(30, 35))),
    ]
    assert again.observer.state.handled_count == 36


@pytest.mark.row("O47")
async def test_a_recovery_that_gets_some_way_keeps_it(world: World) -> None:
    client = await world.join(failing("A"))
    await world.append("A A A B")
    await handled(client.observer, 3)
    client.leave()
    again = await world.join(lambda batch: fail(batch, after=1))
    await until_failed(again.observer, "A", attempts=2)
    first = failed(again.observer, "A")
    assert [attempt.sequence_number for attempt in first.attempts] == [0, 2]
    again.leave()
    last = await world.join()
    await until(last.observer, lambda one: not one.state.failed)
    assert last.delivered == [("A", [2])]
    assert last.observer.state.last_handled == 3


@pytest.mark.row("O48")
async def test_recovering_does_not_take_the_observer_back(world: World) -> None:
    client = await world.join(failing("A"))
    await world.append("A B")
    await handled(client.observer, 1)
    client.leave()
    again = await world.join()
    await until(again.observer, lambda one: not one.state.failed)
    assert (again.observer.state.last_handled, again.observer.state.next_number) == (1, 2)


@pytest.mark.row("O42")
async def test_after_enough_attempts_a_partition_waits_for_the_next_to_subscribe(
    open_world: OpenWorld,
) -> None:
    world = await open_world(replace(AT_ONCE, max_retry_attempts=3))
    client = await world.join(failing("A"))
    await world.append("A")
    await until_failed(client.observer, "A", attempts=4)
    await world.append("B")
    await handled(client.observer, 1)
    assert [partition for partition, _ in client.delivered] == ["A"] * 4 + ["B"]
    client.leave()
    again = await world.join()
    await until(again.observer, lambda one: not one.state.failed)
    assert again.delivered == [("A", [0])]


@pytest.mark.row("O44")
async def test_whoever_subscribes_is_given_what_failed_at_once(world: World) -> None:
    client = await world.join(failing("A", "B"))
    await world.append("A B A")
    await until_failed(client.observer, "A", "B")
    client.leave()
    again = await world.join()
    await until(again.observer, lambda one: not one.state.failed)
    assert sorted(again.delivered) == [("A", [0, 2]), ("B", [1])]


@pytest.mark.row("O44")
async def test_a_second_client_that_joins_lets_failed_partitions_be_tried_again(world: World) -> None:
    first = await world.join(failing("A"))
    await world.append("A")
    await until_failed(first.observer, "A")
    first.script = succeed
    await world.join(connection="another")
    await until(first.observer, lambda one: not one.state.failed)


@pytest.mark.row("O45")
async def test_a_failure_at_an_event_that_nobody_wants_any_more_is_dropped(world: World) -> None:
    client = await world.join(failing("A"))
    await world.append("A B")
    await handled(client.observer, 1)
    client.leave()
    again = await world.join(event_types=("other",))
    await until(again.observer, lambda one: not one.state.failed)
    assert again.delivered == []


@pytest.mark.row("O158")
async def test_failures_of_two_observers_have_nothing_to_do_with_each_other(world: World) -> None:
    one = await world.join(failing("A"), observer="one")
    two = await world.join(failing("A"), observer="two")
    await world.append("A")
    await until_failed(one.observer, "A")
    await until_failed(two.observer, "A")
    assert failed(one.observer, "A").id != failed(two.observer, "A").id
    one.leave()
    again = await world.join(observer="one")
    await until(again.observer, lambda observer: not observer.state.failed)
    await until_failed(two.observer, "A")


async def test_leaving_in_the_middle_of_a_recovery_is_no_further_failure(world: World) -> None:
    client = await world.join(failing("A"))
    await world.append("A")
    await until_failed(client.observer, "A")
    client.leave()
    waiting = await world.join(lambda _: None)
    await waiting.until(lambda one: bool(one.waiting))
    waiting.leave()
    assert len(failed(waiting.observer, "A").attempts) == 1
    last = await world.join()
    await until(last.observer, lambda one: not one.state.failed)
    assert last.delivered == [("A", [0])]


@pytest.mark.row("O152")
async def test_a_delivery_that_raises_fails_its_partitions_and_the_loop_goes_on(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    client = await world.join()
    subscription = client.observer.subscription
    assert subscription is not None
    targets = subscription.targets

    class Broken(Targets):
        async def deliver(self, batches: object) -> list[Outcome]:
            raise RuntimeError("the sink is gone") from OSError("disk")

    subscription.subscriber = Broken()
    await world.append("A A")
    await until_failed(client.observer, "A")
    (attempt,) = failed(client.observer, "A").attempts
    assert attempt.sequence_number == 0
    assert attempt.messages == ("the sink is gone", "disk")
    assert "RuntimeError" in attempt.stack_trace
    subscription.subscriber = targets
    await world.append("B")
    await handled(client.observer, 2)
    assert "could not deliver" in caplog.text


@pytest.mark.row("O159", "O145")
async def test_failures_and_positions_outlive_the_kernel(open_world: OpenWorld) -> None:
    world = await open_world()
    client = await world.join(failing("A"))
    await world.append("A B A B")
    await handled(client.observer, 3)
    before = failed(client.observer, "A")
    world = await open_world()
    observer = await world.observer()
    state = observer.state
    assert observer.running_state is RunningState.DISCONNECTED
    assert (state.next_number, state.last_handled, state.handled_count) == (4, 3, 2)
    assert failed(observer, "A") == before
    client = await world.join()
    await until(observer, lambda one: not one.state.failed)
    assert client.delivered == [("A", [0, 2])]
    world = await open_world()
    assert not (await world.observer()).state.failed


async def test_a_failure_outlives_the_kernel_when_nothing_else_was_handled(open_world: OpenWorld) -> None:
    world = await open_world()
    client = await world.join(failing("A"))
    await world.append("A A")
    await until_failed(client.observer, "A")
    world = await open_world()
    client = await world.join()
    await until(client.observer, lambda one: not one.state.failed)
    assert client.delivered == [("A", [0, 1])]
    assert client.observer.state.next_number == 2


@pytest.mark.row("O46")
async def test_a_failure_stays_when_its_events_cannot_be_read(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = await world.join(failing("A"))
    await world.append("A")
    await until_failed(client.observer, "A")
    client.leave()
    is_asked = asyncio.Event()

    async def broken(*_: object, **__: object) -> None:
        is_asked.set()
        raise OSError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(world.log, "read", broken)
        again = await world.join()
        await is_asked.wait()
        await world.append("B")
        await handled(again.observer, 1)
    assert len(failed(again.observer, "A").attempts) == 1
    assert "could not read" in caplog.text


def test_settings_of_the_tests_differ_in_when_they_retry_only() -> None:
    assert replace(AT_ONCE, backoff_delay=1e6, maximum_backoff_delay=1e6) == NEVER
