"""Reducers and the read models that they make, over either channel (observation.md 5)."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
import pytest

from chronicle.contracts import observation_reducers_pb2 as pb
from chronicle.contracts.observation_reducers_pb2_grpc import ReducersStub
from chronicle.kernel.clients import Client
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.observation import Observer
from chronicle.kernel.read_models import ReadModelDefinition
from chronicle.values import UNAVAILABLE
from tests.integration.kernel.observation.scripted import HAPPENED, OTHER, World, handled, until

SCHEMA = json.dumps({"type": "object", "properties": {"count": {"type": "integer", "format": "int64"}}})


@pytest.fixture
async def world(kernel: Kernel) -> World:
    kernel.clients.connect(Client("client"))
    world = await World.of(kernel)
    await world.namespace.store.read_models.register([(ReadModelDefinition("Account"), SCHEMA)])
    return world


@pytest.fixture
def service(channel: grpc.aio.Channel) -> ReducersStub:
    return ReducersStub(channel)


def registration(connection: str = "client", *event_types: str, **reducer: Any) -> pb.ReducerMessage:
    wanted = [
        pb.EventTypeWithKeyExpression(
            EventType=pb.EventType(Id=event_type, Generation=1), Key="$eventSourceId"
        )
        for event_type in event_types or (HAPPENED,)
    ]
    fields = {
        "ReducerId": "accounts",
        "EventSequenceId": "event-log",
        "EventTypes": wanted,
        "ReadModel": "Account",
        "IsActive": True,
        **reducer,
    }
    register = pb.RegisterReducer(
        ConnectionId=connection,
        EventStore="world",
        Namespace="Default",
        Reducer=pb.ReducerDefinition(**fields),
    )
    return pb.ReducerMessage(Content=pb.OneOf_RegisterReducer_ReducerResult(Value0=register))


def result(batch: pb.ReduceOperationMessage, state: str = "", **changes: Any) -> pb.ReducerMessage:
    fields = {
        "Partition": batch.Partition,
        "State": pb.OBSERVATION_STATE_Success,
        "LastSuccessfulObservation": batch.Events[-1].Context.SequenceNumber,
        "ReadModelState": state,
        **changes,
    }
    return pb.ReducerMessage(
        Content=pb.OneOf_RegisterReducer_ReducerResult(Value1=pb.ReducerResult(**fields))
    )


Open = Callable[..., Awaitable[Any]]


@pytest.fixture
async def observe(service: ReducersStub, world: World) -> AsyncIterator[Open]:
    """Opens a stream, registers, and waits until the kernel says that it is registered."""
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
    return await world.observer("accounts")


async def document(world: World, key: str) -> str | None:
    found = (await world.namespace.sinks.container("Account").instances([key])).get(key)
    return None if found is None else found.document


@pytest.mark.row("O63", "O64", "O65")
async def test_states_come_back_are_kept_and_removed(observe: Open, world: World, observer: Observer) -> None:
    stream = await observe()
    await world.append("A A")
    batch = await stream.read()
    assert (batch.Partition, batch.InitialState, len(batch.Events)) == ("A", "", 2)
    await stream.write(result(batch, '{"count":2}'))
    await handled(observer, 1)
    await world.append("A")
    batch = await stream.read()
    assert batch.InitialState == '{"count":2}'
    await stream.write(result(batch))
    await handled(observer, 2)
    assert await document(world, "A") is None


@pytest.mark.row("O66")
async def test_a_failure_leaves_the_state(observe: Open, world: World, observer: Observer) -> None:
    stream = await observe()
    await world.append("A A")
    failure = {
        "State": pb.OBSERVATION_STATE_Failed,
        "ExceptionMessages": ["it broke"],
        "LastSuccessfulObservation": 0,
    }
    await stream.write(result(await stream.read(), '{"count":1}', **failure))
    await until(observer, lambda one: bool(one.state.failed))
    (failed,) = observer.state.failed
    assert failed.sequence_number == 0
    assert await document(world, "A") is None


@pytest.mark.row("O12", "O70")
@pytest.mark.parametrize(
    ("connection", "read_model", "cause"),
    [
        ("stranger", "Account", "Client 'stranger' is not connected"),
        ("client", "Unknown", "Read model with identifier 'Unknown' not found"),
    ],
)
async def test_what_cannot_be_registered_is_refused_in_the_known_words(
    service: ReducersStub, world: World, connection: str, read_model: str, cause: str
) -> None:
    stream = service.Observe(timeout=20)
    await stream.write(registration(connection, ReadModel=read_model))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stream.read()
    assert (
        "Failed to register reducer 'accounts' for event store 'world', namespace 'Default', event sequence "
        f"'event-log', connection '{connection}'. Root cause: {cause}"
    ) in (refused.value.details() or "")


async def test_an_unknown_sink_is_refused(service: ReducersStub, world: World) -> None:
    definition = ReadModelDefinition("Elsewhere", sink_type="Tape")
    await world.namespace.store.read_models.register([(definition, SCHEMA)])
    stream = service.Observe(timeout=20)
    await stream.write(registration(ReadModel="Elsewhere"))
    with pytest.raises(grpc.aio.AioRpcError, match="Projection sink type of 'Tape' is unknown"):
        await stream.read()


@pytest.mark.row("O72", "O146")
async def test_a_passive_reducer_is_registered_and_given_nothing(
    observe: Open, world: World, observer: Observer
) -> None:
    stream = await observe("stranger", IsActive=False)
    await world.append("A")
    assert not observer.is_subscribed
    assert not stream.done()
    definition = await world.namespace.store.observer_definitions.find("accounts")
    assert definition is not None
    assert not definition.is_active


@pytest.mark.row("O73")
async def test_turning_passive_on_the_same_connection_unsubscribes(
    observe: Open, world: World, observer: Observer
) -> None:
    await observe()
    assert observer.is_subscribed
    await observe(IsActive=False)
    assert not observer.is_subscribed


async def test_a_second_registration_on_a_stream_is_ignored(
    observe: Open, world: World, observer: Observer
) -> None:
    stream = await observe()
    await stream.write(registration("client", HAPPENED, OTHER))
    await world.append("A")
    await stream.write(result(await stream.read(), '{"count":1}'))
    await handled(observer, 0)
    assert await document(world, "A") == '{"count":1}'


@pytest.mark.row("O23")
async def test_a_batch_without_a_method_for_it_moves_nothing(
    observe: Open, world: World, observer: Observer
) -> None:
    stream = await observe()
    await world.append("A")
    await stream.write(result(await stream.read(), LastSuccessfulObservation=UNAVAILABLE))
    await world.append("B")
    await stream.write(result(await stream.read(), '{"count":1}'))
    await handled(observer, 1)
    assert observer.state.handled_count == 1
