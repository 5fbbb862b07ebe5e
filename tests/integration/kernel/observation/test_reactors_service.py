"""Reactors over either channel: registering, being given events, answering, leaving (observation.md 4)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
import pytest

from chronicle.contracts import observation_reactors_pb2 as pb
from chronicle.contracts.observation_reactors_pb2_grpc import ReactorsStub
from chronicle.kernel.clients import Client
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.observation import Observer
from chronicle.values import UNAVAILABLE
from tests.integration.kernel.observation.scripted import HAPPENED, World, event, handled, until


@pytest.fixture
async def world(kernel: Kernel) -> World:
    for connection_id in ("client", "another"):
        kernel.clients.connect(Client(connection_id))
    return await World.of(kernel)


@pytest.fixture
def service(channel: grpc.aio.Channel) -> ReactorsStub:
    return ReactorsStub(channel)


def registration(connection: str = "client", **reactor: Any) -> pb.ReactorMessage:
    event_type = pb.EventTypeWithKeyExpression(
        EventType=pb.EventType(Id=HAPPENED, Generation=1), Key="$eventSourceId"
    )
    fields = {"ReactorId": "welcome", "EventSequenceId": "event-log", "EventTypes": [event_type], **reactor}
    register = pb.RegisterReactor(
        ConnectionId=connection,
        EventStore="world",
        Namespace="Default",
        Reactor=pb.ReactorDefinition(**fields),
    )
    return pb.ReactorMessage(Content=pb.OneOf_RegisterReactor_ReactorResult(Value0=register))


def result(
    batch: pb.EventsToObserve,
    state: Any = pb.OBSERVATION_STATE_Success,
    last: int | None = None,
    **failure: Any,
) -> pb.ReactorMessage:
    if last is None:
        last = batch.Events[-1].Context.SequenceNumber
    answer = pb.ReactorResult(
        Partition=batch.Partition, State=state, LastSuccessfulObservation=last, **failure
    )
    return pb.ReactorMessage(Content=pb.OneOf_RegisterReactor_ReactorResult(Value1=answer))


def numbers(batch: pb.EventsToObserve) -> list[int]:
    return [appended.Context.SequenceNumber for appended in batch.Events]


Open = Callable[..., Awaitable[Any]]


@pytest.fixture
async def observe(service: ReactorsStub, world: World) -> AsyncIterator[Open]:
    """Opens a stream, registers, and waits until the kernel says that it is subscribed."""
    calls: list[Any] = []

    async def open_stream(*args: Any, **kwargs: Any) -> Any:
        call = service.Observe(timeout=20)
        calls.append(call)
        await call.write(registration(*args, **kwargs))
        await call.initial_metadata()
        return call

    yield open_stream
    for call in calls:
        call.cancel()


@pytest.fixture
async def observer(world: World) -> Observer:
    return await world.observer("welcome")


async def test_events_come_with_their_context_and_content(
    observe: Open, world: World, observer: Observer
) -> None:
    stream = await observe()
    await world.append(event("A", content='{"amount":5}', tags='["red"]'))
    batch = await stream.read()
    assert (batch.Partition, batch.ReplayState) == ("A", pb.REPLAY_STATE_None)
    (appended,) = batch.Events
    assert appended.Content == '{"amount":5}'
    context = appended.Context
    assert (context.EventStore, context.Namespace) == ("world", "Default")
    assert (context.EventType.Id, context.EventSourceId, context.SequenceNumber) == (HAPPENED, "A", 0)
    assert context.ObservationState == pb.EVENT_OBSERVATION_STATE_Initial
    assert list(context.Tags) == ["red"]
    await stream.write(result(batch))
    await handled(observer, 0)


@pytest.mark.row("O2", "O3")
async def test_a_new_reactor_catches_up_and_goes_on_live(
    observe: Open, world: World, observer: Observer
) -> None:
    await world.append("A B A")
    stream = await observe()
    batches = [await stream.read(), await stream.read()]
    assert {batch.Partition: numbers(batch) for batch in batches} == {"A": [0, 2], "B": [1]}
    for batch in batches:
        await stream.write(result(batch))
    await handled(observer, 2)
    await world.append("C")
    assert numbers(await stream.read()) == [3]


@pytest.mark.row("O33", "O44")
async def test_a_failure_is_kept_and_tried_again_on_the_next_registration(
    observe: Open, world: World, observer: Observer
) -> None:
    stream = await observe()
    await world.append("A")
    failure = {"ExceptionMessages": ["outer", "inner"], "ExceptionStackTrace": "line 1"}
    await stream.write(result(await stream.read(), pb.OBSERVATION_STATE_Failed, UNAVAILABLE, **failure))
    await until(observer, lambda one: bool(one.state.failed))
    (failed,) = observer.state.failed
    (attempt,) = failed.attempts
    assert (failed.partition, attempt.messages, attempt.stack_trace) == ("A", ("outer", "inner"), "line 1")
    stream.cancel()
    await until(observer, lambda one: not one.is_subscribed)
    stream = await observe()
    await stream.write(result(await stream.read()))
    await until(observer, lambda one: not one.state.failed)


@pytest.mark.row("O9", "O53")
async def test_a_stream_that_is_cancelled_leaves_its_batch_to_the_next(
    observe: Open, world: World, observer: Observer
) -> None:
    stream = await observe()
    await world.append("A")
    await stream.read()
    stream.cancel()
    await until(observer, lambda one: not one.is_subscribed)
    stream = await observe()
    assert numbers(await stream.read()) == [0]


async def test_a_stream_that_the_client_completes_ends_well(
    observe: Open, world: World, observer: Observer
) -> None:
    stream = await observe()
    await stream.done_writing()
    assert await stream.read() is grpc.aio.EOF
    assert await stream.code() is grpc.StatusCode.OK
    assert not observer.is_subscribed


@pytest.mark.row("O12", "O141")
async def test_a_connection_that_is_not_connected_is_refused_by_its_name(
    service: ReactorsStub, world: World
) -> None:
    stream = service.Observe(timeout=20)
    await stream.write(registration("stranger"))
    with pytest.raises(grpc.aio.AioRpcError, match="Client 'stranger' is not connected") as refused:
        await stream.read()
    assert refused.value.code() is grpc.StatusCode.UNKNOWN
    answer = await service.HasReactor(
        pb.HasReactorRequest(EventStore="world", Namespace="Default", ReactorId="welcome"), timeout=20
    )
    assert answer.Exists


@pytest.mark.row("O142")
async def test_a_reactor_is_known_with_its_sequence_in_every_namespace(
    observe: Open, service: ReactorsStub
) -> None:
    await observe(EventSequenceId="inbox-other")
    answer = await service.HasReactor(
        pb.HasReactorRequest(EventStore="world", Namespace="another", ReactorId="welcome"), timeout=20
    )
    assert (answer.Exists, answer.EventSequenceId) == (True, "inbox-other")
    answer = await service.HasReactor(
        pb.HasReactorRequest(EventStore="world", Namespace="Default", ReactorId="unknown"), timeout=20
    )
    assert (answer.Exists, answer.EventSequenceId) == (False, "")


@pytest.mark.row("O93")
@pytest.mark.parametrize(("sent", "kept"), [({}, True), ({"IsReplayable": False}, False)])
async def test_a_reactor_is_replayable_unless_it_says_no(
    observe: Open, world: World, sent: dict[str, bool], kept: bool
) -> None:
    await observe(**sent)
    definition = await world.namespace.store.observer_definitions.find("welcome")
    assert definition is not None
    assert definition.is_replayable is kept


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (registration(ReactorId=" "), "has no id"),
        (registration(EventSequenceId=""), "names no event sequence"),
        (pb.ReactorMessage(), "must be the registration"),
    ],
)
async def test_a_registration_that_cannot_be_one_is_refused(
    service: ReactorsStub, world: World, message: pb.ReactorMessage, says: str
) -> None:
    stream = service.Observe(timeout=20)
    await stream.write(message)
    with pytest.raises(grpc.aio.AioRpcError, match=says):
        await stream.read()


async def test_a_second_registration_on_a_stream_is_refused(observe: Open, observer: Observer) -> None:
    stream = await observe()
    await stream.write(registration())
    with pytest.raises(grpc.aio.AioRpcError, match="takes one registration"):
        await stream.read()
    await until(observer, lambda one: not one.is_subscribed)


@pytest.mark.row("O56")
async def test_two_connections_share_the_work(observe: Open, world: World, observer: Observer) -> None:
    streams = [await observe("client"), await observe("another")]
    handled_by: list[list[str]] = [[], []]

    async def work(index: int) -> None:
        async for batch in streams[index]:
            handled_by[index].append(batch.Partition)
            await streams[index].write(result(batch))

    workers = [asyncio.create_task(work(index)) for index in range(2)]
    await world.append(*(event(f"source-{number}") for number in range(20)))
    await handled(observer, 19)
    for worker in workers:
        worker.cancel()
    await asyncio.wait(workers)
    assert sorted(handled_by[0] + handled_by[1]) == sorted(f"source-{number}" for number in range(20))
    assert all(handled_by)


@pytest.mark.row("O62")
async def test_namespaces_have_nothing_to_do_with_each_other(
    observe: Open, world: World, service: ReactorsStub
) -> None:
    await observe()
    elsewhere = registration()
    elsewhere.Content.Value0.Namespace = "elsewhere"
    stream = service.Observe(timeout=20)
    await stream.write(elsewhere)
    await stream.initial_metadata()
    await world.append("A")
    namespace = await world.namespace.store.namespace("elsewhere")
    await World(namespace).append("B")
    async for batch in stream:
        assert batch.Partition == "B"
        break
    stream.cancel()


async def test_filters_hold_for_live_events(observe: Open, world: World) -> None:
    stream = await observe(Filters=pb.ObserverFilters(FilterTags=["red"]))
    await world.append("A", event("A", tags='["red"]'))
    assert numbers(await stream.read()) == [1]


async def test_a_kernel_that_closes_ends_the_streams_and_keeps_the_position(
    observe: Open, world: World, kernel: Kernel, observer: Observer
) -> None:
    stream = await observe()
    await world.append("A")
    await stream.write(result(await stream.read()))
    await handled(observer, 0)
    await kernel.close()
    assert not observer.is_subscribed
    with pytest.raises(grpc.aio.AioRpcError, match="closing") as ended:
        await stream.read()
    assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
