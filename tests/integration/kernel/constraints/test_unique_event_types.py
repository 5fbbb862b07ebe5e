"""Unique event types: of which a source has at most one event (events.md 7.3)."""

import asyncio

import pytest

from chronicle.kernel.constraints import ConstraintType, ConstraintViolation, UniqueEventTypeConstraint
from chronicle.kernel.kernel import Kernel
from tests.integration.kernel.constraints.events import Event, Log, open_store

ONCE = UniqueEventTypeConstraint("once", ("registered", "moved"), removed_with=("left", "banned"))


@pytest.fixture
async def log(kernel: Kernel) -> Log:
    return Log(await open_store(kernel, ONCE))


def taken(event_type: str, number: int) -> ConstraintViolation:
    return ConstraintViolation(
        event_type,
        ConstraintType.UNIQUE_EVENT_TYPE,
        "once",
        f"Event '{event_type}' violated a unique event type constraint on sequence number {number}",
        number,
    )


@pytest.mark.row("E66", "S39")
async def test_a_source_has_one_event_of_the_type_and_another_source_another(log: Log) -> None:
    await log.append("other", "noted")
    assert not await log.append("a", "registered")
    assert await log.append("a", "registered") == [taken("registered", 1)]
    assert not await log.append("b", "registered")


@pytest.mark.row("E67")
async def test_types_under_one_name_exclude_each_other(log: Log) -> None:
    await log.append("a", "moved")
    assert await log.append("a", "registered") == [taken("registered", 0)]


@pytest.mark.row("E68", "E69")
@pytest.mark.parametrize("removal", ["left", "banned"])
async def test_after_a_removal_there_may_be_one_again(log: Log, removal: str) -> None:
    await log.append("a", "registered")
    await log.append("b", removal)
    assert await log.append("a", "moved") == [taken("moved", 0)]
    await log.append("a", removal)
    assert not await log.append("a", "moved")
    assert await log.append("a", "registered") == [taken("registered", 3)]


@pytest.mark.row("E155")
async def test_two_in_one_batch_are_both_stored(log: Log) -> None:
    assert not await log.append_many(Event("a", "registered"), Event("a", "moved"))
    assert await log.append("a", "registered") == [taken("registered", 0)]


async def test_appends_that_share_a_job_see_each_others_events(log: Log) -> None:
    refused = await asyncio.gather(
        log.append("a", "registered"),
        log.append("a", "registered"),
        log.append("a", "left"),
        log.append("a", "registered"),
    )
    assert [len(violations) for violations in refused] == [0, 1, 0, 0]


async def test_events_that_are_older_than_the_constraint_count(kernel: Kernel) -> None:
    log = Log(await open_store(kernel))
    await log.append("a", "registered")
    await log.store.constraints.register([ONCE])
    assert await log.append("a", "registered") == [taken("registered", 0)]
