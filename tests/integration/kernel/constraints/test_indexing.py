"""Constraints that are added or changed when there are events already (events.md 7.5)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from chronicle.kernel.constraints import Constraints, UniqueConstraint, UniqueProperties, indexing
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.storage.events import StoredEvent
from tests.integration.kernel.constraints.events import Event, Log, open_store

EMAIL = UniqueConstraint("email", (UniqueProperties("registered", ("email",)),), removed_with=("left",))
IGNORING = UniqueConstraint(
    "email", (UniqueProperties("registered", ("email",)),), removed_with=("left",), ignore_casing=True
)


@pytest.fixture
async def log(kernel: Kernel) -> Log:
    return Log(await open_store(kernel))


@pytest.mark.row("E70")
async def test_values_of_older_events_are_held_in_every_sequence_and_namespace(log: Log) -> None:
    logs = [log, Log(log.store, "north"), Log(log.store, sequence="second")]
    for one in logs:
        await one.append("a", "registered", email="x")
    await log.store.constraints.register([EMAIL])
    for one in logs:
        (refused,) = await one.append("b", "registered", email="x")
        assert refused.number == 0


async def test_what_was_given_up_is_free(log: Log) -> None:
    await log.append_many(
        Event("a", "registered", {"email": "x"}),
        Event("a", "registered", {"email": "y"}),
        Event("b", "registered", {"email": "z"}),
        Event("b", "left"),
        Event("c", "registered", {"email": "held"}),
        Event("c", "noted"),
    )
    await log.store.constraints.register([EMAIL])
    for free in "xz":
        assert not await log.append("d", "registered", email=free)
    for held in ("y", "held"):
        assert await log.append("e", "registered", email=held)


async def test_of_duplicates_the_first_source_that_still_has_the_value_keeps_it(log: Log) -> None:
    await log.append_many(
        Event("a", "registered", {"email": "x"}),
        Event("b", "registered", {"email": "x"}),
        Event("c", "registered", {"email": "x"}),
        Event("a", "left"),
    )
    await log.store.constraints.register([EMAIL])
    (refused,) = await log.append("d", "registered", email="x")
    assert refused.number == 1
    assert not await log.append("b", "registered", email="x")
    assert await log.append("c", "registered", email="x")


async def test_empty_texts_are_passed_over_for_they_may_be_erased_values(log: Log) -> None:
    await log.append("a", "registered", email="")
    await log.store.constraints.register([EMAIL])
    assert not await log.append("b", "registered", email="")


@pytest.mark.row("E71")
async def test_a_changed_constraint_is_indexed_anew_and_the_old_index_goes(log: Log) -> None:
    await log.store.constraints.register([EMAIL])
    await log.append("a", "registered", email="X")
    assert not await log.append("b", "registered", email="y")
    await log.store.constraints.register([IGNORING])
    assert await log.append("c", "registered", email="x")
    namespace = await log.store.namespace("Default")
    held = await namespace._database.read(
        lambda connection: connection.execute("SELECT constraint_id, number FROM unique_values").fetchall()
    )
    assert sorted(number for _, number in held) == [0, 1]
    assert len({constraint for constraint, _ in held}) == 1


@pytest.mark.row("E71")
async def test_an_equal_constraint_is_not_indexed_again(log: Log) -> None:
    await log.store.constraints.register([EMAIL])
    revision = log.store.constraints.changes.revision
    await log.store.constraints.register([EMAIL])
    assert log.store.constraints.changes.revision == revision


@pytest.mark.row("E72")
async def test_constraints_that_are_not_mentioned_stay_in_force(log: Log) -> None:
    phone = UniqueConstraint("phone", (UniqueProperties("registered", ("phone",)),))
    await log.store.constraints.register([EMAIL])
    await log.append("a", "registered", email="x", phone="1")
    await log.store.constraints.register([phone])
    refused = await log.append("b", "registered", email="x", phone="1")
    assert {one.constraint_name for one in refused} == {"email", "phone"}


@pytest.mark.parametrize("numbers_at_once", [1, 7])
async def test_events_that_come_while_older_ones_are_indexed_are_in_the_index_too(
    log: Log, monkeypatch: pytest.MonkeyPatch, numbers_at_once: int
) -> None:
    monkeypatch.setattr(indexing, "RANGE", numbers_at_once)
    await log.append_many(*(Event(f"a{n}", "registered", {"email": f"a{n}"}) for n in range(40)))
    registering = asyncio.create_task(log.store.constraints.register([EMAIL]))
    appended = 0
    while not registering.done():
        assert not await log.append(f"b{appended}", "registered", email=f"b{appended}")
        appended += 1
    await registering
    for email in [*(f"a{n}" for n in range(40)), *(f"b{n}" for n in range(appended))]:
        assert await log.append("c", "registered", email=email), email


async def test_a_value_is_not_lost_to_one_who_takes_it_while_it_is_indexed(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether `b` gets through depends on how far the index is; in the end it is `a` who holds the value."""
    monkeypatch.setattr(indexing, "RANGE", 1)
    await log.append_many(*(Event("other", "noted") for _ in range(20)))
    await log.append_many(Event("a", "registered", {"email": "x"}), Event("c", "registered", {"email": "y"}))
    registering = asyncio.create_task(log.store.constraints.register([EMAIL]))
    while not registering.done():
        await log.append("b", "registered", email="x")
        await log.append("c", "left")
        await log.append("d", "registered", email="y")
    await registering
    (refused,) = await log.append("e", "registered", email="x")
    assert refused.number == 20
    (refused,) = await log.append("e", "registered", email="y")
    assert refused.number != 21


