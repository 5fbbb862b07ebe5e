"""A reactor and its batches: what handlers get and see, and what the kernel is told (observation.md 12.3)."""

import asyncio
import contextvars
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import pytest

from chronicle.context import (
    Causation,
    Identity,
    causation,
    current_causation,
    current_correlation_id,
    current_identity,
    identity,
    set_identity,
)
from chronicle.contracts import observation_reactors_pb2 as pb
from chronicle.event_sequences.event_for import EventFor
from chronicle.event_sequences.results import AppendManyResult
from chronicle.events.event_context import EventContext
from chronicle.events.event_types import event_type
from chronicle.observation.arguments import HandlerArguments
from chronicle.observation.declarations import reactor, reactor_of
from chronicle.observation.reactors import Reactor
from chronicle.serialization import Serializer
from chronicle.values import NO_GUID, UNAVAILABLE
from chronicle.violations import ConcurrencyViolation, ConstraintType, ConstraintViolation
from tests.unit.observation.messages import CORRELATION_ID, reactor_event, to_observe

OPENED, CLOSED = '{"owner":"Ann"}', '{"reason":"bored"}'


@event_type("opened")
@dataclass
class Opened:
    owner: str


@event_type("closed")
@dataclass
class Closed:
    reason: str


@event_type("opened", generation=2)
@dataclass
class OpenedAnew:
    owners: list[str]


Work = Callable[[Any], Reactor]


class Log:
    """Takes side effects, and refuses them if told so."""

    def __init__(self) -> None:
        self.appends: list[Sequence[EventFor]] = []
        self.result = AppendManyResult(CORRELATION_ID)
        self.surroundings: list[tuple[Identity, tuple[Causation, ...]]] = []

    async def append(self, events: Sequence[EventFor]) -> AppendManyResult:
        self.appends.append(events)
        self.surroundings.append((current_identity(), current_causation()))
        return self.result


@pytest.fixture
def log() -> Log:
    return Log()


def make(target: Any, log: Log, arguments: HandlerArguments | None = None) -> Reactor:
    return Reactor(
        reactor_of(target),
        serializer=Serializer(),
        append=log.append,
        arguments=arguments or HandlerArguments(),
    )


@pytest.fixture
def work(log: Log) -> Work:
    return lambda target: make(reactor(target), log)


async def result_of(worker: Reactor, *events: pb.AppendedEvent) -> pb.ReactorResult:
    answer = await worker.handle(to_observe(*events))
    assert answer is not None
    assert not answer.Content.HasField("Value0")
    return answer.Content.Value1


def three() -> list[pb.AppendedEvent]:
    return [reactor_event("opened", f'{{"owner":"{owner}"}}', number=4 + i) for i, owner in enumerate("abc")]


def test_it_registers_with_everything_said_explicitly(log: Log) -> None:
    @reactor(id="welcome")
    class Welcome:
        def opened(self, event: OpenedAnew) -> None: ...
        def closed(self, event: Closed) -> None: ...

    worker = make(Welcome, log)

    message = worker.register("c-1", event_store="bank", namespace="Default")

    assert not message.Content.HasField("Value1")
    registration = message.Content.Value0
    assert (registration.ConnectionId, registration.EventStore, registration.Namespace) == (
        "c-1",
        "bank",
        "Default",
    )
    definition = registration.Reactor
    assert (definition.ReactorId, definition.EventSequenceId) == ("welcome", "event-log")
    assert definition.HasField("IsReplayable")
    assert definition.IsReplayable
    assert [(each.EventType.Id, each.EventType.Generation, each.Key) for each in definition.EventTypes] == [
        ("opened", 2, "$eventSourceId"),
        ("closed", 1, "$eventSourceId"),
    ]
    assert definition.Filters.EventStreamType == "All"


@pytest.mark.row("S95")
def test_a_reactor_that_is_once_only_registers_as_not_replayable(log: Log) -> None:
    @reactor(once_only=True)
    async def welcome(event: Opened) -> None: ...

    message = make(welcome, log).register("c-1", event_store="bank", namespace="Default")

    definition = message.Content.Value0.Reactor
    # Left out it would be taken for true.
    assert definition.HasField("IsReplayable")
    assert not definition.IsReplayable


@pytest.mark.row("S89")
async def test_each_event_goes_to_its_handler_in_order(work: Work) -> None:
    seen: list[Any] = []

    class Welcome:
        async def opened(self, event: Opened, context: EventContext) -> None:
            seen.append((event, context.sequence_number, context.event_source_id, context.occurred.year))

        async def closed(self, event: Closed) -> None:
            seen.append(event)

    result = await result_of(
        work(Welcome),
        reactor_event("opened", OPENED, number=7),
        reactor_event("closed", CLOSED, number=9),
    )

    assert seen == [(Opened("Ann"), 7, "account-42", 2024), Closed("bored")]
    assert (result.Partition, result.State, result.LastSuccessfulObservation) == (
        "account-42",
        pb.OBSERVATION_STATE_Success,
        9,
    )
    assert not result.ExceptionMessages


