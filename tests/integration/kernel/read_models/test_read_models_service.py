"""Read models over either channel: registering and reading them (projections-and-read-models.md 3)."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
import pytest

from chronicle.contracts import read_models_pb2 as pb
from chronicle.contracts.bcl_pb2 import Guid
from chronicle.contracts.read_models_pb2_grpc import ReadModelsStub
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.namespace import Namespace
from chronicle.kernel.read_models import ReadModelDefinition
from chronicle.kernel.storage.read_models import StoredInstance
from chronicle.values import UNAVAILABLE

SCHEMA = json.dumps(
    {
        "title": "Account",
        "type": "object",
        "properties": {
            "owner": {"type": "string"},
            "balance": {"type": "number", "format": "decimal"},
            "state": {"type": "integer", "enum": [0, 1], "x-enumNames": ["open", "closed"]},
        },
    }
)


@pytest.fixture
def service(channel: grpc.aio.Channel) -> ReadModelsStub:
    return ReadModelsStub(channel)


@pytest.fixture
async def namespace(kernel: Kernel) -> Namespace:
    store = await kernel.event_stores.ensure("bank")
    return await store.namespace("Default")


def definition(identifier: str = "Account", **fields: Any) -> pb.ReadModelDefinition:
    return pb.ReadModelDefinition(
        Type=pb.ReadModelType(Identifier=identifier, Generation=1),
        **{
            "ContainerName": identifier,
            "Schema": SCHEMA,
            "Sink": pb.SinkDefinition(TypeId="MongoDB"),
            **fields,
        },
    )


async def register(service: ReadModelsStub, *definitions: pb.ReadModelDefinition) -> None:
    await service.RegisterMany(
        pb.RegisterManyRequest(
            EventStore="bank", Owner=pb.READ_MODEL_OWNER_Client, ReadModels=definitions or [definition()]
        ),
        timeout=10,
    )


async def keep(namespace: Namespace, *instances: StoredInstance, container: str = "Account") -> None:
    sink = namespace.sinks.container(container)
    for instance in instances:
        await namespace._database.write(sink.set(instance))


async def by_key(service: ReadModelsStub, key: str, **fields: str) -> pb.GetInstanceByKeyResponse:
    request = pb.GetInstanceByKeyRequest(
        EventStore="bank",
        Namespace="Default",
        EventSequenceId="event-log",
        ReadModelKey=key,
        **{"ReadModelIdentifier": "Account", **fields},
    )
    return await service.GetInstanceByKey(request, timeout=10)


async def page(service: ReadModelsStub, **fields: Any) -> pb.GetInstancesResponse:
    request = pb.GetInstancesRequest(EventStore="bank", Namespace="Default", ReadModel="Account", **fields)
    return await service.GetInstances(request, timeout=10)


@pytest.mark.row("P127", "P140")
async def test_an_instance_is_given_out_by_its_key(service: ReadModelsStub, namespace: Namespace) -> None:
    await register(service)
    await keep(namespace, StoredInstance("a", '{"owner":"Anna","balance":10.50,"state":1,"old":true}', 7))
    answer = await by_key(service, "a")
    assert answer.ReadModel == '{"owner":"Anna","balance":10.50,"state":"closed"}'
    assert (answer.ProjectedEventsCount, answer.LastHandledEventSequenceNumber) == (0, 7)


@pytest.mark.row("P128")
async def test_an_instance_that_is_not_there_is_the_text_null(
    service: ReadModelsStub, namespace: Namespace
) -> None:
    await register(service)
    answer = await by_key(service, "a")
    assert answer.ReadModel == "null"
    assert answer.LastHandledEventSequenceNumber == UNAVAILABLE


@pytest.mark.row("P134", "P231")
async def test_all_instances_are_given_out_once_each_with_the_numbers_of_their_last_events(
    service: ReadModelsStub, namespace: Namespace
) -> None:
    await register(service)
    await keep(namespace, *(StoredInstance(str(n), f'{{"owner":"{n}"}}', n) for n in range(250)))
    request = pb.GetAllInstancesRequest(EventStore="bank", Namespace="Default", ReadModelIdentifier="Account")
    answer = await service.GetAllInstances(request, timeout=10)
    instances = [json.loads(instance) for instance in answer.Instances]
    assert [instance["owner"] for instance in instances] == [str(n) for n in range(250)]
    assert instances[7]["__lastHandledEventSequenceNumber"] == 7
    assert answer.ProcessedEventsCount == 0


@pytest.mark.row("P137", "P230")
@pytest.mark.parametrize(
    ("number", "size", "owners"),
    [(0, 2, "01"), (1, 2, "23"), (2, 2, "4"), (9, 2, ""), (-1, 2, "01"), (0, 0, "01234")],
)
async def test_pages_of_instances(
    service: ReadModelsStub, namespace: Namespace, number: int, size: int, owners: str
) -> None:
    await register(service)
    await keep(namespace, *(StoredInstance(f"k{n}", f'{{"owner":"{n}"}}', n) for n in range(5)))
    answer = await page(service, Page=number, PageSize=size)
    assert "".join(json.loads(instance)["owner"] for instance in answer.Instances) == owners
    assert (answer.TotalCount, answer.Page, answer.PageSize) == (5, number, size)


async def test_a_page_shows_what_is_stored(service: ReadModelsStub, namespace: Namespace) -> None:
    await register(service)
    await keep(namespace, StoredInstance("a", '{"owner":"Anna","state":1}', 7))
    (instance,) = (await page(service, PageSize=10)).Instances
    assert json.loads(instance) == {
        "_id": "a",
        "owner": "Anna",
        "state": 1,
        "__lastHandledEventSequenceNumber": 7,
    }


@pytest.mark.row("P138")
async def test_an_occurrence_is_another_container(service: ReadModelsStub, namespace: Namespace) -> None:
    await register(service)
    await keep(namespace, StoredInstance("a", '{"owner":"Anna"}', 7))
    await keep(namespace, StoredInstance("a", '{"owner":"Ben"}', 3), container="Account-before")
    (instance,) = (await page(service, PageSize=10, Occurrence="Account-before")).Instances
    assert json.loads(instance)["owner"] == "Ben"


@pytest.mark.row("P232")
async def test_a_model_that_is_not_kept_has_no_pages(service: ReadModelsStub, namespace: Namespace) -> None:
    await register(service, definition(Sink=pb.SinkDefinition(TypeId="None")))
    answer = await page(service, PageSize=10)
    assert (list(answer.Instances), answer.TotalCount) == ([], 0)


@pytest.mark.row("P238")
async def test_a_member_that_came_later_is_unset_in_older_instances(
    service: ReadModelsStub, namespace: Namespace
) -> None:
    await register(service, definition(Schema='{"properties":{"owner":{"type":"string"}}}'))
    await keep(namespace, StoredInstance("a", '{"owner":"Anna"}', 7))
    assert (await by_key(service, "a")).ReadModel == '{"owner":"Anna"}'
    await register(service)
    assert (await by_key(service, "a")).ReadModel == '{"owner":"Anna","balance":0,"state":"open"}'


async def test_instances_belong_to_a_namespace(service: ReadModelsStub, namespace: Namespace) -> None:
    await register(service)
    await keep(namespace, StoredInstance("a", '{"owner":"Anna"}', 7))
    request = pb.GetInstanceByKeyRequest(
        EventStore="bank", Namespace="another", ReadModelIdentifier="Account", ReadModelKey="a"
    )
    assert (await service.GetInstanceByKey(request, timeout=10)).ReadModel == "null"


async def test_definitions_come_back_as_they_were_registered(
    service: ReadModelsStub, namespace: Namespace
) -> None:
    sent = definition(
        DisplayName="Accounts",
        Sink=pb.SinkDefinition(ConfigurationId=Guid(lo=1, hi=2), TypeId="SQL"),
        Indexes=[pb.IndexDefinition(PropertyPath="owner")],
        ObserverType=pb.READ_MODEL_OBSERVER_TYPE_Reducer,
        ObserverIdentifier="accounts",
        Owner=pb.READ_MODEL_OWNER_Server,
    )
    await register(service, sent, definition("Balance"))
    answer = await service.GetDefinitions(pb.GetDefinitionsRequest(EventStore="bank"), timeout=10)
    # The request says who owns it and where it comes from, not the definition.
    sent.Owner, sent.Source = pb.READ_MODEL_OWNER_Client, pb.READ_MODEL_SOURCE_Code
    assert answer.ReadModels[0] == sent
    assert [one.Type.Identifier for one in answer.ReadModels] == ["Account", "Balance"]


async def test_one_can_be_registered_alone_and_changed(service: ReadModelsStub, namespace: Namespace) -> None:
    one = definition(DisplayName="Accounts")
    await service.RegisterSingle(pb.RegisterSingleRequest(EventStore="bank", ReadModel=one), timeout=10)
    changed = definition(ContainerName="elsewhere", Schema="{}", DisplayName="ignored")
    changed.Type.Generation = 2
    await service.UpdateDefinition(
        pb.UpdateDefinitionRequest(EventStore="bank", ReadModel=changed), timeout=10
    )
    answer = await service.GetDefinitions(pb.GetDefinitionsRequest(EventStore="bank"), timeout=10)
    (kept,) = answer.ReadModels
    assert (kept.ContainerName, kept.Schema, kept.Type.Generation) == ("elsewhere", "{}", 2)
    assert kept.DisplayName == "Accounts"


async def refusal(call: Any) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    assert refused.value.code() is grpc.StatusCode.UNKNOWN
    return refused.value.details() or ""


async def test_an_unknown_read_model_is_refused_by_its_name(
    service: ReadModelsStub, namespace: Namespace
) -> None:
    expected = "ReadModelNotFound: Read model with identifier 'Account' not found."
    assert expected in await refusal(by_key(service, "a"))
    update = pb.UpdateDefinitionRequest(EventStore="bank", ReadModel=definition())
    assert expected in await refusal(service.UpdateDefinition(update, timeout=10))


@pytest.mark.parametrize("schema", ["[]", "{"])
async def test_nothing_is_registered_when_one_schema_is_no_object(
    service: ReadModelsStub, namespace: Namespace, schema: str
) -> None:
    details = await refusal(register(service, definition(), definition("Balance", Schema=schema)))
    assert "InvalidReadModel" in details
    answer = await service.GetDefinitions(pb.GetDefinitionsRequest(EventStore="bank"), timeout=10)
    assert list(answer.ReadModels) == []


async def test_a_read_model_needs_an_identifier(service: ReadModelsStub, namespace: Namespace) -> None:
    assert "needs an identifier" in await refusal(register(service, definition(" ")))


async def test_what_has_to_be_folded_on_demand_says_that_it_is_not_built(
    service: ReadModelsStub, namespace: Namespace
) -> None:
    await register(service)
    assert "NotMaterialized" in await refusal(by_key(service, "*"))
    assert "NotMaterialized" in await refusal(by_key(service, "a", SessionId="x"))
    request = pb.GetAllInstancesRequest(
        EventStore="bank", Namespace="Default", ReadModelIdentifier="Account", EventCount=1
    )
    assert "as of an event count" in await refusal(service.GetAllInstances(request, timeout=10))


async def test_definitions_outlive_the_kernel(open_kernel: Callable[[], Awaitable[Kernel]]) -> None:
    store = await (await open_kernel()).event_stores.ensure("bank")
    await store.read_models.register([(ReadModelDefinition("Account", indexes=("owner",)), SCHEMA)])
    store = await (await open_kernel()).event_stores.ensure("bank")
    read_model = await store.read_models.get("Account")
    assert read_model.definition.indexes == ("owner",)
    assert read_model.schema.text == SCHEMA
