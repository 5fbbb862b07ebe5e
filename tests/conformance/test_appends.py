"""Watching what is appended, through the client (events.md 4.5), and asking how far observers may be."""

from decimal import Decimal

import pytest

from chronicle import ConcurrencyScope, EventStore, reactor
from tests.conformance.bank import AccountOpened, AccountReducer, BranchRated, FundsDeposited

ALICE = AccountOpened(owner="Alice")
DEPOSIT = FundsDeposited(amount=Decimal(1))
TAKEN = ConcurrencyScope.expect_none().for_source()


@pytest.mark.row("S62")
async def test_given_a_watcher_when_appends_are_refused_then_the_attempts_are_told_event_by_event(
    bank: EventStore,
) -> None:
    log = bank.event_log
    async with log.appends() as appends:
        await log.append("alice", ALICE)
        await log.try_append("alice", DEPOSIT, concurrency=TAKEN)
        await log.try_append_many("alice", [DEPOSIT, DEPOSIT], concurrency=TAKEN)
        async with bank.unit_of_work() as unit:
            unit.append("bob", ALICE)
    told = [
        [(each.event.event_source_id, each.result.sequence_number) for each in operations]
        async for operations in appends
    ]
    assert told == [[("alice", 0)], [("alice", None)], [("alice", None)] * 2, [("bob", 1)]]


async def test_given_a_watcher_when_an_append_breaks_the_schema_then_it_is_told_the_violations(
    bank: EventStore,
) -> None:
    async with bank.event_log.appends() as appends:
        await bank.event_log.complete_stream("onboarding", "2026")
        await bank.event_log.try_append("alice", ALICE, stream_type="onboarding", stream_id="2026")
        (operation,) = await anext(appends)
    (violation,) = operation.result.constraint_violations
    assert violation.constraint_name == "closed-stream"


@reactor
class Deposits:
    def deposited(self, event: FundsDeposited) -> None: ...


@pytest.mark.row("S57")
async def test_given_an_observer_of_some_types_then_its_tail_is_that_of_those_types(bank: EventStore) -> None:
    assert await bank.event_log.tail_for_observer(Deposits) is None
    await bank.event_log.append_many("alice", [ALICE, DEPOSIT, ALICE, BranchRated(stars=3)])
    assert await bank.event_log.tail_for_observer(Deposits) == 1
    assert await bank.event_log.tail_for_observer(AccountReducer) == 2