async def test_an_event_without_a_handler_counts_as_handled(work: Work) -> None:
    async def welcome(event: Opened) -> None: ...

    result = await result_of(work(welcome), reactor_event("unheard-of", "no JSON", number=3))

    assert (result.State, result.LastSuccessfulObservation) == (pb.OBSERVATION_STATE_Success, 3)


@pytest.mark.row("S90", "S182")
async def test_the_first_failure_ends_the_batch_and_the_one_before_is_the_last_successful(work: Work) -> None:
    seen = []

    async def welcome(event: Opened) -> None:
        seen.append(event.owner)
        if event.owner == "b":
            try:
                raise KeyError("inner")
            except KeyError as error:
                raise ValueError("outer") from error

    result = await result_of(work(welcome), *three())

    assert seen == ["a", "b"]
    assert (result.State, result.LastSuccessfulObservation) == (pb.OBSERVATION_STATE_Failed, 4)
    assert list(result.ExceptionMessages) == ["outer", "'inner'"]
    assert "ValueError: outer" in result.ExceptionStackTrace
    assert "KeyError: 'inner'" in result.ExceptionStackTrace


@pytest.mark.row("S90")
async def test_nothing_handled_is_the_unavailable_number(work: Work) -> None:
    async def welcome(event: Opened) -> None:
        raise ValueError

    result = await result_of(work(welcome), *three())

    assert result.LastSuccessfulObservation == UNAVAILABLE
    assert list(result.ExceptionMessages) == ["ValueError"]


@pytest.mark.row("S116")
async def test_an_event_that_cannot_be_decoded_fails_the_partition(work: Work) -> None:
    async def welcome(event: Opened) -> None: ...

    result = await result_of(
        work(welcome), reactor_event("opened", OPENED, number=1), reactor_event("opened", "{}", number=2)
    )

    assert (result.State, result.LastSuccessfulObservation) == (pb.OBSERVATION_STATE_Failed, 1)
    assert "Event 2 of type 'opened' cannot be read as Opened" in result.ExceptionMessages[0]


@pytest.mark.row("O196", "S184")
async def test_an_instance_that_cannot_be_made_fails_the_batch_with_that_error(work: Work) -> None:
    class Welcome:
        def __init__(self) -> None:
            raise ConnectionError("no mail server")

        async def opened(self, event: Opened) -> None: ...

    result = await result_of(work(Welcome), *three())

    assert (result.State, result.LastSuccessfulObservation) == (pb.OBSERVATION_STATE_Failed, UNAVAILABLE)
    assert list(result.ExceptionMessages) == ["no mail server"]


async def test_every_batch_has_an_instance_of_its_own(work: Work) -> None:
    instances = []

    class Welcome:
        async def opened(self, event: Opened) -> None:
            instances.append(self)

    worker = work(Welcome)
    await result_of(worker, *three())
    await result_of(worker, *three())

    assert len(instances) == 6
    assert len(set(map(id, instances))) == 2


