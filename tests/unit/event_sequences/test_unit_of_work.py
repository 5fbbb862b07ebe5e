"""Units of work (events.md 12, client-surface.md 1.12)."""

import asyncio
import contextvars
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import grpc
import pytest

from chronicle.context import correlation
from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.errors import (
    ConstraintViolationError,
    NotConnectedError,
    NoUnitOfWorkError,
    UnitOfWorkCompletedError,
    UnitOfWorkError,
    UnknownEventTypeError,
)
from chronicle.event_sequences.concurrency import NO_CONCURRENCY_CHECK, ConcurrencyScope
from chronicle.event_sequences.event_for import EventFor
from chronicle.event_sequences.event_sequence import EventSequence
from chronicle.event_sequences.unit_of_work import (
    UnitOfWork,
    UnitOfWorkState,
    current_unit_of_work,
    has_current_unit_of_work,
)
from chronicle.store_access import StoreAccess
from chronicle.values import guid_from_halves
from tests.unit.event_sequences.scripted import AccountOpened, FundsDeposited, ScriptedKernel, Unregistered

REJECTION = pb.AppendManyResponse(ConstraintViolations=[pb.ConstraintViolation(ConstraintName="c")])


@pytest.fixture
def unit(log: EventSequence) -> UnitOfWork:
    return log.transactional.unit_of_work()


def sent(kernel: ScriptedKernel) -> list[tuple[str, str]]:
    (request,) = kernel.requests
    return [(event.EventSourceId, event.Content) for event in request.Events]


@pytest.mark.row("S65", "E124")
async def test_a_commit_is_one_append_many_in_the_order_of_adding(
    unit: UnitOfWork, kernel: ScriptedKernel
) -> None:
    unit.append("a", FundsDeposited(1))
    unit.append("b", FundsDeposited(2))
    unit.append_many("a", [FundsDeposited(3), FundsDeposited(4)])
    unit.append_many([EventFor("c", FundsDeposited(5))])
    assert kernel.requests == []
    result = await unit.commit()
    assert [source for source, _ in sent(kernel)] == ["a", "b", "a", "a", "c"]
    assert result.sequence_numbers == (0, 1, 2, 3, 4)
    assert unit.result is result
    assert unit.is_completed
    assert unit.is_success


@pytest.mark.row("S65", "S81", "E182")
async def test_all_that_is_said_of_an_event_is_kept(unit: UnitOfWork, kernel: ScriptedKernel) -> None:
    unit.append(
        "a",
        AccountOpened(owner="Alice"),
        tags=["x"],
        subject="alice",
        occurred=datetime(2024, 1, 1, tzinfo=UTC),
        stream_type="t",
        stream_id="i",
        source_type="account",
        concurrency=ConcurrencyScope.at(2),
    )
    await unit.commit()
    (event,) = kernel.requests[0].Events
    assert list(event.Tags) == ["audit", "bank", "x"]
    assert (event.Subject, event.EventSourceType) == ("alice", "account")
    assert (event.EventStreamType, event.EventStreamId) == ("t", "i")
    assert event.Occurred.Value == "2024-01-01T00:00:00.0000000+00:00"
    assert dict(kernel.requests[0].ConcurrencyScopes) == {"a": pb.ConcurrencyScope(SequenceNumber=2)}


@pytest.mark.row("S180")
async def test_the_chain_ends_with_one_entry_for_the_unit(unit: UnitOfWork, kernel: ScriptedKernel) -> None:
    unit.append("a", FundsDeposited(1))
    unit.append("a", FundsDeposited(2))
    await unit.commit()
    root, entry = kernel.requests[0].Causation
    assert root.Type == "Root"
    assert entry.Type == "TransactionalEventSequence"
    assert dict(entry.Properties) == {"eventSequenceId": "event-log"}


