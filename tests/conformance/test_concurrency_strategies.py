"""Appends without a scope, under the client's strategy for them (events.md 6)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from decimal import Decimal

import pytest

from chronicle import (
    AppendResult,
    ChronicleClient,
    ChronicleOptions,
    ConcurrencyError,
    ConcurrencyStrategy,
    EventStore,
    OptimisticConcurrency,
)
from tests.conformance.bank import BANK, AccountOpened, FundsDeposited
from tests.conformance.kernels import KernelUnderTest
from tests.conformance.raw import RawStore

ALICE = AccountOpened(owner="Alice")
DEPOSIT = FundsDeposited(amount=Decimal(1))

Open = Callable[..., Awaitable[EventStore]]


@pytest.fixture
async def open_with(kernel: KernelUnderTest, store_name: str) -> AsyncIterator[Open]:
    """Opens the test's event store in a client of its own, with a strategy."""
    async with AsyncExitStack() as stack:
        clients: list[ChronicleClient] = []

        async def opened(strategy: ConcurrencyStrategy, namespace: str | None = None) -> EventStore:
            if not clients:
                options = ChronicleOptions(connection_string=kernel.connection_string, concurrency=strategy)
                clients.append(await stack.enter_async_context(ChronicleClient(options=options)))
            return await clients[0].event_store(store_name, namespace, BANK)

        yield opened


def outcomes(results: list[AppendResult]) -> list[bool]:
    return sorted(result.is_success for result in results)


@pytest.mark.row("S44", "S162")
async def test_given_the_optimistic_strategy_when_one_appends_after_another_then_all_are_accepted(
    open_with: Open,
) -> None:
    log = (await open_with(OptimisticConcurrency())).event_log
    await log.append("alice", ALICE)
    await log.append("alice", DEPOSIT)
    await log.append_many("alice", [DEPOSIT, DEPOSIT])
    await log.append("alice", DEPOSIT, stream_type="yearly")
    await log.append("alice", DEPOSIT)
    assert await log.tail("alice") == 5


@pytest.mark.row("S163")
async def test_given_two_writers_that_have_seen_the_same_then_one_succeeds_and_the_other_is_refused(
    open_with: Open,
) -> None:
    log = (await open_with(OptimisticConcurrency())).event_log
    await log.append("alice", ALICE)
    results = await asyncio.gather(*(log.try_append("alice", DEPOSIT) for _ in range(2)))
    assert outcomes(results) == [False, True]
    (refused,) = (result for result in results if not result.is_success)
    (violation,) = refused.concurrency_violations
    assert (violation.expected_sequence_number, violation.actual_sequence_number) == (0, 1)
    # What stood in the way is seen now.
    assert (await log.append("alice", DEPOSIT)).sequence_number == 2


@pytest.mark.row("E43")
async def test_given_a_new_source_when_several_append_first_then_nothing_is_checked(open_with: Open) -> None:
    log = (await open_with(OptimisticConcurrency())).event_log
    results = await asyncio.gather(*(log.try_append("alice", ALICE) for _ in range(3)))
    assert outcomes(results) == [True, True, True]


@pytest.mark.row("E44")
async def test_given_a_check_of_first_appends_when_several_append_first_then_one_is_accepted(
    open_with: Open,
) -> None:
    log = (await open_with(OptimisticConcurrency(check_first_append=True))).event_log
    results = await asyncio.gather(*(log.try_append("alice", ALICE) for _ in range(3)))
    assert outcomes(results) == [False, False, True]
    assert all(result.concurrency_violations for result in results if not result.is_success)
    assert (await log.append("alice", DEPOSIT)).sequence_number == 1


async def test_given_somebody_else_who_was_faster_when_deciding_on_what_was_read_then_it_is_refused(
    open_with: Open,
) -> None:
    mine = (await open_with(OptimisticConcurrency())).event_log
    # Another casing, so that one client can be two applications.
    theirs = (await open_with(OptimisticConcurrency(), "default")).event_log
    await mine.append("alice", ALICE)
    assert len(await mine.events_for("alice")) == 1
    await theirs.append("alice", DEPOSIT)
    with pytest.raises(ConcurrencyError):
        await mine.append("alice", DEPOSIT)
    assert len(await mine.events_for("alice")) == 2
    assert (await mine.append("alice", DEPOSIT)).sequence_number == 2


async def test_given_the_strategy_none_then_appends_are_not_checked(
    bank: EventStore, raw_bank: RawStore
) -> None:
    await bank.event_log.append("alice", ALICE)
    await raw_bank.append("account-closed", source="alice")
    assert (await bank.event_log.append("alice", DEPOSIT)).sequence_number == 2
