"""Appending and reading through a client, on the embedded kernel."""

import asyncio
from uuid import UUID

import pytest

from chronicle.client import ChronicleClient
from chronicle.context import Identity, causation, correlation, identity
from chronicle.errors import ConcurrencyError
from chronicle.event_sequences.concurrency import ConcurrencyScope
from chronicle.event_sequences.event_for import EventFor
from chronicle.event_sequences.event_sequence import EventSequence
from chronicle.event_store import EventStore
from tests.integration.client.bank import AccountOpened, FundsDeposited


@pytest.fixture
def log(store: EventStore) -> EventSequence:
    return store.event_log


@pytest.mark.row("S33", "S56", "S58", "E1", "E2")
async def test_numbers_begin_at_zero_and_follow_each_other(log: EventSequence) -> None:
    assert (await log.tail(), await log.next_sequence_number()) == (None, 0)
    assert not await log.has_events_for("a")
    assert (await log.append("a", AccountOpened(owner="Alice"))).sequence_number == 0
    batch = [EventFor("b", FundsDeposited(1)), EventFor("a", FundsDeposited(2))]
    assert (await log.append_many(batch)).sequence_numbers == (1, 2)
    assert (await log.tail(), await log.tail("b"), await log.next_sequence_number()) == (2, 1, 3)
    assert await log.has_events_for("b")


@pytest.mark.row("S55")
async def test_events_of_a_source_come_back_in_order_and_by_type(log: EventSequence) -> None:
    await log.append("a", AccountOpened(owner="Alice"))
    await log.append_many([EventFor("b", FundsDeposited(1)), EventFor("a", FundsDeposited(2))])
    assert [one.event for one in await log.events_for("a")] == [
        AccountOpened(owner="Alice"),
        FundsDeposited(2),
    ]
    assert [one.event for one in await log.events_for("a", FundsDeposited)] == [FundsDeposited(2)]


@pytest.mark.row("S83", "S86", "E13")
async def test_what_was_ambient_comes_back_with_the_event(log: EventSequence) -> None:
    alice = Identity("subject-1", "Alice", "alice", on_behalf_of=Identity("subject-2", "Bank", "bank"))
    with correlation(UUID(int=7)), identity(alice), causation("request", path="/deposits"):
        await log.append("a", FundsDeposited(1), tags=["cash"])
    (appended,) = await log.events_from(0)
    context = appended.context
    assert context.correlation_id == UUID(int=7)
    assert context.caused_by == alice
    assert [entry.type for entry in context.causation] == ["Root", "request", "PythonClient.Append"]
    assert context.causation[1].properties == {"path": "/deposits"}
    assert context.tags == ("cash",)
    assert (context.event_store, context.namespace) == ("bank", "Default")


@pytest.mark.row("S43", "S45", "S46")
async def test_a_scope_that_no_longer_holds_stores_nothing(log: EventSequence) -> None:
    nothing_yet = ConcurrencyScope.at(await log.tail("a")).for_source()
    await log.append("a", FundsDeposited(1), concurrency=nothing_yet)
    await log.append("b", FundsDeposited(1), concurrency=nothing_yet)
    with pytest.raises(ConcurrencyError) as raised:
        await log.append("a", FundsDeposited(2), concurrency=nothing_yet)
    (violation,) = raised.value.violations
    assert (violation.event_source_id, violation.expected_sequence_number) == ("a", None)
    assert violation.actual_sequence_number == 0
    assert await log.tail() == 1


async def test_of_many_writers_with_one_expectation_one_succeeds(log: EventSequence) -> None:
    scope = ConcurrencyScope.expect_none().for_source()
    results = await asyncio.gather(
        *(log.try_append("a", FundsDeposited(amount), concurrency=scope) for amount in range(20))
    )
    assert [result.is_success for result in results].count(True) == 1


async def test_reading_goes_through_a_sequence_of_any_length_in_pages(log: EventSequence) -> None:
    for start in range(0, 2500, 500):
        await log.append_many(
            [EventFor(f"account-{n % 7}", FundsDeposited(n)) for n in range(start, start + 500)]
        )
    await log.append("z", AccountOpened(owner="Zoe"))
    amounts = [one.event.amount async for one in log.read(event_types=[FundsDeposited], page_size=300)]
    assert amounts == list(range(2500))
    # A page of 300 numbers holds none, or one, of what is asked for here.
    assert [one.event async for one in log.read(event_types=[AccountOpened], page_size=300)] == [
        AccountOpened(owner="Zoe")
    ]
    of_one = [one.event.amount async for one in log.read(1000, to=1999, event_source_id="account-3")]
    assert of_one == [n for n in range(1000, 2000) if n % 7 == 3]


async def test_sequences_and_namespaces_are_apart(store: EventStore, client: ChronicleClient) -> None:
    other = store.event_sequence("other")
    assert other is store.event_sequence("other")
    assert store.event_sequence("event-log") is store.event_log
    tenant = await client.event_store("bank", "tenant", store.artifacts)
    await other.append("a", FundsDeposited(1))
    await tenant.event_log.append("a", FundsDeposited(2))
    assert await store.event_log.tail() is None
    assert [one.event for one in await other.events_from(0)] == [FundsDeposited(1)]


@pytest.mark.row("S65", "S70", "S79", "S180")
async def test_a_unit_of_work_stores_all_or_nothing(store: EventStore) -> None:
    async with store.unit_of_work() as unit:
        unit.append("a", FundsDeposited(1))
        store.event_log.transactional.append("b", FundsDeposited(2))
        assert await store.event_log.tail() is None
    stored = await store.event_log.events_from(0)
    assert [one.context.event_source_id for one in stored] == ["a", "b"]
    assert [entry.type for entry in stored[0].context.causation] == ["Root", "TransactionalEventSequence"]
    rolled_back = store.begin_unit_of_work()
    rolled_back.append("c", FundsDeposited(3))
    await rolled_back.rollback()
    assert await store.event_log.tail() == 1


@pytest.mark.row("S168", "S169")
async def test_a_unit_of_work_with_a_stale_scope_stores_nothing(store: EventStore) -> None:
    await store.event_log.append("rates", FundsDeposited(1))
    unit = store.begin_unit_of_work()
    unit.expect("rates", ConcurrencyScope.expect_none().for_source())
    unit.append("a", FundsDeposited(2))
    with pytest.raises(ConcurrencyError):
        await unit.commit()
    assert unit.is_completed
    assert not unit.is_success
    assert await store.event_log.tail() == 0


async def test_cancelling_an_append_anywhere_leaves_the_sequence_usable(log: EventSequence) -> None:
    for turns in range(12):
        appending = asyncio.create_task(log.append("a", FundsDeposited(turns)))
        for _ in range(turns):
            await asyncio.sleep(0)
        appending.cancel()
        await asyncio.gather(appending, return_exceptions=True)
    last = await log.append("a", FundsDeposited(99))
    numbers = [one.context.sequence_number for one in await log.events_from(0)]
    assert numbers == list(range(len(numbers)))
    assert numbers[-1] == last.sequence_number
