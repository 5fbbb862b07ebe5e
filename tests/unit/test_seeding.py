"""Seeders and what they say (client-surface.md 1.18)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.empty_pb2 import Empty

from chronicle.artifacts import Artifacts
from chronicle.connections.calls import CallSettings
from chronicle.connections.embedded import EmbeddedChannel, EmbeddedServices
from chronicle.contracts import seeding_pb2 as pb
from chronicle.contracts.seeding_pb2_grpc import EventSeedingServicer, add_EventSeedingServicer_to_server
from chronicle.errors import DeclarationError, SerializationError, UnknownEventTypeError
from chronicle.events.event_types import EventTypes, event_type
from chronicle.seeding import Seeding, Seeds, is_seeder, seeder
from chronicle.serialization import Serializer
from chronicle.store_access import StoreAccess


@event_type("opened", tags=["audit"])
@dataclass
class Opened:
    owner: str


@event_type("closed")
@dataclass
class Closed:
    reason: str = ""


@event_type("opened", generation=2)
@dataclass
class OpenedAnew:
    owner: str


@event_type
@dataclass
class Unknown:
    x: int = 0


class Kernel(EventSeedingServicer):
    """Keeps what it is asked to seed."""

    def __init__(self) -> None:
        self.requests: list[pb.SeedRequest] = []

    async def Seed(self, request: pb.SeedRequest, context: Any) -> Empty:
        self.requests.append(request)
        return Empty()


class Services(EmbeddedServices):
    """The generated code registers handlers twice; once is enough."""

    def add_registered_method_handlers(self, *_: Any) -> None: ...


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
async def store(kernel: Kernel) -> AsyncIterator[StoreAccess]:
    services = Services()
    add_EventSeedingServicer_to_server(kernel, services)  # type: ignore[arg-type]

    async def nothing() -> None: ...

    async with EmbeddedChannel(services, nothing) as channel:
        types = EventTypes([Opened, OpenedAnew, Closed])
        yield StoreAccess(channel, "bank", "Default", types, Serializer(), CallSettings(timeout=30))


@seeder
def demo(seeds: Seeds) -> None:
    seeds.for_source("b", [Opened("Bob")]).for_source("a", [Opened("Alice"), Closed("moved")])
    seeds.for_source("b", [Closed()])
    seeds.for_namespace("tenant").for_source("t", [Opened("Tina")])


def entries(groups: Any) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (group.EventSourceId, [(one.EventTypeId, one.Content) for one in group.Entries]) for group in groups
    ]


@pytest.mark.row("E120", "S130")
async def test_entries_go_by_their_source_in_order_of_first_mention(
    store: StoreAccess, kernel: Kernel
) -> None:
    await Seeding(store, [demo]).register()
    (request,) = kernel.requests
    assert request.EventStore == "bank"
    assert entries(request.GlobalByEventSource) == [
        ("b", [("opened", '{"owner":"Bob"}'), ("closed", '{"reason":""}')]),
        ("a", [("opened", '{"owner":"Alice"}'), ("closed", '{"reason":"moved"}')]),
    ]
    (tenant,) = request.NamespacedEntries
    assert tenant.Namespace == "tenant"
    assert entries(tenant.ByEventSource) == [("t", [("opened", '{"owner":"Tina"}')])]
    assert list(request.GlobalByEventSource[0].Entries[0].Tags) == ["audit"]


@pytest.mark.row("S201")
async def test_seeders_run_once_and_what_they_said_is_sent_again(store: StoreAccess, kernel: Kernel) -> None:
    runs: list[int] = []

    @seeder
    def counting(seeds: Seeds) -> None:
        runs.append(1)
        seeds.for_source("a", [Opened(f"owner {len(runs)}")])

    seeding = Seeding(store, [counting])
    for _ in range(2):
        await seeding.register()
    assert runs == [1]
    assert kernel.requests[0] == kernel.requests[1]


async def test_nothing_to_seed_needs_no_call(store: StoreAccess, kernel: Kernel) -> None:
    await Seeding(store, [seeder(lambda seeds: None)]).register()
    await Seeding(store).register()
    assert kernel.requests == []


@pytest.mark.row("S200")
async def test_of_a_seeder_that_fails_halfway_nothing_is_sent(
    store: StoreAccess, kernel: Kernel, caplog: pytest.LogCaptureFixture
) -> None:
    @seeder
    async def failing(seeds: Seeds) -> None:
        seeds.for_source("a", [Opened("Alice")])
        raise LookupError("no such file")

    await Seeding(store, [failing, demo]).register()
    sources = [group.EventSourceId for group in kernel.requests[0].GlobalByEventSource]
    assert sources == ["b", "a"]
    assert "failing" in caplog.text
    assert "no such file" in caplog.text


async def test_what_a_seeder_raises_that_is_run_by_hand_is_the_callers(
    store: StoreAccess, kernel: Kernel
) -> None:
    def failing(seeds: Seeds) -> None:
        raise LookupError("no such file")

    with pytest.raises(LookupError):
        await Seeding(store).seed([demo, failing])
    assert kernel.requests == []
    await Seeding(store).seed([demo])
    assert len(kernel.requests) == 1


async def test_events_that_cannot_be_seeded_are_refused_where_they_are_added(store: StoreAccess) -> None:
    seeds = Seeds(store)
    with pytest.raises(UnknownEventTypeError):
        seeds.for_source("a", [Unknown()])
    with pytest.raises(DeclarationError, match=r"opened\+2 cannot be seeded"):
        seeds.for_source("a", [OpenedAnew("Alice")])
    with pytest.raises(DeclarationError, match="A Closed is among the seeds of type Opened"):
        seeds.for_type(Opened, "a", [Opened("Alice"), Closed()])
    with pytest.raises(DeclarationError, match="no event source id"):
        seeds.for_source("", [Closed()])
    with pytest.raises(DeclarationError, match="need its name"):
        seeds.for_namespace(" ")
    with pytest.raises(SerializationError):
        seeds.for_source("a", [Closed("fine"), Closed(reason=object())])  # type: ignore[arg-type]
    assert seeds.take() == ()


def test_only_functions_of_one_parameter_are_seeders() -> None:
    def without() -> None: ...

    class Klass:
        def __init__(self, seeds: Seeds) -> None: ...

    for target in (without, Klass, 3):
        with pytest.raises(DeclarationError, match="takes the seeds and nothing else"):
            seeder(target)  # type: ignore[type-var]
    assert is_seeder(demo)
    assert not is_seeder(without)


def test_artifacts_hold_seeders_and_nothing_else_in_their_place() -> None:
    assert Artifacts(seeders=[demo, demo]).seeders == (demo,)
    with pytest.raises(DeclarationError, match="is no seeder"):
        Artifacts(seeders=[lambda seeds: None])
