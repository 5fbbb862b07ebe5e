"""Read models: what is kept of the events, and how it came about (projections-and-read-models.md 3)."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Query
from pydantic import Field

from chronicle.contracts import read_models_pb2 as pb
from chronicle.contracts.read_models_pb2_grpc import ReadModelsStub
from chronicle.events.wire import to_moment
from chronicle.values import EVENT_LOG
from chronicle_fastapi.admin.calls import ask
from chronicle_fastapi.admin.events import StoredEvent, moment_or_none
from chronicle_fastapi.admin.models import LARGEST_NAME, AdminModel, ContractEnum, guid_or_none
from chronicle_fastapi.admin.numbers import (
    Count,
    SequenceNumber,
    json_document,
    json_value,
    number_or_none,
)
from chronicle_fastapi.admin.routes import resource_router
from chronicle_fastapi.admin.scopes import (
    EventStoreScope,
    IdInPath,
    InEventStore,
    InNamespace,
    NamespaceScope,
    NotThereError,
    with_id,
)

PAGE_SIZE: Final = 50
LARGEST_PAGE: Final = 500
LAST_PAGE: Final = 2**31 // LARGEST_PAGE - 1
"""Skipping pages of the largest size has to fit 32 bits."""

_INSTANCE: Final = "Numbers that a double is not sure to hold exactly are strings."


class ReadModelKeeper(ContractEnum):
    """What keeps a read model up to date."""

    NOT_SET = "not_set"
    REDUCER = "reducer"
    PROJECTION = "projection"


class ReadModelOwner(ContractEnum):
    """Who has registered a read model."""

    NONE = "none"
    CLIENT = "client"
    SERVER = "server"


class ReadModelSource(ContractEnum):
    """Where the definition of a read model comes from."""

    UNKNOWN = "unknown"
    CODE = "code"
    USER = "user"


class ReadModelSummary(AdminModel):
    """A read model of an event store; all namespaces have the same."""

    id: str
    generation: int
    display_name: str
    container_name: str
    """The table or collection that holds the instances."""
    sink: str
    """Where they are kept; `None` for what is computed when it is asked for."""
    kept_by: ReadModelKeeper
    observer_id: str
    """The reducer or projection that keeps it."""
    owner: ReadModelOwner
    source: ReadModelSource
    indexes: list[str]
    """The paths of members to look instances up by."""
    json_schema: dict[str, Any]


class ReadModelPage(AdminModel):
    """Some of the instances of a read model, as they are stored, and how many there are in all."""

    instances: list[Any] = Field(description=_INSTANCE)
    total_count: Count
    page: Count
    """The first one is 0."""
    page_size: Count


class ReadModelInstance(AdminModel):
    """An instance of a read model."""

    key: str
    instance: Any = Field(description=_INSTANCE)
    last_handled_sequence_number: SequenceNumber | None
    """The newest event that went into it; null where the kernel does not tell."""


class ReadModelSnapshot(AdminModel):
    """What an instance was after one more correlation, and the events that brought it there."""

    instance: Any = Field(description=_INSTANCE)
    occurred: datetime | None
    """When the first of the events happened."""
    correlation_id: UUID | None
    events: list[StoredEvent]


async def list_read_models(scope: EventStoreScope) -> list[ReadModelSummary]:
    """The read models of the event store, by id. Raises `CallError`.

    (ReadModels/GetDefinitions)
    """
    response = await ask(
        scope.client,
        ReadModelsStub(scope.client.channel).GetDefinitions,
        "ReadModels/GetDefinitions",
        pb.GetDefinitionsRequest(EventStore=scope.event_store),
    )
    return sorted((_summary(message) for message in response.ReadModels), key=lambda one: one.id)


async def find_read_model(scope: EventStoreScope, read_model_id: str) -> ReadModelSummary:
    """A read model. Raises `NotThereError` for one that is unknown, `CallError`.

    (ReadModels/GetDefinitions)
    """
    return with_id(await list_read_models(scope), "read model", read_model_id)


async def page_of_instances(
    scope: NamespaceScope, read_model_id: str, *, page: int = 0, page_size: int = PAGE_SIZE
) -> ReadModelPage:
    """A page of the instances as they are stored. What is not stored has none.

    Raises `NotThereError`, `CallError`. (ReadModels/GetDefinitions, GetInstances)
    """
    await find_read_model(scope, read_model_id)
    response = await ask(
        scope.client,
        ReadModelsStub(scope.client.channel).GetInstances,
        "ReadModels/GetInstances",
        pb.GetInstancesRequest(
            EventStore=scope.event_store,
            Namespace=scope.namespace,
            ReadModel=read_model_id,
            Page=page,
            PageSize=page_size,
        ),
    )
    return ReadModelPage(
        instances=[json_value(text) for text in response.Instances],
        total_count=response.TotalCount,
        page=page,
        page_size=page_size,
    )


async def find_instance(
    scope: NamespaceScope, read_model_id: str, key: str, event_sequence_id: str = EVENT_LOG
) -> ReadModelInstance:
    """The instance under a key; the sequence matters only for what is computed when it is asked for.

    Raises `NotThereError` when there is no such read model, or instance; `CallError`.
    (ReadModels/GetDefinitions, GetInstanceByKey)
    """
    await find_read_model(scope, read_model_id)
    response = await ask(
        scope.client,
        ReadModelsStub(scope.client.channel).GetInstanceByKey,
        "ReadModels/GetInstanceByKey",
        pb.GetInstanceByKeyRequest(
            EventStore=scope.event_store,
            Namespace=scope.namespace,
            ReadModelIdentifier=read_model_id,
            EventSequenceId=event_sequence_id,
            ReadModelKey=key,
        ),
    )
    instance = json_value(response.ReadModel)
    if instance is None:
        raise NotThereError(f"instance of the read model '{read_model_id}' with the key", key)
    return ReadModelInstance(
        key=key,
        instance=instance,
        last_handled_sequence_number=number_or_none(response.LastHandledEventSequenceNumber),
    )


async def list_snapshots(
    scope: NamespaceScope, read_model_id: str, key: str, event_sequence_id: str = EVENT_LOG
) -> list[ReadModelSnapshot]:
    """How an instance came about, correlation by correlation; only for what projections keep.

    Raises `NotThereError`, `CallError`. (ReadModels/GetDefinitions, GetSnapshotsByKey)
    """
    await find_read_model(scope, read_model_id)
    response = await ask(
        scope.client,
        ReadModelsStub(scope.client.channel).GetSnapshotsByKey,
        "ReadModels/GetSnapshotsByKey",
        pb.GetSnapshotsByKeyRequest(
            EventStore=scope.event_store,
            Namespace=scope.namespace,
            ReadModelIdentifier=read_model_id,
            EventSequenceId=event_sequence_id,
            ReadModelKey=key,
        ),
    )
    return [
        ReadModelSnapshot(
            instance=json_value(message.ReadModel),
            occurred=moment_or_none(to_moment(message.Occurred)),
            correlation_id=guid_or_none(message.CorrelationId),
            events=[StoredEvent.of(event) for event in message.Events],
        )
        for message in response.Snapshots
    ]


def _summary(message: pb.ReadModelDefinition) -> ReadModelSummary:
    return ReadModelSummary(
        id=message.Type.Identifier,
        generation=message.Type.Generation,
        display_name=message.DisplayName,
        container_name=message.ContainerName,
        sink=message.Sink.TypeId,
        kept_by=ReadModelKeeper.of(message.ObserverType),
        observer_id=message.ObserverIdentifier,
        owner=ReadModelOwner.of(message.Owner),
        source=ReadModelSource.of(message.Source),
        indexes=[index.PropertyPath for index in message.Indexes],
        json_schema=json_document(message.Schema),
    )


Key = Annotated[
    str,
    Query(
        min_length=1,
        max_length=LARGEST_NAME,
        description="The key of the instance, often an event source id.",
    ),
]
Sequence = Annotated[
    str,
    Query(
        min_length=1,
        max_length=LARGEST_NAME,
        description="The event sequence, for what is computed when it is asked for.",
    ),
]

router = resource_router("read models", "/event-stores/{event_store}")


@router.get("/read-models")
async def get_read_models(scope: InEventStore) -> list[ReadModelSummary]:
    """List the read models of an event store."""
    return await list_read_models(scope)


@router.get("/read-models/{read_model_id}")
async def get_read_model(scope: InEventStore, read_model_id: IdInPath) -> ReadModelSummary:
    """Get the definition of one read model."""
    return await find_read_model(scope, read_model_id)


@router.get("/namespaces/{namespace}/read-models/{read_model_id}/instances")
async def get_read_model_instances(
    scope: InNamespace,
    read_model_id: IdInPath,
    page: Annotated[int, Query(ge=0, le=LAST_PAGE)] = 0,
    page_size: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = PAGE_SIZE,
) -> ReadModelPage:
    """Get a page of the instances of a read model, as they are stored."""
    return await page_of_instances(scope, read_model_id, page=page, page_size=page_size)


@router.get("/namespaces/{namespace}/read-models/{read_model_id}/instance")
async def get_read_model_instance(
    scope: InNamespace, read_model_id: IdInPath, key: Key, event_sequence_id: Sequence = EVENT_LOG
) -> ReadModelInstance:
    """Get one instance of a read model."""
    return await find_instance(scope, read_model_id, key, event_sequence_id)


@router.get("/namespaces/{namespace}/read-models/{read_model_id}/snapshots")
async def get_read_model_snapshots(
    scope: InNamespace, read_model_id: IdInPath, key: Key, event_sequence_id: Sequence = EVENT_LOG
) -> list[ReadModelSnapshot]:
    """List how an instance of a read model came about, correlation by correlation."""
    return await list_snapshots(scope, read_model_id, key, event_sequence_id)