async def test_a_failure_is_in_the_log_of_the_application_too(
    work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    async def welcome(event: Opened) -> None:
        raise ValueError("no mail server")

    worker = work(welcome)
    with caplog.at_level(logging.ERROR, "chronicle.observation"):
        await result_of(worker, *three())

    assert "no mail server" in caplog.text
    assert "Traceback" in caplog.text
    assert worker.last_failure is not None
    assert worker.handled == 0


async def test_what_cannot_be_written_as_utf8_does_not_spoil_the_answer(work: Work) -> None:
    async def welcome(event: Opened) -> None:
        raise ValueError("half a pair: \ud83d")

    result = await result_of(work(welcome), *three())

    assert list(result.ExceptionMessages) == ["half a pair: ?"]


async def test_the_messages_of_a_group_are_all_told(work: Work) -> None:
    async def welcome(event: Opened) -> None:
        raise ExceptionGroup("both", [ValueError("one"), ValueError("two")])

    result = await result_of(work(welcome), *three())

    assert list(result.ExceptionMessages) == ["both (2 sub-exceptions)", "one", "two"]


async def test_a_handler_whose_own_task_was_cancelled_fails_like_any_other(work: Work) -> None:
    async def welcome(event: Opened) -> None:
        task = asyncio.create_task(asyncio.sleep(3600))
        await asyncio.sleep(0)
        task.cancel()
        await task

    result = await result_of(work(welcome), *three())

    assert result.State == pb.OBSERVATION_STATE_Failed


async def test_a_batch_that_is_cancelled_has_no_answer(work: Work) -> None:
    started = asyncio.Event()

    async def welcome(event: Opened) -> None:
        started.set()
        await asyncio.Event().wait()

    handling = asyncio.create_task(work(welcome).handle(to_observe(*three())))
    await started.wait()
    handling.cancel()

    with pytest.raises(asyncio.CancelledError):
        await handling


@pytest.mark.row("O137", "S187")
@pytest.mark.parametrize("state", [1, 2, 3, 4])
async def test_a_notification_about_a_replay_has_no_answer(
    work: Work, state: pb.ReplayState.ValueType
) -> None:
    async def welcome(event: Opened) -> None: ...

    assert await work(welcome).handle(pb.EventsToObserve(ReplayState=state)) is None


async def test_a_plain_function_runs_in_a_thread_with_the_same_surroundings(work: Work) -> None:
    seen = []

    def welcome(event: Opened) -> None:
        seen.append((threading.current_thread() is threading.main_thread(), current_correlation_id()))

    result = await result_of(work(welcome), reactor_event("opened", OPENED))

    assert seen == [(False, CORRELATION_ID)]
    assert result.State == pb.OBSERVATION_STATE_Success


async def test_a_plain_wrapper_around_a_coroutine_function_is_awaited(work: Work) -> None:
    seen = []

    def noisy(function: Callable[[Opened], Awaitable[None]]) -> Callable[[Opened], Awaitable[None]]:
        @wraps(function)
        def wrapper(event: Opened) -> Awaitable[None]:
            return function(event)

        return wrapper

    @noisy
    async def welcome(event: Opened) -> None:
        seen.append(event)

    await result_of(work(welcome), reactor_event("opened", OPENED))

    assert seen == [Opened("Ann")]


@pytest.mark.row("O195", "S186")
async def test_content_comes_in_the_generation_that_the_handler_takes(work: Work) -> None:
    seen = []

    async def welcome(event: OpenedAnew, context: EventContext) -> None:
        seen.append((event, context.generation))

    await result_of(
        work(welcome), reactor_event("opened", OPENED, generation=1, generations={2: '{"owners":["Ann"]}'})
    )

    assert seen == [(OpenedAnew(["Ann"]), 2)]


@pytest.mark.row("O195")
async def test_without_that_generation_the_delivered_content_is_used(work: Work) -> None:
    seen = []

    async def welcome(event: OpenedAnew, context: EventContext) -> None:
        seen.append((event, context.generation))

    await result_of(work(welcome), reactor_event("opened", '{"owners":["Ann"]}', generation=1))

    assert seen == [(OpenedAnew(["Ann"]), 1)]


@pytest.mark.row("S177")
async def test_the_system_acts_on_behalf_of_whoever_caused_the_event(work: Work) -> None:
    seen: list[Any] = []

    async def welcome(event: Opened) -> None:
        seen.append((current_identity(), current_correlation_id(), current_causation()[-1]))

    ann = pb.Identity(Subject="ann", Name="Ann", UserName="ann@example.com")
    await result_of(work(welcome), reactor_event("opened", OPENED, number=7, caused_by=ann))

    [(acting, correlation_id, entry)] = seen
    assert list(acting.chain()) == [
        Identity("5d032c92-9d5e-41eb-947a-ee5314ed0032", "[System]", "[System]", acting.on_behalf_of),
        Identity("ann", "Ann", "ann@example.com"),
    ]
    assert correlation_id == CORRELATION_ID
    assert entry.type == "Client Reactor"
    assert dict(entry.properties) == {
        "ReactorId": reactor_of(welcome).id,
        "eventTypeId": "opened",
        "eventTypeGeneration": "1",
        "eventSequenceId": "event-log",
        "eventSequenceNumber": "7",
    }


@pytest.mark.row("S177")
async def test_repeated_subjects_are_removed(work: Work) -> None:
    seen = []

    async def welcome(event: Opened) -> None:
        seen.append(current_identity())

    system = pb.Identity(Subject=Identity.SYSTEM.subject, Name="[System]", UserName="[System]")
    await result_of(work(welcome), reactor_event("opened", OPENED, caused_by=system))
    await result_of(work(welcome), reactor_event("opened", OPENED))

    assert seen == [Identity.SYSTEM, Identity.SYSTEM]


async def test_an_event_without_a_correlation_id_gets_a_new_one(work: Work) -> None:
    seen = set()

    async def welcome(event: Opened) -> None:
        seen.add(current_correlation_id())

    await result_of(
        work(welcome), *(reactor_event("opened", OPENED, correlation_id=NO_GUID) for _ in range(2))
    )

    assert len(seen) == 2
    assert NO_GUID not in seen


@pytest.mark.row("S178")
@pytest.mark.parametrize("fails", [False, True])
async def test_what_was_ambient_before_is_back_afterwards(work: Work, fails: bool) -> None:
    someone = Identity("someone", "Someone")

    async def welcome(event: Opened) -> None:
        set_identity(Identity("changed", "Changed"))
        if fails:
            raise ValueError

    with identity(someone), causation("Before"):
        before = (current_correlation_id(), current_causation())
        await result_of(work(welcome), *three())
        assert current_identity() == someone
        assert (current_correlation_id(), current_causation()) == before


async def test_what_a_handler_sets_does_not_reach_the_next_event(work: Work) -> None:
    seen = []

    async def welcome(event: Opened) -> None:
        seen.append(current_identity())
        set_identity(Identity("changed", "Changed"))

    await result_of(work(welcome), *three())

    assert seen == [Identity.SYSTEM] * 3


@pytest.mark.row("S103", "O134")
async def test_a_returned_event_is_appended_to_the_source_that_triggered_it(work: Work, log: Log) -> None:
    async def welcome(event: Opened) -> Closed:
        return Closed("at once")

    result = await result_of(work(welcome), reactor_event("opened", OPENED, source="account-1", number=2))

    assert log.appends == [[EventFor("account-1", Closed("at once"))]]
    assert result.State == pb.OBSERVATION_STATE_Success
    [(acting, chain)] = log.surroundings
    assert acting == Identity.SYSTEM
    assert chain[-1].type == "Client Reactor"


@pytest.mark.row("S104", "S105", "S106", "O134")
async def test_a_mixed_list_is_one_append_with_explicit_targets_as_given(work: Work, log: Log) -> None:
    elsewhere = EventFor("account-2", Closed("b"), stream_type="Onboarding", tags=("x",))

    async def welcome(event: Opened) -> list[Closed | EventFor]:
        return [Closed("a"), elsewhere]

    await result_of(work(welcome), reactor_event("opened", OPENED, source="account-1"))

    assert log.appends == [[EventFor("account-1", Closed("a")), elsewhere]]


@pytest.mark.row("S109")
@pytest.mark.parametrize("nothing", [None, [], ()])
async def test_nothing_returned_is_nothing_appended(work: Work, log: Log, nothing: object) -> None:
    async def welcome(event: Opened) -> object:
        return nothing

    result = await result_of(work(welcome), reactor_event("opened", OPENED))

    assert log.appends == []
    assert result.State == pb.OBSERVATION_STATE_Success


@pytest.mark.row("S109", "S188")
async def test_what_cannot_be_appended_is_named_in_a_warning_and_the_rest_is_appended(
    work: Work, log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    async def welcome(event: Opened) -> list[object]:
        return [Closed("a"), 42]

    with caplog.at_level(logging.WARNING, "chronicle.observation"):
        result = await result_of(work(welcome), reactor_event("opened", OPENED))

    assert log.appends == [[EventFor("account-42", Closed("a"))]]
    assert "welcome returned a int, which is neither an event nor an EventFor" in caplog.text
    assert result.State == pb.OBSERVATION_STATE_Success


@pytest.mark.row("S108", "O135")
async def test_a_refused_side_effect_fails_the_event_with_the_kernels_reasons(work: Work, log: Log) -> None:
    async def welcome(event: Opened) -> list[EventFor]:
        return [EventFor("a", Closed("x")), EventFor("b", Closed("y")), EventFor("a", Closed("z"))]

    log.result = AppendManyResult(
        CORRELATION_ID,
        constraint_violations=(
            ConstraintViolation(ConstraintType.UNIQUE, "OneReason", "closed", "Already there", 3, {}),
        ),
        concurrency_violations=(ConcurrencyViolation("", 1, 2),),
        errors=("Out of order",),
    )

    result = await result_of(work(welcome), *three())

    assert (result.State, result.LastSuccessfulObservation) == (pb.OBSERVATION_STATE_Failed, UNAVAILABLE)
    assert list(result.ExceptionMessages) == [
        "Append failure 1: Failed appending to event source id(s) 'a', 'b'",
        "Append failure 1: Constraint violation for event type 'closed': Already there",
        "Append failure 1: Concurrency violation",
        "Append failure 1: Out of order",
    ]
    assert result.ExceptionStackTrace == ""


async def test_handlers_see_what_was_ambient_where_the_batch_is_handled(work: Work) -> None:
    tenant: contextvars.ContextVar[str] = contextvars.ContextVar("tenant")
    seen = []

    async def welcome(event: Opened) -> None:
        seen.append(tenant.get())

    tenant.set("north")
    await result_of(work(welcome), reactor_event("opened", OPENED))

    assert seen == ["north"]
