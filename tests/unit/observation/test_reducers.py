"""A reducer and its batches: the fold, its answer, and what a failure takes back (observation.md 5)."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from chronicle.contracts import observation_reducers_pb2 as pb
from chronicle.events.event_context import EventContext
from chronicle.events.event_types import event_type
from chronicle.observation.arguments import HandlerArguments
from chronicle.observation.declarations import reducer, reducer_of
from chronicle.observation.reducers import Reducer
from chronicle.serialization import Serializer
from chronicle.values import UNAVAILABLE
from tests.unit.observation.messages import reducer_event, to_reduce


@event_type("deposited")
@dataclass
class Deposited:
    amount: int


@event_type("closed")
@dataclass
class Closed:
    reason: str


@dataclass
class Account:
    balance: int
    last_number: int | None = None
    tags: tuple[str, ...] = ()


@reducer(model=Account, id="accounts")
class Accounts:
    def deposited(self, event: Deposited, current: Account | None, context: EventContext) -> Account:
        if event.amount < 0:
            raise ValueError("a negative deposit")
        return Account((current.balance if current else 0) + event.amount, context.sequence_number)

    async def closed(self, event: Closed, current: Account | None) -> None:
        return None


Work = Callable[[Any], Reducer]


@pytest.fixture
def work() -> Work:
    return lambda target: Reducer(
        reducer_of(target), read_model="Account", serializer=Serializer(), arguments=HandlerArguments()
    )


async def result_of(worker: Reducer, *events: pb.AppendedEvent, initial: str = "") -> pb.ReducerResult:
    answer = await worker.handle(to_reduce(*events, initial=initial))
    assert answer is not None
    assert not answer.Content.HasField("Value0")
    return answer.Content.Value1


def deposits(*amounts: int) -> list[pb.AppendedEvent]:
    return [
        reducer_event("deposited", json.dumps({"amount": each}), number=10 + i)
        for i, each in enumerate(amounts)
    ]


@pytest.mark.parametrize("is_active", [True, False])
def test_it_registers_with_its_read_model(work: Work, is_active: bool) -> None:
    @reducer(model=Account, id="accounts", active=is_active)
    class Some:
        def deposited(self, event: Deposited, current: Account | None) -> Account | None: ...

    message = work(Some).register("c-1", event_store="bank", namespace="north")

    assert not message.Content.HasField("Value1")
    registration = message.Content.Value0
    assert (registration.ConnectionId, registration.EventStore, registration.Namespace) == (
        "c-1",
        "bank",
        "north",
    )
    definition = registration.Reducer
    assert (definition.ReducerId, definition.EventSequenceId, definition.ReadModel) == (
        "accounts",
        "event-log",
        "Account",
    )
    assert definition.IsActive is is_active
    assert [(each.EventType.Id, each.Key) for each in definition.EventTypes] == [
        ("deposited", "$eventSourceId")
    ]
    assert definition.Filters.EventStreamType == "All"


@pytest.mark.row("S117")
async def test_the_first_event_starts_from_none(work: Work) -> None:
    result = await result_of(work(Accounts), *deposits(5))

    assert (result.Partition, result.State, result.LastSuccessfulObservation) == (
        "account-42",
        pb.OBSERVATION_STATE_Success,
        10,
    )
    assert json.loads(result.ReadModelState) == {"balance": 5, "lastNumber": 10, "tags": []}


async def test_a_batch_is_folded_from_the_initial_state_and_only_the_final_one_is_told(work: Work) -> None:
    result = await result_of(
        work(Accounts),
        *deposits(1, 2, 3),
        initial='{"balance":100,"__lastHandledEventSequenceNumber":9}',
    )

    assert json.loads(result.ReadModelState)["balance"] == 106
    assert result.LastSuccessfulObservation == 12


@pytest.mark.row("S119")
async def test_none_removes_the_instance_and_a_later_event_starts_anew(work: Work) -> None:
    closed = reducer_event("closed", '{"reason":"bored"}', number=20)

    removed = await result_of(work(Accounts), *deposits(1), closed)
    again = await result_of(work(Accounts), *deposits(1), closed, *deposits(7))

    assert (removed.State, removed.ReadModelState) == (pb.OBSERVATION_STATE_Success, "")
    assert json.loads(again.ReadModelState)["balance"] == 7


@pytest.mark.row("S118")
async def test_a_failure_takes_the_whole_batch_back(work: Work) -> None:
    worker = work(Accounts)

    result = await result_of(worker, *deposits(1, -1, 3), initial='{"balance":100}')

    assert (result.State, result.LastSuccessfulObservation) == (pb.OBSERVATION_STATE_Failed, UNAVAILABLE)
    assert list(result.ExceptionMessages) == ["a negative deposit"]
    assert "ValueError" in result.ExceptionStackTrace
    assert result.ReadModelState == ""
    assert worker.handled == 0


async def test_an_event_without_a_handler_leaves_the_state_alone(work: Work) -> None:
    result = await result_of(
        work(Accounts), reducer_event("unheard-of", "{}", number=3), initial='{"balance":7}'
    )

    assert (result.State, result.LastSuccessfulObservation) == (pb.OBSERVATION_STATE_Success, 3)
    assert json.loads(result.ReadModelState)["balance"] == 7


@pytest.mark.parametrize(
    ("events", "initial"),
    [([reducer_event("deposited", "{}")], ""), (deposits(1), '{"balance":"much"}')],
    ids=["event", "state"],
)
async def test_what_cannot_be_decoded_fails_the_batch(
    work: Work, events: list[pb.AppendedEvent], initial: str
) -> None:
    result = await result_of(work(Accounts), *events, initial=initial)

    assert (result.State, result.LastSuccessfulObservation) == (pb.OBSERVATION_STATE_Failed, UNAVAILABLE)
    assert "fit" in result.ExceptionMessages[0]


async def test_a_result_that_is_no_state_fails_the_batch(work: Work) -> None:
    @reducer(model=Account)
    class Some:
        def deposited(self, event: Deposited, current: Account | None) -> Any:
            return 42

    result = await result_of(work(Some), *deposits(1))

    assert "deposited returned a int. The new state is a Account, or None" in result.ExceptionMessages[0]


async def test_a_reducer_that_cannot_be_made_fails_the_batch(work: Work) -> None:
    @reducer(model=Account)
    class Some:
        def __init__(self) -> None:
            raise ConnectionError("why connect")

        def deposited(self, event: Deposited, current: Account | None) -> None: ...

    result = await result_of(work(Some), *deposits(1))

    assert list(result.ExceptionMessages) == ["why connect"]


async def test_a_notification_about_a_replay_has_no_answer(work: Work) -> None:
    worker = work(Accounts)
    assert await worker.handle(pb.ReduceOperationMessage(ReplayState=pb.REPLAY_STATE_BeginReplay)) is None


async def test_events_that_are_replayed_are_answered_like_others(work: Work) -> None:
    batch = to_reduce(*deposits(5))
    batch.ReplayState = pb.REPLAY_STATE_BeginReplay
    assert await work(Accounts).handle(batch) is not None
