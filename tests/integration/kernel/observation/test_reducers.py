"""Reducers: what they start from, what is stored of what they come to, and when (observation.md 5)."""

import asyncio
import json
import sqlite3
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chronicle.kernel.kernel import Kernel
from chronicle.kernel.observation import Batch, ObservationSettings, ObservationState, Outcome
from chronicle.kernel.read_models import ReadModelDefinition
from chronicle.kernel.storage.read_models import StoredInstance
from chronicle.values import UNAVAILABLE
from tests.integration.kernel.observation.conftest import AT_ONCE, OpenWorld
from tests.integration.kernel.observation.scripted import Script, World, event, fail, handled, succeed, until

MODEL = "Account"
SCHEMA = json.dumps(
    {"type": "object", "properties": {"seen": {"type": "array", "items": {"type": "integer"}}}}
)


async def register(world: World, *, schema: str = SCHEMA, container: str = "") -> None:
    definition = ReadModelDefinition(MODEL, container=container, sink_type="MongoDB")
    await world.namespace.store.read_models.register([(definition, schema)])


def reduce(batch: Batch) -> Outcome:
    """A reducer that keeps the numbers of what it has seen."""
    state = json.loads(batch.initial_state) if batch.initial_state else {"seen": []}
    state["seen"] += [event.number for event in batch.events]
    return succeed(batch)._replace(read_model=json.dumps(state))


def answer(state: str | None) -> Script:
    return lambda batch: succeed(batch)._replace(read_model=state)


async def instance(world: World, key: str, container: str = MODEL) -> StoredInstance | None:
    return (await world.namespace.sinks.container(container).instances([key])).get(key)


async def seen(world: World, key: str) -> list[int]:
    found = await instance(world, key)
    return [] if found is None else json.loads(found.document)["seen"]


@pytest.mark.row("O63", "O64", "O11")
async def test_a_reducer_goes_on_from_the_state_that_it_came_to(world: World) -> None:
    await register(world)
    await world.append("A A")
    client = await world.join(reduce, read_model=MODEL)
    await handled(client.observer, 1)
    await world.append("A")
    await handled(client.observer, 2)
    assert [batch.initial_state for batch in client.batches] == [None, '{"seen": [0, 1]}']
    assert await instance(world, "A") == StoredInstance("A", '{"seen": [0, 1, 2]}', 2)


async def test_the_state_is_stored_before_the_observer_has_moved(world: World) -> None:
    await register(world)
    client = await world.join(reduce, read_model=MODEL)
    for number in range(20):
        await world.append("A")
        await handled(client.observer, number)
        assert await seen(world, "A") == list(range(number + 1))


async def test_catching_up_reduces_every_source_once_and_in_order(world: World) -> None:
    await register(world)
    await world.append("A B C A " * 40)
    client = await world.join(reduce, read_model=MODEL)
    await handled(client.observer, 159)
    assert await seen(world, "A") == [number for number in range(160) if number % 4 in (0, 3)]
    assert await seen(world, "B") == list(range(1, 160, 4))


@pytest.mark.row("O65", "O167")
@pytest.mark.parametrize("nothing", [None, ""])
async def test_no_state_removes_the_instance_and_the_next_event_starts_from_nothing(
    world: World, nothing: str | None
) -> None:
    await register(world)
    client = await world.join(reduce, read_model=MODEL)
    await world.append("A")
    await handled(client.observer, 0)
    client.script = answer(nothing)
    await world.append("A")
    await handled(client.observer, 1)
    assert await instance(world, "A") is None
    await world.append("A")
    await handled(client.observer, 2)
    assert client.batches[-1].initial_state is None
    assert await instance(world, "A") is None


