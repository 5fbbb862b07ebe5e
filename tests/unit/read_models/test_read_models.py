"""`ReadModels`: what the kernel is asked, and what becomes of its answers."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, assert_type, cast

import grpc.aio
import pytest

from chronicle.connections.calls import CallSettings
from chronicle.connections.embedded import EmbeddedChannel, EmbeddedServices
from chronicle.contracts import read_models_pb2 as pb
from chronicle.contracts.read_models_pb2_grpc import ReadModelsServicer, add_ReadModelsServicer_to_server
from chronicle.errors import DeclarationError, KernelError, SerializationError
from chronicle.events.event_types import EventTypes, event_type
from chronicle.kernel.services.faults import GuardedServer
from chronicle.observation.declarations import reducer, reducer_of
from chronicle.read_models.declaration import kept_read_models, read_model
from chronicle.read_models.read_models import ReadModels
from chronicle.serialization import Serializer
from chronicle.store_access import StoreAccess
from chronicle.values import UNAVAILABLE


@event_type("opened")
@dataclass
class Opened:
    owner: str


@read_model("accounts")
@dataclass
class Account:
    owner: str


@reducer(model=Account, id="account-reducer", event_sequence="inbox")
class Accounts:
    def opened(self, event: Opened, current: Account | None) -> Account:
        return Account(event.owner)


@dataclass
class ScriptedReadModels(ReadModelsServicer):
    """Answers with these texts, and remembers what it was asked."""

    texts: list[str] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)

    async def GetInstanceByKey(
        self, request: pb.GetInstanceByKeyRequest, context: object
    ) -> pb.GetInstanceByKeyResponse:
        self.asked.append(request)
        if not self.texts:
            raise LookupError("no such read model")
        return pb.GetInstanceByKeyResponse(ReadModel=self.texts[0])

    async def GetAllInstances(
        self, request: pb.GetAllInstancesRequest, context: object
    ) -> pb.GetAllInstancesResponse:
        self.asked.append(request)
        return pb.GetAllInstancesResponse(Instances=self.texts)


@pytest.fixture
def kernel() -> ScriptedReadModels:
    return ScriptedReadModels()


@pytest.fixture
async def read_models(kernel: ScriptedReadModels) -> AsyncIterator[ReadModels]:
    services = EmbeddedServices()
    add_ReadModelsServicer_to_server(kernel, cast("grpc.aio.Server", GuardedServer(services)))
    async with EmbeddedChannel(services, _nothing) as channel:
        store = StoreAccess(channel, "bank", "north", EventTypes([Opened]), Serializer(), CallSettings(10))
        yield ReadModels(store, kept_read_models([reducer_of(Accounts)]))


async def _nothing() -> None: ...


async def test_an_instance_is_asked_for_by_key_and_has_the_type_of_its_model(
    read_models: ReadModels, kernel: ScriptedReadModels
) -> None:
    kernel.texts = ['{"owner":"Ann","__lastHandledEventSequenceNumber":7}']

    account = await read_models.get(Account, "account-42")

    assert_type(account, Account | None)
    assert account == Account("Ann")
    assert kernel.asked == [
        pb.GetInstanceByKeyRequest(
            EventStore="bank",
            Namespace="north",
            ReadModelIdentifier="accounts",
            EventSequenceId="inbox",
            ReadModelKey="account-42",
        )
    ]


async def test_all_instances_are_asked_for_without_a_limit(
    read_models: ReadModels, kernel: ScriptedReadModels
) -> None:
    kernel.texts = ['{"owner":"Ann"}', '{"owner":"Bob"}']

    accounts = await read_models.all(Account)

    assert_type(accounts, list[Account])
    assert accounts == [Account("Ann"), Account("Bob")]
    [request] = kernel.asked
    assert request.HasField("EventCount")
    assert (request.EventCount, request.EventSequenceId) == (UNAVAILABLE, "inbox")
    assert (request.EventStore, request.Namespace, request.ReadModelIdentifier) == (
        "bank",
        "north",
        "accounts",
    )


@pytest.mark.row("S122")
async def test_an_unknown_key_is_none(read_models: ReadModels, kernel: ScriptedReadModels) -> None:
    kernel.texts = ["null"]

    assert await read_models.get(Account, "nobody") is None


@pytest.mark.row("S198")
async def test_a_model_that_nothing_keeps_is_refused_before_any_call(
    read_models: ReadModels, kernel: ScriptedReadModels
) -> None:
    with pytest.raises(DeclarationError, match="Nothing keeps the read model Opened"):
        await read_models.get(Opened, "account-42")
    with pytest.raises(DeclarationError, match="Nothing keeps the read model Opened"):
        await read_models.all(Opened)

    assert kernel.asked == []


async def test_what_the_kernel_refuses_and_what_does_not_fit_are_errors_of_their_own(
    read_models: ReadModels, kernel: ScriptedReadModels
) -> None:
    with pytest.raises(KernelError, match="no such read model"):
        await read_models.get(Account, "account-42")

    kernel.texts = ["[]"]
    with pytest.raises(SerializationError, match="Account"):
        await read_models.get(Account, "account-42")
