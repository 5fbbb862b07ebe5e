"""What fails beside an append, or between two of them (events.md 2 and 4.2)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from chronicle import ChronicleClient, EventStore
from chronicle.kernel import serve
from tests.conformance.bank import BANK, AccountOpened, FundsDeposited
from tests.conformance.kernels import EMBEDDED, SERVED
from tests.conformance.observing import connected
from tests.conformance.raw import RawStore, Stubs

ALICE = AccountOpened(owner="Alice")
DEPOSIT = FundsDeposited(amount=Decimal(1))


@asynccontextmanager
async def bank_on(path: Path, kernel: str) -> AsyncIterator[EventStore]:
    """An event store in a database file, with a kernel that begins and ends with the block."""
    if kernel == EMBEDDED:
        async with ChronicleClient(f"chronicle+embedded:///{path}") as client:
            yield await client.event_store("bank", artifacts=BANK)
    else:
        async with (
            serve(path, port=0) as served,
            ChronicleClient(f"chronicle://{served.host}:{served.port}?disableTls=true") as client,
        ):
            yield await client.event_store("bank", artifacts=BANK)


@pytest.mark.row("E3")
@pytest.mark.parametrize("restarted", [EMBEDDED, SERVED])
async def test_given_two_events_when_the_kernel_is_restarted_then_the_next_append_is_number_2(
    tmp_path: Path, restarted: str
) -> None:
    path = tmp_path / "bank.db"
    async with bank_on(path, restarted) as bank:
        await bank.event_log.append_many("alice", [ALICE, DEPOSIT])
    async with bank_on(path, restarted) as bank:
        assert (await bank.event_log.append("alice", DEPOSIT)).sequence_number == 2
        assert [event.event for event in await bank.event_log.events_from(0)] == [ALICE, DEPOSIT, DEPOSIT]


@pytest.mark.row("E131")
async def test_given_an_observer_that_goes_in_the_middle_of_a_delivery_then_appends_report_success(
    raw: RawStore, stubs: Stubs
) -> None:
    async with connected(stubs) as connection:
        stream = await connection.reactor(raw, "restless", "happened")
        assert (await raw.append("happened", {"n": 0})).SequenceNumber == 0
        await stream.batch()
        await stream.cancel()
        assert (await raw.append("happened", {"n": 1})).SequenceNumber == 1
    async with connected(stubs) as connection:
        stream = await connection.reactor(raw, "restless", "happened")
        # What could not be delivered live comes from the log.
        assert await stream.numbers(2) == [0, 1]


@pytest.mark.row("E131")
async def test_given_an_observer_that_fails_then_the_append_reports_success_and_the_event_is_stored(
    raw: RawStore, stubs: Stubs
) -> None:
    async with connected(stubs) as connection:
        stream = await connection.reactor(raw, "failing", "happened")
        response = await raw.append("happened", {"n": 0})
        await stream.fail(await stream.batch())
        assert (response.SequenceNumber, list(response.Errors)) == (0, [])
        assert (await raw.append("happened", {"n": 1})).SequenceNumber == 1
    assert len(await raw.read()) == 2
