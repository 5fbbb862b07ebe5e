"""Watching appends (events.md 4.5)."""

import asyncio

import grpc
import pytest

from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.errors import CallError
from chronicle.event_sequences.appends import CAPACITY
from chronicle.event_sequences.event_for import EventFor
from chronicle.event_sequences.event_sequence import EventSequence
from chronicle.values import UNAVAILABLE
from tests.unit.event_sequences.scripted import FundsDeposited, ScriptedKernel

VIOLATION = pb.ConstraintViolation(ConstraintName="c")


async def test_each_call_comes_as_one_with_its_events_and_their_numbers(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    kernel.answers = [pb.AppendResponse(SequenceNumber=3), pb.AppendManyResponse(SequenceNumbers=[4, 5])]
    async with log.appends() as appends:
        await log.append("a", FundsDeposited(1), tags=["cash"])
        await log.append_many([EventFor("b", FundsDeposited(2)), EventFor("c", FundsDeposited(3))])
    single, batch = [operations async for operations in appends]
    assert [(each.event, each.result.sequence_number) for each in single] == [
        (EventFor("a", FundsDeposited(1), tags=["cash"]), 3)
    ]
    assert [(each.event.event_source_id, each.result.sequence_number) for each in batch] == [
        ("b", 4),
        ("c", 5),
    ]


@pytest.mark.row("S62")
async def test_a_refused_attempt_is_told_once_per_event_with_the_reasons_and_no_number(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    kernel.answers = [
        pb.AppendResponse(SequenceNumber=UNAVAILABLE, ConstraintViolations=[VIOLATION]),
        pb.AppendManyResponse(ConstraintViolations=[VIOLATION]),
    ]
    async with log.appends() as appends:
        await log.try_append("a", FundsDeposited(1))
        await log.try_append_many("a", [FundsDeposited(1), FundsDeposited(2)])
    calls = [operations async for operations in appends]
    assert [len(operations) for operations in calls] == [1, 2]
    for operation in (*calls[0], *calls[1]):
        assert not operation.result.is_success
        assert operation.result.sequence_number is None
        assert [each.constraint_name for each in operation.result.constraint_violations] == ["c"]


async def test_a_unit_of_work_is_told_when_it_commits(log: EventSequence, kernel: ScriptedKernel) -> None:
    async with log.appends() as appends:
        unit = log.transactional.unit_of_work()
        unit.append_many("a", [FundsDeposited(1), FundsDeposited(2)])
        await unit.commit()
    (operations,) = [each async for each in appends]
    assert [operation.event.event for operation in operations] == [FundsDeposited(1), FundsDeposited(2)]


async def test_a_call_that_fails_is_not_told(log: EventSequence, kernel: ScriptedKernel) -> None:
    kernel.aborts_with = grpc.StatusCode.UNAVAILABLE
    async with log.appends() as appends:
        with pytest.raises(CallError):
            await log.append("a", FundsDeposited(1))
    assert [each async for each in appends] == []


async def test_who_waits_gets_what_comes_and_the_end(log: EventSequence) -> None:
    appends = log.appends()
    waiting = asyncio.ensure_future(anext(appends))
    await log.append("a", FundsDeposited(1))
    assert len(await waiting) == 1
    ending = asyncio.ensure_future(anext(appends, None))
    await asyncio.sleep(0)
    appends.close()
    assert await ending is None
    await log.append("a", FundsDeposited(1))
    assert await anext(appends, None) is None


async def test_of_more_calls_than_are_kept_the_oldest_are_let_go(log: EventSequence) -> None:
    async with log.appends() as appends:
        for amount in range(CAPACITY + 2):
            await log.append("a", FundsDeposited(amount))
    kept = [operations[0].event.event async for operations in appends]
    assert len(kept) == CAPACITY
    assert kept[0] == FundsDeposited(2)
