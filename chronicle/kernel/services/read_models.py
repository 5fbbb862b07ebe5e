"""The ReadModels service (contract package ReadModels; projections-and-read-models.md 3)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any
from uuid import UUID

import grpc
from google.protobuf.empty_pb2 import Empty

from chronicle.contracts import read_models_pb2 as pb
from chronicle.contracts.bcl_pb2 import Guid
from chronicle.contracts.read_models_pb2_grpc import ReadModelsServicer
from chronicle.errors import ChronicleError
from chronicle.kernel.event_store import EventStore
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.read_models import (
    ChangeKind,
    InstanceChange,
    NotMaterialized,
    ReadModel,
    ReadModelDefinition,
    ReadModelNotFound,
    Sink,
    WatcherFellBehind,
)
from chronicle.kernel.services.faults import Context
from chronicle.kernel.storage.read_models import StoredInstance
from chronicle.values import (
    UNAVAILABLE,
    format_ticks,
    guid_from_halves,
    guid_halves,
    halves_from_guid_bytes,
)

_NULL = "null"
_EVERYTHING = "*"
WATCH_PATIENCE = 5.0
"""Seconds that a watch waits for its read model to be registered."""


class NotRegisteredInTime(ChronicleError):
    """A read model to be watched that nobody registers, in the real kernel's words."""


class ReadModelsService(ReadModelsServicer):
    """Read models and their instances, as far as they are kept. What is folded on demand comes later."""

    def __init__(self, kernel: Kernel) -> None:
        self._event_stores = kernel.event_stores

    async def RegisterMany(self, request: pb.RegisterManyRequest, context: Context) -> Empty:
        """Adds or replaces read models, all or none (3.2)."""
        await self._register(request, request.ReadModels)
        return Empty()

    async def RegisterSingle(self, request: pb.RegisterSingleRequest, context: Context) -> Empty:
        """Adds or replaces one read model."""
        await self._register(request, [request.ReadModel])
        return Empty()

    async def UpdateDefinition(self, request: pb.UpdateDefinitionRequest, context: Context) -> Empty:
        """Changes container, schema, generation and indexes of a read model that is registered."""
        store = await self._event_stores.get(request.EventStore)
        read_model = request.ReadModel
        await store.read_models.update(
            read_model.Type.Identifier,
            container=read_model.ContainerName,
            schema=read_model.Schema,
            generation=read_model.Type.Generation,
            indexes=_paths(read_model.Indexes),
        )
        return Empty()

    async def GetDefinitions(
        self, request: pb.GetDefinitionsRequest, context: Context
    ) -> pb.GetDefinitionsResponse:
        """All read models of an event store."""
        store = await self._event_stores.get(request.EventStore)
        read_models = await store.read_models.all()
        return pb.GetDefinitionsResponse(ReadModels=[_message(read_model) for read_model in read_models])

    async def GetInstanceByKey(
        self, request: pb.GetInstanceByKeyRequest, context: Context
    ) -> pb.GetInstanceByKeyResponse:
        """The instance under a key as it is kept, or the text `null` (3.5)."""
        read_model = await self._read_model(request, request.ReadModelIdentifier)
        if (
            not read_model.definition.is_materialized
            or request.SessionId
            or request.ReadModelKey == _EVERYTHING
        ):
            raise _not_materialized(read_model, "by key")
        sink = await self._sink(request, read_model)
        found = await self._released(
            request, read_model, list((await sink.instances([request.ReadModelKey])).values())
        )
        if not found:
            return pb.GetInstanceByKeyResponse(ReadModel=_NULL, LastHandledEventSequenceNumber=UNAVAILABLE)
        instance = found[0]
        return pb.GetInstanceByKeyResponse(
            ReadModel=read_model.schema.rendered(instance.document, last_handled=instance.last_handled),
            LastHandledEventSequenceNumber=instance.last_handled,
        )

    async def GetAllInstances(
        self, request: pb.GetAllInstancesRequest, context: Context
    ) -> pb.GetAllInstancesResponse:
        """All instances as they are kept, in the order in which they were first stored (3.5)."""
        read_model = await self._read_model(request, request.ReadModelIdentifier)
        is_limited = request.HasField("EventCount") and request.EventCount != UNAVAILABLE
        if not read_model.definition.is_materialized or is_limited:
            raise _not_materialized(read_model, "as of an event count" if is_limited else "as a whole")
        sink = await self._sink(request, read_model)
        return pb.GetAllInstancesResponse(
            Instances=[
                read_model.schema.rendered(
                    instance.document, last_handled=instance.last_handled, with_last_handled=True
                )
                for instance in await self._released(request, read_model, await sink.page())
            ]
        )

    async def GetInstances(
        self, request: pb.GetInstancesRequest, context: Context
    ) -> pb.GetInstancesResponse:
        """A page of what is kept, as it is kept; `Occurrence` names another container to read (3.5)."""
        read_model = await self._read_model(request, request.ReadModel)
        answer = pb.GetInstancesResponse(Page=request.Page, PageSize=request.PageSize)
        if read_model.definition.is_materialized:
            sink = await self._sink(request, read_model, request.Occurrence)
            skip = max(0, request.Page * request.PageSize)
            # A size of zero is no limit.
            page = await sink.page(skip=skip, limit=request.PageSize if request.PageSize > 0 else -1)
            page = await self._released(request, read_model, page)
            answer.TotalCount = await sink.count()
            answer.Instances.extend(
                read_model.schema.raw(one.document, key=one.key, last_handled=one.last_handled)
                for one in page
            )
        return answer

    async def Watch(self, request: pb.WatchRequest, context: Context) -> AsyncIterator[pb.ReadModelChangeset]:
        """Each instance as it changes, once it is stored, after a first message that says so much (3.5)."""
        read_model = await self._to_be_watched(request)
        definition = read_model.definition
        # Of a passive model, which is kept nowhere, nothing is ever told.
        sink = await self._sink(request, read_model, definition.container or definition.identifier)
        watcher = sink.watch()
        try:
            yield pb.ReadModelChangeset(Subscribed=True)
            async for change in watcher.changes():
                yield await self._changeset(request, read_model, change)
        except WatcherFellBehind as error:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error))
        finally:
            sink.unwatch(watcher)

    async def _to_be_watched(self, request: pb.WatchRequest) -> ReadModel:
        """The read model of a watch, as soon as something that keeps it is known."""
        store = await self._event_stores.get(request.EventStore)
        try:
            async with asyncio.timeout(WATCH_PATIENCE):
                async for _ in store.read_models.changes.each():
                    with contextlib.suppress(ReadModelNotFound):
                        read_model = await store.read_models.get(request.ReadModelIdentifier)
                        if read_model.definition.observer_id:
                            return read_model
        except TimeoutError:
            pass
        raise NotRegisteredInTime(
            f"Read model definition not registered within {WATCH_PATIENCE * 1000:.0f}ms. "
            "Ensure the read model is registered before watching."
        )

    async def _changeset(
        self, request: pb.WatchRequest, read_model: ReadModel, change: InstanceChange
    ) -> pb.ReadModelChangeset:
        (instance,) = await self._released(request, read_model, [change.instance])
        message = pb.ReadModelChangeset(
            Namespace=request.Namespace,
            ModelKey=instance.key,
            ReadModel=read_model.schema.rendered(
                instance.document, last_handled=instance.last_handled, with_last_handled=True
            ),
            Removed=change.kind is ChangeKind.REMOVED,
            ChangeType=pb.ReadModelChangeType.ValueType(change.kind),
            EventSequenceNumber=UNAVAILABLE,
        )
        if change.cause is not None:
            message.EventSequenceNumber = change.cause.number
            message.Occurred.Value = format_ticks(change.cause.occurred)
            lo, hi = halves_from_guid_bytes(change.cause.correlation_id)
            message.CorrelationId.lo, message.CorrelationId.hi = lo, hi
        return message

    async def _register(self, request: Any, messages: Iterable[pb.ReadModelDefinition]) -> None:
        source = request.Source if request.HasField("Source") else pb.READ_MODEL_SOURCE_Code
        definitions = [(_definition(one, request.Owner, source), one.Schema) for one in messages]
        store = await self._event_stores.get(request.EventStore)
        await store.read_models.register(definitions)

    async def _read_model(self, request: Any, identifier: str) -> ReadModel:
        store: EventStore = await self._event_stores.get(request.EventStore)
        return await store.read_models.get(identifier)

    async def _released(
        self, request: Any, read_model: ReadModel, instances: Sequence[StoredInstance]
    ) -> Sequence[StoredInstance]:
        """The instances with their personal data readable (events.md 13.3)."""
        store = await self._event_stores.get(request.EventStore)
        namespace = await store.namespace(request.Namespace)
        return await namespace.compliance.release_instances(read_model.schema.text, instances)

    async def _sink(self, request: Any, read_model: ReadModel, occurrence: str = "") -> Sink:
        store = await self._event_stores.get(request.EventStore)
        namespace = await store.namespace(request.Namespace)
        return (
            namespace.sinks.container(occurrence) if occurrence else namespace.sinks.of(read_model.definition)
        )