async def test_a_unit_keeps_the_correlation_id_that_it_began_with(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    with correlation() as ambient:
        unit = log.transactional.unit_of_work()
        unit.append("a", FundsDeposited(1))
    own = log.transactional.unit_of_work(UUID(int=7))
    own.append("a", FundsDeposited(1))
    await unit.commit()
    await own.commit()
    ids = [guid_from_halves(one.CorrelationId.lo, one.CorrelationId.hi) for one in kernel.requests]
    assert ids == [ambient, UUID(int=7)]


@pytest.mark.row("S66")
async def test_a_rollback_sends_nothing_and_tells_once(log: EventSequence, kernel: ScriptedKernel) -> None:
    told: list[UnitOfWorkState] = []
    unit = log.transactional.unit_of_work()
    unit.make_current()
    unit.on_completed(lambda one: told.append(one.state))
    unit.append("a", FundsDeposited(1))
    await unit.rollback()
    assert kernel.requests == []
    assert told == [UnitOfWorkState.ROLLED_BACK]
    assert not has_current_unit_of_work()
    assert not unit.is_success


@pytest.mark.row("S67", "S68", "E124")
@pytest.mark.parametrize(
    ("how", "words"), [("commit", "already committed"), ("rollback", "already rolled back")]
)
async def test_a_completed_unit_takes_and_does_nothing_more(unit: UnitOfWork, how: str, words: str) -> None:
    await getattr(unit, how)()
    for again in (unit.commit, unit.rollback, unit.__aenter__):
        with pytest.raises(UnitOfWorkCompletedError, match=words):
            await again()
    adds: list[Callable[[], None]] = [
        lambda: unit.append("a", FundsDeposited(1)),
        lambda: unit.append_many("a", []),
        lambda: unit.expect("a", ConcurrencyScope.at(1)),
        lambda: unit.on_completed(lambda _: None),
    ]
    for add in adds:
        with pytest.raises(UnitOfWorkCompletedError, match=words):
            add()


@pytest.mark.row("S69", "E127")
async def test_a_commit_whose_call_fails_completes_the_unit_and_passes_the_error_on(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    told: list[UnitOfWorkState] = []
    unit = log.transactional.unit_of_work()
    unit.make_current()
    unit.append("a", FundsDeposited(1))
    unit.on_completed(lambda one: told.append(one.state))
    kernel.aborts_with = grpc.StatusCode.UNAVAILABLE
    with pytest.raises(NotConnectedError):
        await unit.commit()
    assert told == [UnitOfWorkState.FAILED]
    assert unit.is_completed
    assert not unit.is_success
    assert not has_current_unit_of_work()


@pytest.mark.row("S70")
async def test_completing_another_unit_leaves_the_current_one(log: EventSequence) -> None:
    first, second = log.transactional.unit_of_work(), log.transactional.unit_of_work()
    first.make_current()
    second.make_current()
    await first.rollback()
    assert current_unit_of_work() is second
    await second.rollback()
    assert not has_current_unit_of_work()


async def test_after_an_inner_unit_the_outer_one_is_current_again(log: EventSequence) -> None:
    async with log.transactional.unit_of_work() as outer:
        async with log.transactional.unit_of_work() as inner:
            assert current_unit_of_work() is inner
        assert current_unit_of_work() is outer


@pytest.mark.row("S71")
async def test_without_a_unit_there_is_none(log: EventSequence) -> None:
    assert not has_current_unit_of_work()
    with pytest.raises(NoUnitOfWorkError, match="Begin one"):
        current_unit_of_work()
    with pytest.raises(NoUnitOfWorkError):
        log.transactional.append("a", FundsDeposited(1))


async def test_a_transactional_append_adds_to_the_current_unit_and_a_plain_one_goes_out(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    async with log.transactional.unit_of_work() as unit:
        log.transactional.append("a", FundsDeposited(1))
        log.transactional.append_many("b", [FundsDeposited(2)])
        await log.append("c", FundsDeposited(3))
        assert len(kernel.requests) == 1
    assert [event.EventSourceId for event in kernel.requests[1].Events] == ["a", "b"]
    assert unit.is_success


@pytest.mark.row("S78")
async def test_what_changes_after_adding_is_not_sent(unit: UnitOfWork, kernel: ScriptedKernel) -> None:
    event = FundsDeposited(1)
    events: list[object] = [event]
    unit.append_many("a", events)
    event.amount = 2
    events.append(FundsDeposited(3))
    await unit.commit()
    assert sent(kernel) == [("a", '{"amount":1,"notes":[]}')]


@pytest.mark.row("S79")
async def test_a_block_that_raises_rolls_back(log: EventSequence, kernel: ScriptedKernel) -> None:
    unit = log.transactional.unit_of_work()

    async def fail_inside() -> None:
        async with unit:
            unit.append("a", FundsDeposited(1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_inside()
    assert unit.state is UnitOfWorkState.ROLLED_BACK
    assert kernel.requests == []


@pytest.mark.row("S80", "S168", "E126")
async def test_a_rejected_unit_raises_at_its_end_and_keeps_the_reasons(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    kernel.answers = [REJECTION]
    with pytest.raises(ConstraintViolationError):
        async with log.transactional.unit_of_work() as unit:
            unit.append("a", FundsDeposited(1))
    assert unit.state is UnitOfWorkState.REJECTED
    assert unit.is_completed
    assert not unit.is_success
    assert unit.result is not None
    assert unit.result.constraint_violations[0].constraint_name == "c"


async def test_trying_to_commit_returns_the_rejection(unit: UnitOfWork, kernel: ScriptedKernel) -> None:
    kernel.answers = [REJECTION]
    unit.append("a", FundsDeposited(1))
    assert not (await unit.try_commit()).is_success


async def test_a_block_may_complete_its_unit_itself(log: EventSequence, kernel: ScriptedKernel) -> None:
    async with log.transactional.unit_of_work() as unit:
        unit.append("a", FundsDeposited(1))
        await unit.commit()
    async with log.transactional.unit_of_work() as unit:
        unit.append("a", FundsDeposited(1))
        await unit.rollback()
    assert len(kernel.requests) == 1


@pytest.mark.row("S167")
async def test_a_unit_without_events_commits_without_a_call(unit: UnitOfWork, kernel: ScriptedKernel) -> None:
    await unit.commit()
    assert unit.is_success
    assert kernel.requests == []


@pytest.mark.row("S169")
async def test_a_scope_may_be_about_a_source_that_gets_no_event(
    unit: UnitOfWork, kernel: ScriptedKernel
) -> None:
    unit.expect("rates", ConcurrencyScope.at(9).for_source())
    unit.append("a", FundsDeposited(1))
    await unit.commit()
    expected = {"rates": pb.ConcurrencyScope(SequenceNumber=9, EventSourceId=True)}
    assert dict(kernel.requests[0].ConcurrencyScopes) == expected


@pytest.mark.row("S171", "S172")
async def test_of_two_scopes_for_a_source_the_later_holds_and_none_takes_one_away(
    unit: UnitOfWork, kernel: ScriptedKernel
) -> None:
    unit.append("a", FundsDeposited(1), concurrency=ConcurrencyScope.at(1))
    unit.append("a", FundsDeposited(2), concurrency=ConcurrencyScope.at(2))
    unit.append("a", FundsDeposited(3), concurrency=NO_CONCURRENCY_CHECK)
    unit.append("a", FundsDeposited(4))
    await unit.commit()
    assert dict(kernel.requests[0].ConcurrencyScopes) == {"a": pb.ConcurrencyScope(SequenceNumber=2)}


@pytest.mark.row("S170")
async def test_closing_rolls_back_once_and_does_nothing_to_a_completed_unit(
    unit: UnitOfWork, log: EventSequence
) -> None:
    told: list[UnitOfWork] = []
    unit.on_completed(told.append)
    await unit.close()
    await unit.close()
    assert unit.state is UnitOfWorkState.ROLLED_BACK
    assert told == [unit]
    committed = log.transactional.unit_of_work()
    await committed.commit()
    await committed.close()
    assert committed.state is UnitOfWorkState.COMMITTED


@pytest.mark.row("S173")
async def test_what_is_rejected_while_adding_leaves_the_unit_as_it_was(
    unit: UnitOfWork, kernel: ScriptedKernel
) -> None:
    unit.append("a", FundsDeposited(1))
    with pytest.raises(UnknownEventTypeError):
        unit.append_many("b", [FundsDeposited(2), Unregistered()], concurrency=ConcurrencyScope.at(1))
    assert len(unit.events) == 1
    await unit.commit()
    assert [source for source, _ in sent(kernel)] == ["a"]
    assert not kernel.requests[0].ConcurrencyScopes


@pytest.mark.row("S174")
async def test_a_unit_is_for_one_sequence_that_of_its_first_event(
    log: EventSequence, store: StoreAccess, kernel: ScriptedKernel
) -> None:
    other = EventSequence(store, "other")
    unit = log.transactional.unit_of_work()
    unit.make_current()
    other.transactional.append("a", FundsDeposited(1))
    with pytest.raises(UnitOfWorkError, match="'other' and takes none for 'event-log'"):
        unit.append("b", FundsDeposited(2))
    await unit.commit()
    assert kernel.requests[0].EventSequenceId == "other"
    assert [source for source, _ in sent(kernel)] == ["a"]


async def test_callbacks_run_in_order_plain_or_async_and_a_failing_one_stops_none(
    unit: UnitOfWork, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    async def second(_: UnitOfWork) -> None:
        await asyncio.sleep(0)
        told.append("second")

    def failing(_: UnitOfWork) -> None:
        raise ZeroDivisionError

    unit.on_completed(lambda _: told.append("first"))
    unit.on_completed(second)
    unit.on_completed(failing)
    unit.on_completed(lambda _: told.append("last"))
    await unit.commit()
    assert told == ["first", "second", "last"]
    assert unit.is_success
    assert "A callback of a unit of work" in caplog.text


@pytest.mark.row("S87")
async def test_a_unit_completed_elsewhere_is_not_current_here(log: EventSequence) -> None:
    unit = log.transactional.unit_of_work()
    unit.make_current()
    here = contextvars.copy_context()
    await unit.commit()
    assert here.run(has_current_unit_of_work) is False


async def test_a_unit_begun_in_a_task_is_not_current_outside(log: EventSequence) -> None:
    async def begin() -> None:
        log.transactional.unit_of_work().make_current()
        assert has_current_unit_of_work()

    await asyncio.create_task(begin())
    assert not has_current_unit_of_work()


async def test_two_commits_at_once_send_once(unit: UnitOfWork, kernel: ScriptedKernel) -> None:
    unit.append("a", FundsDeposited(1))
    results = await asyncio.gather(unit.commit(), unit.commit(), return_exceptions=True)
    assert [type(result) for result in results].count(UnitOfWorkCompletedError) == 1
    assert len(kernel.requests) == 1


async def test_a_cancelled_commit_completes_the_unit(log: EventSequence, kernel: ScriptedKernel) -> None:
    unit = log.transactional.unit_of_work()
    unit.append("a", FundsDeposited(1))
    kernel.hold = asyncio.Event()
    committing = asyncio.create_task(unit.commit())
    await kernel.asked.wait()
    committing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await committing
    assert unit.state is UnitOfWorkState.FAILED
