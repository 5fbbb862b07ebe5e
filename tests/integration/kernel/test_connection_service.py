"""The session of a client with the kernel, over either channel (connection.md 5)."""

import asyncio
from collections.abc import AsyncIterator

import grpc.aio
import pytest
from google.protobuf.empty_pb2 import Empty

from chronicle.contracts import clients_pb2 as pb
from chronicle.contracts.clients_pb2_grpc import ConnectionServiceStub
from chronicle.kernel.clients import Client, ClientTimings
from chronicle.kernel.kernel import Kernel
from chronicle.values import parse_timestamp

CONNECT = pb.ConnectRequest(
    ConnectionId="a",
    ClientVersion="1.2.3",
    ProcessId=42,
    ProcessPath="/usr/bin/python",
    MachineName="machine",
    ClientType="Python",
)
IN_DEBUGGER = pb.ConnectRequest(ConnectionId="a", IsRunningWithDebugger=True)


@pytest.fixture
def service(channel: grpc.aio.Channel) -> ConnectionServiceStub:
    return ConnectionServiceStub(channel)


async def until(kernel: Kernel, *connection_ids: str) -> None:
    """Waits until exactly these clients are connected."""
    clients = kernel.clients
    while {one.client.connection_id for one in clients.all()} != set(connection_ids):
        await clients.changes.wait(clients.changes.revision)


async def test_the_first_keep_alive_comes_when_the_client_is_registered(
    service: ConnectionServiceStub, kernel: Kernel
) -> None:
    session = service.Connect(CONNECT, timeout=10)
    keep_alive = await anext(aiter(session))
    assert keep_alive.ConnectionId == "a"
    assert kernel.clients.is_connected("a")


async def test_keep_alives_go_on(service: ConnectionServiceStub) -> None:
    session = aiter(service.Connect(CONNECT, timeout=10))
    assert [(await anext(session)).ConnectionId for _ in range(5)] == ["a"] * 5


async def test_clients_are_listed_as_they_introduced_themselves(service: ConnectionServiceStub) -> None:
    await anext(aiter(session := service.Connect(CONNECT, timeout=10)))
    (client,) = (await service.GetConnectedClients(Empty(), timeout=10)).items
    session.cancel()
    assert (client.ConnectionId, client.Version, client.ClientType) == ("a", "1.2.3", "Python")
    assert (client.ProcessId, client.ProcessPath, client.MachineName) == (42, "/usr/bin/python", "machine")
    assert client.IsRunningWithDebugger is False
    assert client.SiloAddress.startswith("127.0.0.1:")
    parse_timestamp(client.LastSeen.Value)


async def test_with_nobody_connected_the_list_is_empty(service: ConnectionServiceStub) -> None:
    assert (await service.GetConnectedClients(Empty(), timeout=10)).items == []


async def test_a_client_that_leaves_is_forgotten(service: ConnectionServiceStub, kernel: Kernel) -> None:
    session = service.Connect(CONNECT, timeout=10)
    await anext(aiter(session))
    session.cancel()
    await until(kernel)


async def test_an_answer_of_an_unknown_client_is_accepted_without_effect(
    service: ConnectionServiceStub, kernel: Kernel
) -> None:
    assert await service.ConnectionKeepAlive(pb.ConnectionKeepAlive(ConnectionId="b"), timeout=10) == Empty()
    assert not kernel.clients.is_connected("b")


async def test_an_evicted_client_still_gets_keep_alives_and_stays_out(
    service: ConnectionServiceStub, kernel: Kernel
) -> None:
    session = aiter(service.Connect(CONNECT, timeout=10))
    keep_alive = await anext(session)
    (connected,) = kernel.clients.all()
    kernel.clients.disconnect(connected.client)
    assert await anext(session) == keep_alive
    await service.ConnectionKeepAlive(keep_alive, timeout=10)
    assert not kernel.clients.is_connected("a")


async def test_a_watch_begins_at_once_and_tells_of_coming_answering_and_going(
    service: ConnectionServiceStub,
) -> None:
    watch: AsyncIterator[pb.IEnumerable_ConnectedClient] = aiter(
        service.ObserveConnectedClients(Empty(), timeout=10)
    )
    assert (await anext(watch)).items == []
    session = service.Connect(IN_DEBUGGER, timeout=10)
    keep_alive = await anext(aiter(session))
    came = (await anext(watch)).items[0]
    await service.ConnectionKeepAlive(keep_alive, timeout=10)
    answered = (await anext(watch)).items[0]
    assert parse_timestamp(answered.LastSeen.Value) > parse_timestamp(came.LastSeen.Value)
    session.cancel()
    assert (await anext(watch)).items == []


async def test_two_sessions_under_one_id_leave_the_later_one_connected(
    service: ConnectionServiceStub, kernel: Kernel
) -> None:
    first = service.Connect(CONNECT, timeout=10)
    await anext(aiter(first))
    second = service.Connect(CONNECT, timeout=10)
    await anext(aiter(second))
    first.cancel()
    third = service.Connect(pb.ConnectRequest(ConnectionId="c"), timeout=10)
    await anext(aiter(third))
    third.cancel()
    await until(kernel, "a")
    second.cancel()
    await until(kernel)


async def test_the_contract_is_given_as_text(service: ConnectionServiceStub) -> None:
    first, second = [(await service.GetDescriptorSet(Empty(), timeout=10)).SchemaDefinition for _ in range(2)]
    assert first == second
    assert "service ConnectionService {" in first
    assert "   rpc GetDescriptorSet (.google.protobuf.Empty) returns (DescriptorSetResponse);" in first


async def test_a_silent_client_is_evicted_by_the_running_kernel() -> None:
    timings = ClientTimings(stale_after=0.0, revise_interval=0.001)
    async with await Kernel.open(timings=timings) as kernel:
        kernel.clients.connect(Client("a"))
        kernel.clients.connect(Client("b", is_running_with_debugger=True))
        await asyncio.wait_for(until(kernel, "b"), 10)