@pytest.mark.row("O66", "O166")
async def test_a_failure_leaves_the_state_and_the_whole_batch_is_reduced_again(world: World) -> None:
    await register(world)
    client = await world.join(reduce, read_model=MODEL)
    await world.append("A")
    await handled(client.observer, 0)
    client.script = lambda batch: fail(batch, after=1)
    await world.append("A A A")
    await until(client.observer, lambda one: bool(one.state.failed))
    (failure,) = client.observer.state.failed
    assert failure.sequence_number == 1
    assert client.observer.state.next_number == 1
    assert await seen(world, "A") == [0]
    client.leave()
    again = await world.join(reduce, read_model=MODEL)
    await handled(again.observer, 3)
    assert again.delivered == [("A", [1, 2, 3])]
    assert await seen(world, "A") == [0, 1, 2, 3]


@pytest.mark.row("O66", "O148")
async def test_an_answer_without_a_state_of_its_own_changes_no_instance(world: World) -> None:
    await register(world)
    client = await world.join(reduce, read_model=MODEL)
    await world.append("A")
    await handled(client.observer, 0)
    client.script = lambda batch: Outcome(ObservationState.NONE, batch.events[-1].number)
    await world.append("A")
    await handled(client.observer, 1)
    assert await seen(world, "A") == [0]


@pytest.mark.row("O168")
async def test_an_unchanged_state_is_not_written_and_the_position_moves(world: World) -> None:
    await register(world)
    client = await world.join(reduce, read_model=MODEL)
    await world.append("A")
    await handled(client.observer, 0)
    client.script = answer('{ "seen" : [0] }')
    await world.append("A")
    await handled(client.observer, 1)
    assert await instance(world, "A") == StoredInstance("A", '{"seen": [0]}', 0)


@pytest.mark.row("O69")
async def test_what_an_instance_contains_is_not_reduced_into_it_again(world: World) -> None:
    await register(world)
    await world.append("A A")
    first = await world.join(reduce, read_model=MODEL)
    await handled(first.observer, 1)
    await world.append("A")
    await handled(first.observer, 2)
    # Another reducer of the same model begins at the first event.
    second = await world.join(reduce, read_model=MODEL, observer="renamed")
    await world.append("B")
    await handled(second.observer, 3)
    assert await seen(world, "A") == [0, 1, 2]
    assert [partition for partition, _ in second.delivered] == ["B"]


@pytest.mark.parametrize("state", ["[]", "7", "{"])
async def test_a_state_that_is_no_object_fails_the_partition(world: World, state: str) -> None:
    await register(world)
    client = await world.join(answer(state), read_model=MODEL)
    await world.append("A")
    await until(client.observer, lambda one: bool(one.state.failed))
    (failure,) = client.observer.state.failed
    assert "The state of a read model" in failure.attempts[0].messages[0]
    assert await instance(world, "A") is None


async def test_only_what_the_schema_declares_is_kept_in_its_spelling(world: World) -> None:
    schema = {
        "properties": {"id": {"type": "string"}, "owner": {"type": "string"}, "limit": {"type": ["null"]}}
    }
    await register(world, schema=json.dumps(schema))
    client = await world.join(answer('{"Owner":"Anna","secret":1,"limit":null}'), read_model=MODEL)
    await world.append("A")
    await handled(client.observer, 0)
    found = await instance(world, "A")
    assert found is not None
    assert json.loads(found.document) == {"id": "A", "owner": "Anna"}


async def test_a_schema_that_is_registered_anew_holds_for_the_next_event(world: World) -> None:
    await register(world, schema='{"properties":{"owner":{"type":"string"}}}')
    client = await world.join(answer('{"owner":"Anna","limit":5}'), read_model=MODEL)
    await world.append("A")
    await handled(client.observer, 0)
    await register(world, schema='{"properties":{"owner":{"type":"string"},"limit":{"type":"integer"}}}')
    await world.append("A")
    await handled(client.observer, 1)
    found = await instance(world, "A")
    assert found is not None
    assert json.loads(found.document) == {"owner": "Anna", "limit": 5}


