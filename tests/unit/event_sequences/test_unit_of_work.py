"""Units of work (events.md 12, client-surface.md 1.12)."""

import asyncio
import contextvars
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import grpc
import pytest

from chronicle.context import Causation, correlation
from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.errors import (
    AppendError,
    ConcurrencyScopeError,
    ConstraintViolationError,
    NotConnectedError,
    NoUnitOfWorkError,
    PartialCommitError,
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


async def test_a_unit_for_several_sequences_is_one_call_for_each_in_the_order_of_first_mention(
    log: EventSequence, store: StoreAccess, kernel: ScriptedKernel
) -> None:
    other = EventSequence(store, "other")
    unit = log.transactional.unit_of_work()
    unit.make_current()
    other.transactional.append("a", FundsDeposited(1))
    unit.append("b", FundsDeposited(2))
    other.transactional.append("c", FundsDeposited(3))
    kernel.answers = [
        pb.AppendManyResponse(SequenceNumbers=[40, 41]),
        pb.AppendManyResponse(SequenceNumbers=[7]),
    ]
    result = await unit.commit()
    assert [
        (request.EventSequenceId, [each.EventSourceId for each in request.Events])
        for request in kernel.requests
    ] == [("other", ["a", "c"]), ("event-log", ["b"])]
    assert result.sequence_numbers == (40, 7, 41)
    assert unit.last_sequence_number == 41
    assert {each: done.sequence_numbers for each, done in unit.results.items()} == {
        "other": (40, 41),
        "event-log": (7,),
    }


async def test_a_refusal_ends_the_commit_and_says_what_is_stored(
    log: EventSequence, store: StoreAccess, kernel: ScriptedKernel
) -> None:
    unit = log.transactional.unit_of_work()
    unit.append("a", FundsDeposited(1))
    unit.make_current()
    for sequence in ("other", "third"):
        EventSequence(store, sequence).transactional.append("a", FundsDeposited(2))
    kernel.answers = [pb.AppendManyResponse(SequenceNumbers=[0]), REJECTION]
    with pytest.raises(PartialCommitError, match="'event-log' are stored, those for 'other'") as error:
        await unit.commit()
    assert (error.value.stored, error.value.refused) == (("event-log",), "other")
    assert isinstance(error.value.__cause__, ConstraintViolationError)
    assert len(kernel.requests) == 2
    assert unit.state is UnitOfWorkState.COMMITTED_IN_PART
    assert not unit.is_success
    assert unit.last_sequence_number is None


async def test_a_refusal_of_the_first_sequence_stores_nothing(
    log: EventSequence, store: StoreAccess, kernel: ScriptedKernel
) -> None:
    unit = log.transactional.unit_of_work()
    unit.append("a", FundsDeposited(1))
    unit.make_current()
    EventSequence(store, "other").transactional.append("a", FundsDeposited(2))
    kernel.answers = [REJECTION]
    with pytest.raises(ConstraintViolationError):
        await unit.commit()
    assert unit.state is UnitOfWorkState.REJECTED


async def test_a_unit_takes_nothing_for_another_event_store(
    log: EventSequence, store: StoreAccess, unit: UnitOfWork
) -> None:
    elsewhere = EventSequence(replace(store, namespace="tenant"), "event-log")
    unit.make_current()
    with pytest.raises(UnitOfWorkError, match="'bank' in 'tenant'"):
        elsewhere.transactional.append("a", FundsDeposited(1))
    assert unit.events == ()


@pytest.mark.row("S75", "S77", "E128")
@pytest.mark.parametrize(
    ("label", "scope"),
    [
        ("", ConcurrencyScope.at(1)),
        ("  ", ConcurrencyScope.at(1)),
        ("a", ConcurrencyScope.at(1).for_source("b")),
    ],
    ids=["blank", "spaces", "of another source"],
)
async def test_a_scope_that_is_given_for_no_source_or_the_wrong_one_adds_nothing(
    unit: UnitOfWork, kernel: ScriptedKernel, label: str, scope: ConcurrencyScope
) -> None:
    with pytest.raises(ConcurrencyScopeError):
        unit.append_many([EventFor("a", FundsDeposited(1))], concurrency={label: scope})
    with pytest.raises(ConcurrencyScopeError):
        unit.expect(label, scope)
    assert unit.events == ()
    await unit.commit()
    assert kernel.requests == []


async def test_an_unknown_option_is_refused_with_the_options_there_are(
    log: EventSequence, unit: UnitOfWork
) -> None:
    said = (
        "An append in a unit of work has no option 'correlation_id'. The options are concurrency, occurred, "
        r"source_type, stream_id, stream_type, subject, tags\."
    )
    event = FundsDeposited(1)
    unit.make_current()
    for adder in (unit, log.transactional):
        with pytest.raises(TypeError, match=said):
            adder.append("a", event, correlation_id=UUID(int=1))  # type: ignore[call-arg]
        with pytest.raises(TypeError, match=said):
            adder.append_many("a", [event], correlation_id=UUID(int=1))  # type: ignore[call-overload]
    assert unit.events == ()


@pytest.mark.row("S77", "E128")
async def test_an_event_for_a_blank_source_adds_nothing_of_its_batch(unit: UnitOfWork) -> None:
    with pytest.raises(AppendError, match="event source id"):
        unit.append_many([EventFor("a", FundsDeposited(1)), EventFor("", FundsDeposited(2))])
    assert unit.events == ()


@pytest.mark.row("S76", "E128")
async def test_scopes_of_batches_must_not_contradict_each_other_but_may_repeat(
    unit: UnitOfWork, kernel: ScriptedKernel
) -> None:
    of_two = ConcurrencyScope.at(3).types(AccountOpened, FundsDeposited)
    event = EventFor("a", FundsDeposited(1))
    unit.append_many([event], concurrency={"a": of_two})
    unit.append_many([event], concurrency={"a": ConcurrencyScope.at(3).types(FundsDeposited, AccountOpened)})
    unit.append_many([event], concurrency={"a": NO_CONCURRENCY_CHECK})
    unit.append_many([event])
    for other in (ConcurrencyScope.at(4), ConcurrencyScope.at(3).types(AccountOpened)):
        with pytest.raises(ConcurrencyScopeError, match="'a'"):
            unit.append_many([event, event], concurrency={"b": ConcurrencyScope.at(1), "a": other})
    assert len(unit.events) == 4
    await unit.commit()
    (request,) = kernel.requests
    assert {label: scope.SequenceNumber for label, scope in request.ConcurrencyScopes.items()} == {"a": 3}
    assert len(request.ConcurrencyScopes["a"].EventTypes) == 2


async def test_what_is_expected_is_checked_also_without_any_event(
    unit: UnitOfWork, kernel: ScriptedKernel
) -> None:
    unit.expect("a", ConcurrencyScope.at(3))
    assert (await unit.commit()).is_success
    (request,) = kernel.requests
    assert not request.Events
    assert request.ConcurrencyScopes["a"].SequenceNumber == 3


@pytest.mark.row("S48")
async def test_events_that_disagree_about_their_causation_are_refused_and_those_that_agree_keep_it(
    log: EventSequence, unit: UnitOfWork, kernel: ScriptedKernel
) -> None:
    import_ = [Causation("Import", {"file": "a.csv"})]
    agreed = EventFor("a", FundsDeposited(1), causation=import_)
    for other in (EventFor("b", FundsDeposited(2)), EventFor("b", FundsDeposited(2), causation=[])):
        with pytest.raises(AppendError, match="causation"):
            await log.append_many([agreed, other])
        with pytest.raises(AppendError, match="causation"):
            unit.append_many([agreed, other])
    assert kernel.requests == []
    unit.append_many([agreed])
    with pytest.raises(AppendError, match="causation"):
        unit.append("b", FundsDeposited(2))
    await unit.commit()
    await log.append_many([agreed, EventFor("b", FundsDeposited(2), causation=list(import_))])
    of_unit, of_log = ([each.Type for each in request.Causation] for request in kernel.requests)
    assert of_unit == ["Import", "TransactionalEventSequence"]
    assert of_log[0] == "Import"


@pytest.mark.row("E183")
async def test_the_last_number_is_that_of_the_event_added_last_once_it_is_stored(
    unit: UnitOfWork, kernel: ScriptedKernel
) -> None:
    kernel.answers = [pb.AppendManyResponse(SequenceNumbers=[4, 5])]
    unit.append_many("a", [FundsDeposited(1), FundsDeposited(2)])
    assert unit.last_sequence_number is None
    await unit.commit()
    assert unit.last_sequence_number == 5


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
