"""The session of a client with its kernel, by the contract (connection.md 5 and 6)."""

import importlib
import pkgutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from chronicle import contracts
from chronicle.contracts import clients_pb2 as pb
from chronicle.values import parse_timestamp
from tests.conformance.raw import NOTHING, Stubs
from tests.waiting import eventually, in_good_time


@pytest.fixture
def connection_id() -> str:
    return str(uuid4())


@asynccontextmanager
async def connected(
    stubs: Stubs, connection_id: str, **fields: Any
) -> AsyncIterator[AsyncIterator[pb.ConnectionKeepAlive]]:
    """A client that is registered; it does not answer keep-alives by itself."""
    call = stubs.clients.Connect(pb.ConnectRequest(ConnectionId=connection_id, **fields))
    keep_alives = aiter(call)
    try:
        async with in_good_time():
            await anext(keep_alives)
        yield keep_alives
    finally:
        call.cancel()


async def clients(stubs: Stubs) -> Mapping[str, pb.ConnectedClient]:
    """The connected clients, by connection id."""
    found = await stubs.clients.GetConnectedClients(NOTHING)
    return {client.ConnectionId: client for client in found.items}


async def test_given_a_client_when_it_connects_then_the_first_keep_alive_has_its_id_and_it_is_registered(
    stubs: Stubs, connection_id: str
) -> None:
    call = stubs.clients.Connect(pb.ConnectRequest(ConnectionId=connection_id))
    async with in_good_time():
        first = await anext(aiter(call))
    assert first.ConnectionId == connection_id
    assert connection_id in await clients(stubs)
    call.cancel()


@pytest.mark.row("C94")
async def test_given_a_connected_client_when_listed_then_it_is_as_it_said_with_the_server_it_is_on(
    stubs: Stubs, connection_id: str
) -> None:
    said: dict[str, Any] = {
        "ClientVersion": "1.2.3",
        "ProcessId": 4711,
        "ProcessPath": "/usr/bin/python",
        "MachineName": "m",
        "ClientType": "Python",
    }
    async with connected(stubs, connection_id, **said):
        client = (await clients(stubs))[connection_id]
    assert client.Version == "1.2.3"
    assert client.ProcessId == 4711
    assert client.ProcessPath == "/usr/bin/python"
    assert client.MachineName == "m"
    assert client.ClientType == "Python"
    assert client.SiloAddress


@pytest.mark.row("C96")
async def test_given_a_client_that_answers_then_it_stays_listed_and_was_last_seen_later(
    stubs: Stubs, connection_id: str
) -> None:
    async with connected(stubs, connection_id) as keep_alives:
        first = (await clients(stubs))[connection_id].LastSeen.Value
        async with in_good_time():
            await anext(keep_alives)
        await stubs.clients.ConnectionKeepAlive(pb.ConnectionKeepAlive(ConnectionId=connection_id))
        later = (await clients(stubs))[connection_id].LastSeen.Value
    assert parse_timestamp(later) > parse_timestamp(first)


@pytest.mark.row("C98")
async def test_given_a_silent_client_when_it_is_evicted_then_answering_does_not_bring_it_back_but_connecting(
    stubs: Stubs, connection_id: str
) -> None:
    async with connected(stubs, connection_id) as keep_alives:
        await eventually(lambda: is_listed(stubs, connection_id), lambda found: not found)
        async with in_good_time():
            # The stream goes on all the same.
            await anext(keep_alives)
        await stubs.clients.ConnectionKeepAlive(pb.ConnectionKeepAlive(ConnectionId=connection_id))
        assert not await is_listed(stubs, connection_id)
    async with connected(stubs, connection_id):
        assert await is_listed(stubs, connection_id)


@pytest.mark.row("C99")
async def test_given_a_connected_client_when_its_stream_is_cancelled_then_it_disappears(
    stubs: Stubs, connection_id: str
) -> None:
    async with connected(stubs, connection_id):
        assert await is_listed(stubs, connection_id)
    await eventually(lambda: is_listed(stubs, connection_id), lambda found: not found)


@pytest.mark.row("C101")
async def test_given_a_registration_with_the_same_id_then_it_replaces_the_earlier_one(
    stubs: Stubs, connection_id: str
) -> None:
    async with (
        connected(stubs, connection_id, ClientVersion="first"),
        connected(stubs, connection_id, ClientVersion="second"),
    ):
        assert (await clients(stubs))[connection_id].Version == "second"


@pytest.mark.row("C102")
async def test_given_a_watch_on_clients_then_it_tells_at_once_and_after_every_change(
    stubs: Stubs, connection_id: str
) -> None:
    call = stubs.clients.ObserveConnectedClients(NOTHING)
    emissions = aiter(call)
    async with in_good_time():
        assert connection_id not in _ids((await anext(emissions)).items)
        async with connected(stubs, connection_id):
            told = await _until(emissions, lambda clients: connection_id in _ids(clients))
            seen = next(client.LastSeen.Value for client in told if client.ConnectionId == connection_id)
            await stubs.clients.ConnectionKeepAlive(pb.ConnectionKeepAlive(ConnectionId=connection_id))
            await _until(
                emissions,
                lambda clients: any(
                    client.ConnectionId == connection_id and client.LastSeen.Value != seen
                    for client in clients
                ),
            )
        await _until(emissions, lambda clients: connection_id not in _ids(clients))
    call.cancel()


@pytest.mark.row("C136")
async def test_given_the_servers_contract_text_then_it_is_proto3_with_every_service(stubs: Stubs) -> None:
    text = (await stubs.clients.GetDescriptorSet(NOTHING)).SchemaDefinition
    assert 'syntax = "proto3"' in text
    assert [service for service in _services() if f"service {service} " not in text] == []
    assert "GetDescriptorSet" in text


def _services() -> list[str]:
    """The names of all services of the contract."""
    modules = (
        importlib.import_module(f"{contracts.__name__}.{module.name}")
        for module in pkgutil.iter_modules(contracts.__path__)
        if module.name.endswith("_pb2")
    )
    return [service for module in modules for service in module.DESCRIPTOR.services_by_name]


async def is_listed(stubs: Stubs, connection_id: str) -> bool:
    return connection_id in await clients(stubs)


def _ids(clients: Sequence[pb.ConnectedClient]) -> set[str]:
    return {client.ConnectionId for client in clients}


async def _until(
    emissions: AsyncIterator[pb.IEnumerable_ConnectedClient],
    is_enough: Callable[[Sequence[pb.ConnectedClient]], bool],
) -> Sequence[pb.ConnectedClient]:
    async for emission in emissions:
        if is_enough(emission.items):
            return emission.items
    raise AssertionError("the watch ended")