async def test_content_is_released_before_it_is_indexed(log: Log) -> None:
    asked: list[tuple[str, int]] = []

    async def release(namespace: str, events: Sequence[StoredEvent]) -> Sequence[str]:
        asked.extend((namespace, event.number) for event in events)
        return ['{"email": "in the clear"}' for _ in events]

    namespace = await log.store.namespace("Default")
    constraints = Constraints(namespace._database, event_store_id=log.store.id, stored=(), release=release)
    await log.append_many(Event("a", "noted"), Event("a", "registered", {"email": "sealed"}))
    await constraints.register([EMAIL])
    assert asked == [("Default", 1)]
    held = await namespace._database.read(
        lambda connection: connection.execute("SELECT event_source_id FROM unique_values").fetchall()
    )
    assert held == [("a",)]


@pytest.mark.parametrize("failing", ["sequences", "bring_into_force"])
async def test_a_registration_that_fails_changes_nothing_and_can_be_repeated(
    log: Log, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    await log.store.constraints.register([EMAIL])
    await log.append("a", "registered", email="X")

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(f"chronicle.kernel.storage.constraints.{failing}", fail)
        with pytest.raises(OSError, match="disk full"):
            await log.store.constraints.register([IGNORING])
    assert log.store.constraints.all() == [EMAIL]
    assert not await log.append("b", "registered", email="x")
    assert await log.append("c", "registered", email="X")
    await log.store.constraints.register([IGNORING])
    (refused,) = await log.append("c", "registered", email="x")
    assert refused.number == 0


OpenKernel = Callable[[], Awaitable[Kernel]]


async def test_the_index_is_there_after_a_restart(open_kernel: OpenKernel, tmp_path: Path) -> None:
    log = Log(await open_store(await open_kernel(), EMAIL))
    await log.append("a", "registered", email="x")
    log = Log(await open_store(await open_kernel()))
    assert log.store.constraints.all() == [EMAIL]
    assert await log.append("b", "registered", email="x")
    await log.append("a", "left")
    assert not await log.append("b", "registered", email="x")


async def test_numbers_of_older_events_are_the_values_that_they_were(log: Log) -> None:
    numbers: list[Any] = [1.5, 1e16, 1e-9, 2**70, [2**70, 1.5], {"b": 1e16, "a": 1.5}]
    for source, number in enumerate(numbers):
        await log.append(f"source-{source}", "registered", email=number)
    await log.store.constraints.register([EMAIL])
    for source, number in enumerate(numbers):
        (refused,) = await log.append("another", "registered", email=number)
        assert refused.number == source
