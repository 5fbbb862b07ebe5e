"""Units of work through the client: collected, then stored together or not at all (events.md 12)."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from chronicle import (
    AppendError,
    Causation,
    ChronicleClient,
    ConcurrencyError,
    ConcurrencyScope,
    ConcurrencyScopeError,
    EventFor,
    EventStore,
    NotRunningError,
    NoUnitOfWorkError,
    PartialCommitError,
    UnitOfWork,
    UnitOfWorkCompletedError,
    UnknownEventTypeError,
    current_unit_of_work,
    has_current_unit_of_work,
)
from chronicle.values import UNAVAILABLE
from tests.conformance.bank import BANK, AccountClosed, AccountOpened, FundsDeposited, FundsWithdrawn, NoEvent
from tests.conformance.kernels import KernelUnderTest
from tests.conformance.raw import RawStore

TEN = Decimal(10)
DEPOSIT, WITHDRAWAL = FundsDeposited(amount=TEN), FundsWithdrawn(amount=TEN)


async def stored(store: EventStore) -> list[tuple[str, object]]:
    return [(event.event_source_id, event.event) for event in await store.event_log.events_from(0)]


@pytest.mark.row("S65", "S180", "E124")
async def test_given_an_open_unit_when_appended_to_and_committed_then_the_events_are_one_batch_in_order(
    bank: EventStore, raw_bank: RawStore
) -> None:
    async with bank.unit_of_work():
        bank.event_log.transactional.append("alice", WITHDRAWAL)
        bank.event_log.transactional.append("alice", DEPOSIT)
        assert await raw_bank.tail() == UNAVAILABLE
    assert await stored(bank) == [("alice", WITHDRAWAL), ("alice", DEPOSIT)]
    events = await raw_bank.read()
    for event in events:
        (entry,) = (cause for cause in event.Context.Causation if cause.Type == "TransactionalEventSequence")
        assert dict(entry.Properties) == {"eventSequenceId": "event-log"}
    # One append has one chain, down to its times.
    assert events[0].Context.Causation == events[1].Context.Causation


@pytest.mark.row("S66", "E124")
async def test_given_an_open_unit_when_rolled_back_then_nothing_is_sent_and_it_is_over(
    bank: EventStore,
) -> None:
    told: list[UnitOfWork] = []
    unit = bank.begin_unit_of_work()
    unit.on_completed(told.append)
    unit.append("alice", DEPOSIT)
    await unit.rollback()
    assert told == [unit]
    assert not has_current_unit_of_work()
    assert unit.is_completed
    assert await stored(bank) == []


@pytest.mark.row("S67", "E124")
async def test_given_a_committed_unit_when_used_again_then_the_error_says_that_it_is_committed(
    bank: EventStore,
) -> None:
    unit = bank.begin_unit_of_work()
    unit.append("alice", DEPOSIT)
    await unit.commit()
    with pytest.raises(UnitOfWorkCompletedError, match="already committed"):
        await unit.commit()
    with pytest.raises(UnitOfWorkCompletedError, match="already committed"):
        await unit.rollback()
    with pytest.raises(UnitOfWorkCompletedError, match="already committed"):
        unit.append("alice", DEPOSIT)
    assert await stored(bank) == [("alice", DEPOSIT)]


@pytest.mark.row("S68")
async def test_given_a_unit_that_was_rolled_back_when_used_again_then_the_error_says_so(
    bank: EventStore,
) -> None:
    unit = bank.begin_unit_of_work()
    await unit.rollback()
    with pytest.raises(UnitOfWorkCompletedError, match="already rolled back"):
        await unit.commit()
    with pytest.raises(UnitOfWorkCompletedError, match="already rolled back"):
        unit.append("alice", DEPOSIT)
    with pytest.raises(UnitOfWorkCompletedError, match="already rolled back"):
        await unit.rollback()


@pytest.mark.row("S70")
async def test_given_a_unit_begun_while_another_is_current_when_the_first_completes_then_the_second_stays(
    bank: EventStore,
) -> None:
    a = bank.begin_unit_of_work()
    b = bank.begin_unit_of_work()
    await a.commit()
    assert current_unit_of_work() is b
    await b.rollback()
    assert not has_current_unit_of_work()


@pytest.mark.row("S71")
async def test_given_no_unit_when_asked_for_the_current_one_then_it_is_an_error_and_has_current_is_false(
    bank: EventStore,
) -> None:
    assert not has_current_unit_of_work()
    with pytest.raises(NoUnitOfWorkError):
        current_unit_of_work()
    with pytest.raises(NoUnitOfWorkError):
        bank.event_log.transactional.append("alice", DEPOSIT)


@pytest.mark.row("S78")
async def test_given_a_list_that_is_changed_after_it_was_added_when_committed_then_it_is_stored_as_it_was(
    bank: EventStore,
) -> None:
    events: list[object] = [DEPOSIT]
    async with bank.unit_of_work() as unit:
        unit.append_many("alice", events)
        events.append(WITHDRAWAL)
    assert await stored(bank) == [("alice", DEPOSIT)]


@pytest.mark.row("S79")
async def test_given_a_unit_whose_block_raises_then_it_is_rolled_back_and_the_error_goes_on(
    bank: EventStore,
) -> None:
    unit = bank.unit_of_work()

    async def stop_half_way() -> None:
        async with unit:
            unit.append("alice", DEPOSIT)
            raise LookupError("half way")

    with pytest.raises(LookupError, match="half way"):
        await stop_half_way()
    assert unit.is_completed
    assert not unit.is_success
    assert await stored(bank) == []


@pytest.mark.row("S80")
async def test_given_a_unit_whose_commit_is_refused_when_its_block_ends_then_that_is_an_error(
    bank: EventStore,
) -> None:
    await bank.event_log.append_many("alice", [DEPOSIT, DEPOSIT])
    with pytest.raises(ConcurrencyError):
        async with bank.unit_of_work() as unit:
            unit.append("alice", WITHDRAWAL, concurrency=ConcurrencyScope.at(0).for_source())
    assert len(await stored(bank)) == 2


@pytest.mark.row("S81", "E182")
async def test_given_events_with_metadata_when_committed_then_all_of_it_is_preserved(
    bank: EventStore, raw_bank: RawStore
) -> None:
    then = datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)
    async with bank.unit_of_work() as unit:
        unit.append(
            "alice",
            AccountOpened(owner="Alice"),
            tags=["vip"],
            occurred=then,
            stream_type="onboarding",
            stream_id="2021",
            source_type="account",
            subject="person-1",
        )
        unit.append_many([EventFor("bob", AccountOpened(owner="Bob"), stream_id="2022")])
    first, second = (event.context for event in await bank.event_log.events_from(0))
    assert first.tags == ("vip",)
    assert first.occurred == then
    assert (first.event_stream_type, first.event_stream_id) == ("onboarding", "2021")
    assert first.event_source_type == "account"
    assert second.event_stream_id == "2022"


@pytest.mark.row("S69", "E127")
async def test_given_a_commit_whose_call_fails_then_the_error_goes_on_and_the_unit_is_over(
    kernel: KernelUnderTest, store_name: str
) -> None:
    async with ChronicleClient(kernel.connection_string) as client:
        store = await client.event_store(store_name, artifacts=BANK)
    told: list[UnitOfWork] = []
    unit = store.begin_unit_of_work()
    unit.on_completed(told.append)
    unit.append("alice", DEPOSIT)
    with pytest.raises(NotRunningError):
        await unit.commit()
    assert told == [unit]
    assert (unit.is_completed, unit.is_success) == (True, False)
    assert not has_current_unit_of_work()


@pytest.mark.row("S167")
async def test_given_a_unit_with_nothing_added_when_committed_then_it_succeeds_without_a_call(
    kernel: KernelUnderTest, store_name: str
) -> None:
    async with ChronicleClient(kernel.connection_string) as client:
        store = await client.event_store(store_name, artifacts=BANK)
    # On a client that is closed a call could not even begin.
    unit = store.begin_unit_of_work()
    result = await unit.commit()
    assert result.is_success
    assert unit.is_completed
    assert unit.is_success


@pytest.mark.row("S168", "E126")
async def test_given_a_rejected_unit_when_asked_then_it_is_completed_without_success_and_says_why(
    bank: EventStore,
) -> None:
    await bank.event_log.append_many("alice", [DEPOSIT, DEPOSIT])
    unit = bank.begin_unit_of_work()
    unit.append("bob", AccountOpened(owner="Bob"))
    unit.append("alice", WITHDRAWAL, concurrency=ConcurrencyScope.at(0).for_source())
    result = await unit.try_commit()
    assert unit.is_completed
    assert not unit.is_success
    assert unit.result is result
    assert [violation.actual_sequence_number for violation in result.concurrency_violations] == [1]
    assert result.constraint_violations == ()
    assert result.errors == ()
    assert len(await stored(bank)) == 2


@pytest.mark.row("S169")
async def test_given_two_scopes_of_which_one_is_stale_then_the_whole_batch_is_rejected_target_or_not(
    bank: EventStore,
) -> None:
    await bank.event_log.append_many("watched", [DEPOSIT, DEPOSIT])
    await bank.event_log.append("alice", DEPOSIT)
    unit = bank.begin_unit_of_work()
    unit.append("alice", WITHDRAWAL, concurrency=ConcurrencyScope.at(2).for_source())
    unit.expect("watched", ConcurrencyScope.at(0).for_source())
    assert not (await unit.try_commit()).is_success
    assert len(await stored(bank)) == 3


@pytest.mark.row("S170")
async def test_given_a_unit_left_without_commit_when_closed_twice_then_it_is_rolled_back_once(
    bank: EventStore,
) -> None:
    told: list[UnitOfWork] = []
    unit = bank.begin_unit_of_work()
    unit.on_completed(told.append)
    unit.append("alice", DEPOSIT)
    await unit.close()
    await unit.close()
    assert told == [unit]
    committed = bank.begin_unit_of_work()
    committed.append("alice", DEPOSIT)
    await committed.commit()
    await committed.close()
    assert committed.is_success
    assert await stored(bank) == [("alice", DEPOSIT)]


@pytest.mark.row("S171")
async def test_given_an_event_with_a_scope_and_one_for_the_same_source_without_then_the_scope_stays(
    bank: EventStore,
) -> None:
    await bank.event_log.append_many("alice", [DEPOSIT, DEPOSIT])
    unit = bank.begin_unit_of_work()
    unit.append("alice", WITHDRAWAL, concurrency=ConcurrencyScope.at(0).for_source())
    unit.append("alice", WITHDRAWAL)
    assert (await unit.try_commit()).concurrency_violations


@pytest.mark.row("S172")
async def test_given_two_events_for_a_source_with_different_scopes_then_the_later_one_counts(
    bank: EventStore,
) -> None:
    await bank.event_log.append_many("alice", [DEPOSIT, DEPOSIT])
    unit = bank.begin_unit_of_work()
    unit.append("alice", WITHDRAWAL, concurrency=ConcurrencyScope.at(0).for_source())
    unit.append("alice", WITHDRAWAL, concurrency=ConcurrencyScope.at(1).for_source())
    assert (await unit.commit()).sequence_numbers == (2, 3)


@pytest.mark.row("S173")
async def test_given_a_rejected_addition_when_committed_then_all_before_it_is_stored_and_nothing_of_it(
    bank: EventStore,
) -> None:
    await bank.event_log.append_many("alice", [DEPOSIT, DEPOSIT])
    unit = bank.begin_unit_of_work()
    unit.append("alice", WITHDRAWAL)
    stale = ConcurrencyScope.at(0).for_source()
    with pytest.raises(UnknownEventTypeError):
        unit.append_many("alice", [DEPOSIT, NoEvent()], concurrency=stale)
    with pytest.raises(UnknownEventTypeError):
        unit.append("alice", NoEvent(), concurrency=stale)
    assert (await unit.commit()).sequence_numbers == (2,)
    assert (await stored(bank))[2:] == [("alice", WITHDRAWAL)]


async def test_given_events_for_two_sequences_in_one_unit_then_each_gets_its_own_in_order(
    bank: EventStore,
) -> None:
    audit = bank.event_sequence("audit")
    async with bank.unit_of_work() as unit:
        unit.append("alice", DEPOSIT)
        audit.transactional.append("auditor", AccountClosed(reason="seen"))
        unit.append("alice", WITHDRAWAL)
        audit.transactional.append("auditor", AccountClosed(reason="done"))
    assert await stored(bank) == [("alice", DEPOSIT), ("alice", WITHDRAWAL)]
    events = await audit.events_from(0)
    assert [event.event for event in events] == [AccountClosed(reason="seen"), AccountClosed(reason="done")]
    assert [entry.properties for entry in events[0].context.causation[1:]] == [{"eventSequenceId": "audit"}]
    assert unit.result is not None
    assert unit.result.sequence_numbers == (0, 0, 1, 1)


async def test_given_two_sequences_of_which_the_second_refuses_then_the_error_says_what_is_stored(
    bank: EventStore,
) -> None:
    audit = bank.event_sequence("audit")
    await audit.append("auditor", AccountClosed())
    unit = bank.begin_unit_of_work()
    unit.append("alice", DEPOSIT)
    audit.transactional.append("auditor", AccountClosed(), concurrency=ConcurrencyScope.expect_none())
    with pytest.raises(PartialCommitError, match="'event-log' are stored, those for 'audit'"):
        await unit.commit()
    assert await stored(bank) == [("alice", DEPOSIT)]
    assert await audit.tail() == 0
    assert not has_current_unit_of_work()


@pytest.mark.row("S73")
async def test_given_an_ordered_batch_between_single_events_when_committed_then_all_keep_their_place(
    bank: EventStore,
) -> None:
    async with bank.unit_of_work() as unit:
        unit.append("alice", DEPOSIT)
        unit.append_many(
            [EventFor("bob", DEPOSIT), EventFor("alice", WITHDRAWAL), EventFor("bob", WITHDRAWAL)],
            concurrency={"bob": ConcurrencyScope.expect_none().for_source("bob")},
        )
        unit.append("alice", DEPOSIT)
    assert await stored(bank) == [
        ("alice", DEPOSIT),
        ("bob", DEPOSIT),
        ("alice", WITHDRAWAL),
        ("bob", WITHDRAWAL),
        ("alice", DEPOSIT),
    ]


@pytest.mark.row("S75", "S76", "S77", "E128")
async def test_given_scopes_that_cannot_be_meant_when_added_then_they_are_refused_and_nothing_is_kept(
    bank: EventStore,
) -> None:
    unit = bank.begin_unit_of_work()
    first = ConcurrencyScope.at(1).for_source()
    unit.append_many([EventFor("alice", DEPOSIT)], concurrency={"alice": first})
    withdrawal = [EventFor("alice", WITHDRAWAL)]
    for label, scope in (
        ("", first),
        ("alice", ConcurrencyScope.at(1).for_source("bob")),
        ("alice", ConcurrencyScope.at(2).for_source()),
    ):
        with pytest.raises(ConcurrencyScopeError):
            unit.append_many(withdrawal, concurrency={label: scope})
    with pytest.raises(AppendError, match="event source id"):
        unit.append_many([*withdrawal, EventFor("", WITHDRAWAL)])
    unit.append_many([EventFor("bob", DEPOSIT)], concurrency={"alice": first})
    await unit.commit()
    assert await stored(bank) == [("alice", DEPOSIT), ("bob", DEPOSIT)]


@pytest.mark.row("E183")
async def test_given_a_committed_unit_then_its_last_number_is_the_highest_of_its_batch(
    bank: EventStore,
) -> None:
    await bank.event_log.append("alice", DEPOSIT)
    unit = bank.begin_unit_of_work()
    unit.append_many("alice", [DEPOSIT, WITHDRAWAL])
    assert unit.last_sequence_number is None
    await unit.commit()
    assert unit.last_sequence_number == 2


async def test_given_an_expectation_and_no_event_when_committed_then_it_is_checked(bank: EventStore) -> None:
    await bank.event_log.append_many("alice", [DEPOSIT, DEPOSIT])
    holds = bank.begin_unit_of_work()
    holds.expect("alice", ConcurrencyScope.at(1).for_source())
    assert (await holds.commit()).is_success
    broken = bank.begin_unit_of_work()
    broken.expect("alice", ConcurrencyScope.at(0).for_source())
    with pytest.raises(ConcurrencyError):
        await broken.commit()


@pytest.mark.row("S48")
async def test_given_a_batch_whose_events_disagree_on_causation_then_it_is_refused(
    bank: EventStore,
) -> None:
    of_import = [Causation("Import", {"file": "a.csv"})]
    agreed = EventFor("alice", DEPOSIT, causation=of_import)
    with pytest.raises(AppendError, match="causation"):
        await bank.event_log.append_many([agreed, EventFor("bob", DEPOSIT)])
    assert await stored(bank) == []
    await bank.event_log.append_many([agreed, EventFor("bob", DEPOSIT, causation=of_import)])
    for event in await bank.event_log.events_from(0):
        assert event.context.causation[0].type == "Import"


async def test_given_a_unit_begun_in_one_task_then_another_started_before_has_none(bank: EventStore) -> None:
    begun = asyncio.Event()

    async def other() -> bool:
        await begun.wait()
        return has_current_unit_of_work()

    elsewhere = asyncio.create_task(other())
    async with bank.unit_of_work():
        begun.set()
        assert not await elsewhere
        assert await asyncio.create_task(_has_unit())


async def test_given_many_tasks_at_once_then_each_adds_to_its_own_unit_and_a_failing_one_to_none(
    bank: EventStore,
) -> None:
    everybody_has_begun = asyncio.Barrier(10)

    async def transfer(number: int) -> None:
        async with bank.unit_of_work() as unit:
            await everybody_has_begun.wait()
            assert current_unit_of_work() is unit
            bank.event_log.transactional.append(f"from-{number}", WITHDRAWAL)
            await asyncio.sleep(0)
            bank.event_log.transactional.append(f"to-{number}", DEPOSIT)
            if number % 2:
                raise LookupError(number)

    outcomes = await asyncio.gather(*map(transfer, range(10)), return_exceptions=True)
    assert [type(each) for each in outcomes] == [type(None), LookupError] * 5
    assert not has_current_unit_of_work()
    sources = [source for source, _ in await stored(bank)]
    pairs = list(zip(sources[::2], sources[1::2], strict=True))
    assert sorted(pairs) == [(f"from-{number}", f"to-{number}") for number in range(0, 10, 2)]


async def _has_unit() -> bool:
    return has_current_unit_of_work()


async def test_given_a_correlation_id_for_the_unit_when_committed_then_its_events_carry_it(
    bank: EventStore,
) -> None:
    async with bank.unit_of_work() as unit:
        unit.append("alice", DEPOSIT)
    (event,) = await bank.event_log.events_from(0)
    assert event.context.correlation_id == unit.correlation_id
