"""An event sequence on a scripted kernel."""

from collections.abc import AsyncIterator

import pytest

from chronicle.connections.calls import CallSettings
from chronicle.connections.embedded import EmbeddedChannel
from chronicle.contracts.event_sequences_pb2_grpc import add_EventSequencesServicer_to_server
from chronicle.event_sequences.event_sequence import EventSequence
from chronicle.events.event_types import EventTypes
from chronicle.serialization import Serializer
from chronicle.store_access import StoreAccess
from tests.unit.event_sequences.scripted import AccountOpened, FundsDeposited, ScriptedKernel, Services


@pytest.fixture
def kernel() -> ScriptedKernel:
    return ScriptedKernel()


@pytest.fixture
async def store(kernel: ScriptedKernel) -> AsyncIterator[StoreAccess]:
    services = Services()
    add_EventSequencesServicer_to_server(kernel, services)  # type: ignore[arg-type]

    async def nothing() -> None: ...

    async with EmbeddedChannel(services, nothing) as channel:
        yield StoreAccess(
            channel,
            event_store="bank",
            namespace="Default",
            event_types=EventTypes([AccountOpened, FundsDeposited]),
            serializer=Serializer(),
            calls=CallSettings(timeout=30, endpoint="the kernel"),
        )


@pytest.fixture
async def log(store: StoreAccess) -> EventSequence:
    return EventSequence(store, "event-log")