def _not_materialized(read_model: ReadModel, how: str) -> NotMaterialized:
    return NotMaterialized(
        f"Read model '{read_model.definition.identifier}' cannot be read {how} yet: its events would have "
        "to be folded on demand. Give the model a sink, and read it without session or event count."
    )


def _definition(message: pb.ReadModelDefinition, owner: int, source: int) -> ReadModelDefinition:
    """What is registered; owner and source are the request's, whatever the definition says."""
    configuration = message.Sink.ConfigurationId
    return ReadModelDefinition(
        identifier=message.Type.Identifier,
        generation=message.Type.Generation,
        container=message.ContainerName,
        display_name=message.DisplayName,
        sink_type=message.Sink.TypeId,
        sink_configuration=guid_from_halves(configuration.lo, configuration.hi),
        indexes=_paths(message.Indexes),
        observer_type=message.ObserverType,
        observer_id=message.ObserverIdentifier,
        owner=owner,
        source=source,
    )


def _message(read_model: ReadModel) -> pb.ReadModelDefinition:
    definition = read_model.definition
    return pb.ReadModelDefinition(
        Type=pb.ReadModelType(Identifier=definition.identifier, Generation=definition.generation),
        ContainerName=definition.container,
        DisplayName=definition.display_name,
        Sink=pb.SinkDefinition(
            ConfigurationId=_guid(definition.sink_configuration), TypeId=definition.sink_type
        ),
        Schema=read_model.schema.text,
        Indexes=[pb.IndexDefinition(PropertyPath=path) for path in definition.indexes],
        ObserverType=pb.ReadModelObserverType.ValueType(definition.observer_type),
        ObserverIdentifier=definition.observer_id,
        Owner=pb.ReadModelOwner.ValueType(definition.owner),
        Source=pb.ReadModelSource.ValueType(definition.source),
    )


def _guid(value: UUID) -> Guid:
    lo, hi = guid_halves(value)
    return Guid(lo=lo, hi=hi)


def _paths(indexes: Sequence[pb.IndexDefinition]) -> tuple[str, ...]:
    return tuple(index.PropertyPath for index in indexes)
