"""Scopes for appends that are given none (events.md 6)."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.errors import ConcurrencyError
from chronicle.event_sequences.concurrency import NO_CONCURRENCY_CHECK, ConcurrencyScope
from chronicle.event_sequences.concurrency_strategies import (
    AppendTarget,
    ConcurrencyStrategy,
    LastSeen,
    OptimisticConcurrency,
    SeenTails,
)
from chronicle.event_sequences.event_for import EventFor
from chronicle.event_sequences.event_sequence import EventSequence
from chronicle.store_access import StoreAccess
from chronicle.values import UNAVAILABLE
from tests.unit.event_sequences.scripted import FundsDeposited, ScriptedKernel

MakeLog = Callable[[ConcurrencyStrategy], EventSequence]


@pytest.fixture
def log_with(store: StoreAccess) -> MakeLog:
    return lambda strategy: EventSequence(replace(store, concurrency=strategy), "event-log")


def tail(number: int) -> pb.GetTailSequenceNumberResponse:
    return pb.GetTailSequenceNumberResponse(SequenceNumber=number)


def filters(message: pb.GetTailSequenceNumberRequest | pb.ConcurrencyScope) -> tuple[str, str, str]:
    return message.EventSourceType, message.EventStreamType, message.EventStreamId


@pytest.mark.row("E45", "S162")
async def test_the_scope_has_the_tail_and_the_filters_of_the_look_at_it(
    log_with: MakeLog, kernel: ScriptedKernel
) -> None:
    kernel.answers = [tail(4), pb.AppendResponse(SequenceNumber=5)]
    log = log_with(OptimisticConcurrency())
    await log.append("a", FundsDeposited(1), source_type="account", stream_type="yearly", stream_id="2026")
    look, append = kernel.requests
    assert (look.EventSourceId, *filters(look)) == ("a", "account", "yearly", "2026")
    scope = append.ConcurrencyScope
    assert (scope.SequenceNumber, scope.EventSourceId) == (4, True)
    assert filters(scope) == filters(look)
    assert not scope.EventTypes


@pytest.mark.row("E45")
async def test_of_the_default_places_neither_look_nor_scope_is_narrowed_to_them(
    log_with: MakeLog, kernel: ScriptedKernel
) -> None:
    kernel.answers = [tail(4)]
    log = log_with(OptimisticConcurrency())
    await log.append("a", FundsDeposited(1), source_type="Default", stream_type="All", stream_id="Default")
    look, append = kernel.requests
    assert filters(look) == filters(append.ConcurrencyScope) == ("", "", "")


@pytest.mark.row("E43", "S162")
async def test_where_no_event_is_yet_nothing_is_checked_unless_asked_for(
    log_with: MakeLog, kernel: ScriptedKernel
) -> None:
    kernel.answers = [tail(UNAVAILABLE), pb.AppendResponse(), tail(UNAVAILABLE)]
    await log_with(OptimisticConcurrency()).append("a", FundsDeposited(1))
    await log_with(OptimisticConcurrency(check_first_append=True)).append("a", FundsDeposited(1))
    unchecked, checked = (kernel.requests[index].ConcurrencyScope for index in (1, 3))
    assert (unchecked.SequenceNumber, unchecked.ExpectsNoMatchingEvent) == (UNAVAILABLE, False)
    assert (checked.ExpectsNoMatchingEvent, checked.EventSourceId) == (True, True)


async def test_what_was_appended_or_read_is_remembered_and_not_asked_for(
    log_with: MakeLog, kernel: ScriptedKernel
) -> None:
    log = log_with(OptimisticConcurrency())
    kernel.answers = [
        pb.GetForEventSourceIdAndEventTypesResponse(
            Events=[
                pb.AppendedEvent(
                    Context=pb.EventContext(
                        SequenceNumber=8, EventType=pb.EventType(Id="funds-deposited", Generation=2)
                    ),
                    Content='{"amount": 1}',
                )
            ]
        ),
        pb.AppendResponse(SequenceNumber=9),
        pb.AppendManyResponse(SequenceNumbers=[12, 13]),
    ]
    await log.events_for("a")
    await log.append("a", FundsDeposited(1))
    await log.append_many("a", [FundsDeposited(2), FundsDeposited(3)])
    await log.append("a", FundsDeposited(4))
    _, first, batch, last = kernel.requests
    assert first.ConcurrencyScope.SequenceNumber == 8
    assert batch.ConcurrencyScopes["a"].SequenceNumber == 9
    assert last.ConcurrencyScope.SequenceNumber == 13


async def test_a_read_of_some_types_only_does_not_count_as_having_seen_the_place(
    log_with: MakeLog, kernel: ScriptedKernel
) -> None:
    log = log_with(OptimisticConcurrency())
    await log.events_for("a", FundsDeposited)
    await log.tail("a", event_types=[FundsDeposited])
    kernel.answers = [tail(3)]
    await log.append("a", FundsDeposited(1))
    assert kernel.requests[-1].ConcurrencyScope.SequenceNumber == 3


async def test_after_a_refusal_the_kernel_is_asked_again(log_with: MakeLog, kernel: ScriptedKernel) -> None:
    log = log_with(OptimisticConcurrency())
    violation = pb.ConcurrencyViolation(ExpectedSequenceNumber=1, ActualSequenceNumber=2)
    refusal = pb.AppendResponse(SequenceNumber=UNAVAILABLE, ConcurrencyViolation=violation)
    kernel.answers = [tail(1), refusal, tail(2)]
    with pytest.raises(ConcurrencyError):
        await log.append("a", FundsDeposited(1))
    await log.append("a", FundsDeposited(1))
    assert kernel.requests[-1].ConcurrencyScope.SequenceNumber == 2


async def test_an_own_append_to_one_stream_leaves_the_others_of_its_source_unseen(
    log_with: MakeLog, kernel: ScriptedKernel
) -> None:
    log = log_with(OptimisticConcurrency())
    kernel.answers = [tail(1), pb.AppendResponse(SequenceNumber=2), tail(3), pb.AppendResponse(), tail(4)]
    await log.append("a", FundsDeposited(1))
    await log.append("a", FundsDeposited(1), stream_type="yearly")
    await log.append("a", FundsDeposited(1))
    numbers = [kernel.requests[index].ConcurrencyScope.SequenceNumber for index in (1, 3, 5)]
    assert numbers == [1, 3, 4]


async def test_a_scope_that_is_given_is_sent_as_it_is(log_with: MakeLog, kernel: ScriptedKernel) -> None:
    log = log_with(OptimisticConcurrency())
    await log.append("a", FundsDeposited(1), concurrency=NO_CONCURRENCY_CHECK)
    await log.append("b", FundsDeposited(1), concurrency=ConcurrencyScope.at(7))
    assert [request.ConcurrencyScope.SequenceNumber for request in kernel.requests] == [UNAVAILABLE, 7]


@pytest.mark.row("S47")
async def test_for_a_batch_each_source_without_a_scope_is_asked_about_once_by_its_first_event(
    log_with: MakeLog, kernel: ScriptedKernel
) -> None:
    log = log_with(OptimisticConcurrency())
    kernel.answers = [tail(5), tail(6)]
    await log.append_many(
        [
            EventFor("a", FundsDeposited(1), stream_type="yearly"),
            EventFor("a", FundsDeposited(2), stream_type="monthly"),
            EventFor("b", FundsDeposited(3)),
            EventFor("c", FundsDeposited(4)),
        ],
        concurrency={"c": ConcurrencyScope.at(1)},
    )
    *looks, batch = kernel.requests
    assert [(look.EventSourceId, look.EventStreamType) for look in looks] == [("a", "yearly"), ("b", "")]
    assert {label: scope.SequenceNumber for label, scope in batch.ConcurrencyScopes.items()} == {
        "a": 5,
        "b": 6,
        "c": 1,
    }


async def test_a_unit_of_work_asks_when_it_commits(log_with: MakeLog, kernel: ScriptedKernel) -> None:
    log = log_with(OptimisticConcurrency())
    unit = log.transactional.unit_of_work()
    unit.append("a", FundsDeposited(1))
    unit.append("b", FundsDeposited(1), concurrency=NO_CONCURRENCY_CHECK)
    assert kernel.requests == []
    kernel.answers = [tail(5)]
    await unit.commit()
    look, batch = kernel.requests
    assert look.EventSourceId == "a"
    assert {label: scope.SequenceNumber for label, scope in batch.ConcurrencyScopes.items()} == {"a": 5}


class OnlyTheFirst:
    """Expects of every append that it is the first one."""

    async def scope_for(self, target: AppendTarget, last_seen: LastSeen) -> ConcurrencyScope:
        return ConcurrencyScope.expect_none().for_source(target.event_source_id)


async def test_a_strategy_of_ones_own_decides(log_with: MakeLog, kernel: ScriptedKernel) -> None:
    await log_with(OnlyTheFirst()).append("a", FundsDeposited(1))
    (append,) = kernel.requests
    assert append.ConcurrencyScope.ExpectsNoMatchingEvent


async def test_of_many_places_those_used_last_are_remembered() -> None:
    asked: list[str] = []

    async def ask(target: AppendTarget) -> int:
        asked.append(target.event_source_id)
        return 1

    seen = SeenTails(ask, capacity=2)
    for source in ("a", "b", "a", "c", "a", "b"):
        assert await seen.last_seen(AppendTarget(source)) == 1
    assert asked == ["a", "b", "c", "b"]


def test_something_older_than_what_was_seen_changes_nothing() -> None:
    async def ask(target: AppendTarget) -> int | None:
        raise AssertionError(target)

    seen = SeenTails(ask)
    target = AppendTarget("a")
    for number in (3, None, 2):
        seen.see(target, number)
    coroutine = seen.last_seen(target)
    with pytest.raises(StopIteration) as stopped:
        coroutine.send(None)
    assert stopped.value.value == 3
