"""Waiting until observers have handled what was appended (observation.md 7.4)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
import pytest

from chronicle import (
    Artifacts,
    ChronicleClient,
    ConcurrencyScope,
    DeadlineError,
    EventContext,
    EventStore,
    reactor,
)
from chronicle.contracts import observation_pb2 as pb
from chronicle.contracts.observation_pb2_grpc import ObserversStub
from tests.conformance.bank import BANK, EVENT_TYPES, AccountOpened, FundsDeposited
from tests.conformance.kernels import KernelUnderTest
from tests.conformance.observing import Connection, connected
from tests.conformance.raw import RawStore, Stubs
from tests.waiting import in_good_time

ALICE, BOB = AccountOpened(owner="Alice"), AccountOpened(owner="Bob")
SOON = timedelta(milliseconds=100)


@pytest.fixture
async def connection(stubs: Stubs) -> AsyncIterator[Connection]:
    async with connected(stubs) as connection:
        yield connection


@pytest.fixture
def wait(channel: grpc.aio.Channel, raw: RawStore) -> Any:
    """Observers/WaitForCompletion for the test's event store."""

    async def wait(tail: int, sequence: str = "event-log") -> pb.WaitForObserverCompletionResponse:
        request = pb.WaitForObserverCompletionRequest(
            EventStore=raw.name,
            Namespace=raw.namespace,
            EventSequenceId=sequence,
            TailEventSequenceNumber=tail,
        )
        async with in_good_time():
            return await ObserversStub(channel).WaitForCompletion(request)

    return wait


@pytest.mark.row("S63", "O94")
async def test_given_reactors_when_waited_for_then_all_have_handled_what_was_appended(
    client: ChronicleClient, store_name: str
) -> None:
    handled: list[tuple[str, int]] = []

    @reactor(id="slow")
    async def slow(event: AccountOpened, context: EventContext) -> None:
        await asyncio.sleep(0)
        handled.append(("slow", context.sequence_number))

    @reactor(id="elsewhere")
    def elsewhere(event: FundsDeposited, context: EventContext) -> None:
        handled.append(("elsewhere", context.sequence_number))

    artifacts = Artifacts(event_types=EVENT_TYPES, reactors=[slow, elsewhere])
    log = (await client.event_store(store_name, artifacts=artifacts)).event_log
    completion = await log.wait_for_observers(await log.append_many("alice", [ALICE, BOB]))
    assert completion.is_success
    assert completion.failed_partitions == ()
    assert handled == [("slow", 0), ("slow", 1)]


@pytest.mark.row("S63", "O179")
async def test_given_a_reactor_that_fails_when_waited_for_then_its_failed_partition_is_named_now_and_later(
    client: ChronicleClient, store_name: str
) -> None:
    @reactor(id="picky")
    def picky(event: AccountOpened) -> None:
        if event.owner == "Alice":
            raise LookupError("no Alice")

    artifacts = Artifacts(event_types=EVENT_TYPES, reactors=[picky])
    log = (await client.event_store(store_name, artifacts=artifacts)).event_log
    for source, event in (("alice", ALICE), ("bob", BOB)):
        completion = await log.wait_for_observers(await log.append(source, event))
        assert not completion.is_success
        (failed,) = completion.failed_partitions
        assert (failed.observer_id, failed.partition, failed.sequence_number) == ("picky", "alice", 0)
        assert "no Alice" in failed.messages[0]


@pytest.mark.row("S64", "O98")
async def test_given_an_append_that_stored_nothing_when_waited_for_then_it_succeeds_without_a_call(
    kernel: KernelUnderTest, store_name: str
) -> None:
    async with ChronicleClient(kernel.connection_string) as client:
        store: EventStore = await client.event_store(store_name, artifacts=BANK)
        await store.event_log.append("alice", ALICE)
        taken = ConcurrencyScope.expect_none().for_source()
        refused = await store.event_log.try_append("alice", ALICE, concurrency=taken)
        batch = await store.event_log.try_append_many("alice", [ALICE, ALICE], concurrency=taken)
    # On a client that is closed a call could not even begin.
    for result in (refused, batch):
        assert (await store.event_log.wait_for_observers(result)).is_success


@pytest.mark.row("O95")
async def test_given_an_observer_that_handles_nothing_then_waiting_ends_with_the_deadline(
    bank: EventStore, raw_bank: RawStore, connection: Connection
) -> None:
    stream = await connection.reactor(raw_bank, "idle", "account-opened")
    result = await bank.event_log.append("alice", ALICE)
    with pytest.raises(DeadlineError):
        await bank.event_log.wait_for_observers(result, SOON)
    await stream.succeed(await stream.batch())
    assert (await bank.event_log.wait_for_observers(result)).is_success


@pytest.mark.row("O96")
async def test_given_one_that_failed_and_one_behind_then_it_waits_for_that_and_tells_the_failure(
    raw: RawStore, connection: Connection, wait: Any
) -> None:
    failing = await connection.reactor(raw, "failing", "happened")
    behind = await connection.reactor(raw, "behind", "happened")
    await raw.append("happened", source="a")
    await failing.fail(await failing.batch(), message="not this one")
    batch = await behind.batch()
    waiting = asyncio.ensure_future(wait(0))
    done, _ = await asyncio.wait([waiting], timeout=SOON.total_seconds())
    assert not done
    await behind.succeed(batch)
    response = await waiting
    assert not response.IsSuccess
    (failed,) = response.FailedPartitions
    assert (failed.ObserverId, failed.Partition) == ("failing", "a")
    assert [list(attempt.Messages) for attempt in failed.Attempts] == [["not this one"]]


@pytest.mark.row("O97")
@pytest.mark.parametrize("sequence", ["event-log", "", "unheard-of"])
async def test_given_no_observers_then_waiting_succeeds_at_once(
    raw: RawStore, wait: Any, sequence: str
) -> None:
    await raw.append("happened")
    response = await wait(0, sequence)
    assert response.IsSuccess
    assert not response.FailedPartitions


async def test_given_events_that_an_observer_does_not_handle_then_it_is_not_waited_for(
    raw: RawStore, connection: Connection, wait: Any
) -> None:
    await connection.reactor(raw, "elsewhere", "other")
    response = await raw.append("happened")
    assert (await wait(response.SequenceNumber)).IsSuccess