async def test_read_models_with_one_container_share_it(world: World) -> None:
    await register(world, container="accounts")
    client = await world.join(reduce, read_model=MODEL)
    await world.append("A")
    await handled(client.observer, 0)
    assert await instance(world, "A", "accounts") is not None
    assert await instance(world, "A") is None


async def test_success_without_a_number_writes_what_changed_and_does_not_move(world: World) -> None:
    await register(world)
    client = await world.join(
        lambda batch: Outcome(ObservationState.SUCCESS, UNAVAILABLE, read_model='{"seen":[7]}'),
        read_model=MODEL,
    )
    await world.append("A")
    await client.until(lambda one: bool(one.answered))
    client.script = reduce
    await world.append("B")
    await handled(client.observer, 1)
    assert await seen(world, "A") == [7]
    assert client.observer.state.handled_count == 1


async def test_instances_outlive_the_kernel_and_reducing_goes_on(open_world: OpenWorld) -> None:
    world = await open_world()
    await register(world)
    client = await world.join(reduce, read_model=MODEL)
    await world.append("A B A")
    await handled(client.observer, 2)
    world = await open_world()
    await world.append("A B")
    client = await world.join(reduce, read_model=MODEL)
    await handled(client.observer, 4)
    assert sorted(client.delivered) == [("A", [3]), ("B", [4])]
    assert await seen(world, "A") == [0, 2, 3]
    assert await seen(world, "B") == [1, 4]


@settings(max_examples=40, deadline=None)
@given(
    appends=st.lists(st.text("ABC", min_size=1, max_size=8), min_size=1, max_size=6),
    answers=st.lists(st.booleans(), max_size=20),
    crash_at=st.integers(1, 12),
)
def test_a_crash_at_any_moment_neither_loses_nor_repeats_an_event(
    appends: list[str], answers: list[bool], crash_at: int
) -> None:
    asyncio.run(asyncio.wait_for(_crash(appends, answers, crash_at), 20))


async def _crash(appends: list[str], answers: list[bool], crash_at: int) -> None:
    """Lets a reducer that fails at times run, and goes on with what was on the disk at its n-th delivery."""
    observation = replace(AT_ONCE, page_size=5, behind_from=4, batch_size=2)
    plan = iter(answers)
    deliveries = 0
    with TemporaryDirectory() as folder:
        path, crashed = Path(folder) / "world.db", Path(folder) / "crashed.db"

        def script(batch: Batch) -> Outcome:
            nonlocal deliveries
            deliveries += 1
            if deliveries == crash_at:
                _copy(path, crashed)
            return reduce(batch) if next(plan, True) else fail(batch)

        async with AsyncExitStack() as opened:
            world = await _open(opened, path, script, observation)
            for sources in appends:
                await world.append(" ".join(sources))
            await world.close()
            if not crashed.exists():
                _copy(path, crashed)
        async with AsyncExitStack() as opened:
            world = await _open(opened, crashed, reduce, observation)
            observer = await world.observer()
            count = len(await world.log.read())
            await until(observer, lambda one: one.state.next_number >= count and not one.state.failed)
            for source in "ABC":
                expected = [one.number for one in await world.log.read() if one.event_source_id == source]
                assert await seen(world, source) == expected


async def _open(
    opened: AsyncExitStack, path: Path, script: Script, observation: ObservationSettings
) -> World:
    kernel = await opened.enter_async_context(await Kernel.open(path, observation=observation))
    world = await World.of(kernel)
    opened.push_async_callback(world.close)
    await register(world)
    await world.join(script, read_model=MODEL)
    return world


def _copy(path: Path, target: Path) -> None:
    """What a crash would leave: all that was committed, and nothing else."""
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


async def test_a_live_event_and_its_content_reach_the_reducer(world: World) -> None:
    await register(world)
    client = await world.join(reduce, read_model=MODEL)
    await world.append(event("A", content='{"amount":5}'))
    await handled(client.observer, 0)
    assert client.batches[0].events[0].content == '{"amount":5}'
