"""A client from its opening to its closing (client-surface.md 7.1)."""

import asyncio
from datetime import timedelta

import pytest

from chronicle.artifacts import Artifacts
from chronicle.client import ChronicleClient, ClientState
from chronicle.errors import (
    ConfigurationError,
    ConnectionStringError,
    DatabaseInUseError,
    NotConnectedError,
    NotRunningError,
    RegistrationError,
)
from chronicle.events.event_types import event_type
from chronicle.options import ChronicleOptions
from tests.integration.client.bank import AccountOpened, FundsDeposited
from tests.integration.client.conftest import MEMORY


async def test_a_client_is_open_and_connected_inside_its_block() -> None:
    client = ChronicleClient(MEMORY)
    assert (client.state, client.is_connected, client.connection_id) == (ClientState.CREATED, False, "")
    async with client as entered:
        assert entered is client
        assert client.state is ClientState.OPEN
        assert client.is_connected
        assert client.connection_id
    assert (client.state, client.is_connected, client.connection_id) == (ClientState.CLOSED, False, "")


@pytest.mark.row("S158")
async def test_a_client_is_opened_once_and_used_inside() -> None:
    client = ChronicleClient(MEMORY)
    with pytest.raises(NotRunningError, match="not opened yet"):
        await client.event_store("bank")
    async with client:
        with pytest.raises(NotRunningError, match="open, and can be opened only once"):
            await client.__aenter__()
    with pytest.raises(NotRunningError, match="closed, and can be opened only once"):
        await client.__aenter__()
    with pytest.raises(NotRunningError, match="is closed"):
        _ = client.event_stores


@pytest.mark.row("S158")
async def test_a_store_of_a_closed_client_says_so(artifacts: Artifacts) -> None:
    async with ChronicleClient(MEMORY) as client:
        store = await client.event_store("bank", artifacts=artifacts)
    with pytest.raises(NotRunningError, match="closed"):
        await store.event_log.append("a", FundsDeposited(1))


async def test_a_block_that_raises_closes_the_client(file: str) -> None:
    class Deliberate(Exception):
        pass

    async def fail() -> None:
        async with ChronicleClient(file):
            raise Deliberate

    with pytest.raises(Deliberate):
        await fail()
    async with ChronicleClient(file) as client:
        assert client.is_connected


async def test_a_client_that_cannot_open_leaves_nothing_open(file: str) -> None:
    async with ChronicleClient(file):
        second = ChronicleClient(file)
        with pytest.raises(DatabaseInUseError):
            await second.__aenter__()
        assert second.state is ClientState.CLOSED


async def test_where_nobody_listens_opening_ends_in_time() -> None:
    options = ChronicleOptions(
        connection_string="chronicle://127.0.0.1:1", connect_timeout=timedelta(milliseconds=50)
    )
    with pytest.raises(NotConnectedError, match=r"127\.0\.0\.1:1 within 0\.05 s"):
        await ChronicleClient(options=options).__aenter__()


async def test_what_is_not_supported_is_refused_when_connecting() -> None:
    with pytest.raises(ConnectionStringError, match="disableTls=true"):
        await ChronicleClient("chronicle://kernel").__aenter__()


def test_a_connection_string_and_options_exclude_each_other() -> None:
    with pytest.raises(ConfigurationError, match="not both"):
        ChronicleClient(MEMORY, options=ChronicleOptions())


@pytest.mark.row("S156", "C121")
async def test_the_same_store_and_namespace_are_the_same_object_also_when_asked_at_once(
    client: ChronicleClient, artifacts: Artifacts
) -> None:
    first, second = await asyncio.gather(
        client.event_store("bank", artifacts=artifacts), client.event_store("bank", artifacts=artifacts)
    )
    assert first is second is await client.event_store("bank")
    tenant = await client.event_store("bank", "tenant", artifacts)
    assert tenant is not first
    assert (tenant.name, tenant.namespace) == ("bank", "tenant")


async def test_without_a_name_the_options_say_which_store() -> None:
    options = ChronicleOptions(connection_string=MEMORY, event_store="bank", namespace="tenant")
    async with ChronicleClient(options=options) as client:
        store = await client.event_store()
        assert (store.name, store.namespace) == ("bank", "tenant")
        assert store is await client.event_store("bank", "tenant")


async def test_a_caller_that_gives_up_does_not_take_the_store_from_the_others(
    client: ChronicleClient, artifacts: Artifacts
) -> None:
    impatient = asyncio.create_task(client.event_store("bank", artifacts=artifacts))
    patient = asyncio.create_task(client.event_store("bank"))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).registration.is_success


@pytest.mark.row("S156", "C122")
async def test_a_first_attempt_that_failed_is_forgotten(
    client: ChronicleClient, artifacts: Artifacts
) -> None:
    @event_type("account-opened")
    class Changed(AccountOpened):
        since: int

    await client.event_store("bank", artifacts=artifacts)
    changed = Artifacts(event_types=[Changed])
    for _ in range(2):
        with pytest.raises(RegistrationError, match=r"event types.*account-opened"):
            await client.event_store("bank", "tenant", changed)
    store = await client.event_store("bank", "tenant", artifacts)
    assert store.registration.is_success


async def test_other_artifacts_than_the_first_are_refused(
    client: ChronicleClient, artifacts: Artifacts
) -> None:
    await client.event_store("bank", artifacts=artifacts)
    with pytest.raises(ConfigurationError, match="other artifacts"):
        await client.event_store("bank", artifacts=Artifacts(event_types=[AccountOpened]))


@pytest.mark.parametrize(("name", "namespace"), [("", None), (" ", None), ("bank", "")])
async def test_a_blank_name_is_refused(client: ChronicleClient, name: str, namespace: str | None) -> None:
    with pytest.raises(ConfigurationError, match="blank"):
        await client.event_store(name, namespace)


@pytest.mark.parametrize("name", ["", " "])
async def test_an_event_sequence_needs_a_name(
    client: ChronicleClient, artifacts: Artifacts, name: str
) -> None:
    store = await client.event_store("bank", artifacts=artifacts)
    with pytest.raises(ValueError, match="cannot be named"):
        store.event_sequence(name)


@pytest.mark.row("S29", "C173")
async def test_two_clients_have_their_own_stores(artifacts: Artifacts) -> None:
    async with ChronicleClient(MEMORY) as a, ChronicleClient(MEMORY) as b:
        store_a, store_b = (
            await a.event_store("a", artifacts=artifacts),
            await b.event_store("b", artifacts=artifacts),
        )
        await store_a.event_log.append("x", FundsDeposited(1))
        assert await store_a.event_log.tail() == 0
        assert await store_b.event_log.tail() is None
        assert await a.event_store("b", artifacts=artifacts) is not store_b


async def test_event_stores_and_namespaces_are_listed(client: ChronicleClient, artifacts: Artifacts) -> None:
    store = await client.event_store("bank", artifacts=artifacts)
    await client.event_store("bank", "tenant", artifacts)
    await client.event_store("library")
    assert {"bank", "library"} <= set(await client.event_stores.all())
    assert sorted(await store.namespaces.all()) == ["Default", "tenant"]


async def test_what_was_appended_is_there_the_next_time(file: str, artifacts: Artifacts) -> None:
    async with ChronicleClient(file) as client:
        store = await client.event_store("bank", artifacts=artifacts)
        await store.event_log.append("a", AccountOpened(owner="Alice"))
    async with ChronicleClient(file) as client:
        store = await client.event_store("bank", artifacts=artifacts)
        assert [one.event for one in await store.event_log.events_for("a")] == [AccountOpened(owner="Alice")]
