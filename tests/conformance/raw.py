"""The contract without a client: stubs on a channel, and the few requests that tests make again and again.

Nothing here knows which kernel answers, and nothing fills in what a test leaves out, but for what the
contract demands of every request.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import grpc.aio
from google.protobuf.empty_pb2 import Empty

from chronicle.contracts import bcl_pb2, events_pb2
from chronicle.contracts import event_sequences_pb2 as sequences
from chronicle.contracts import event_stores_pb2 as stores
from chronicle.contracts import namespaces_pb2 as namespaces
from chronicle.contracts import read_models_pb2 as read_models
from chronicle.contracts.clients_pb2_grpc import ConnectionServiceStub
from chronicle.contracts.event_sequences_pb2_grpc import EventSequencesStub
from chronicle.contracts.event_stores_pb2_grpc import EventStoresStub
from chronicle.contracts.events_constraints_pb2_grpc import ConstraintsStub
from chronicle.contracts.events_pb2_grpc import EventTypesStub
from chronicle.contracts.identities_pb2_grpc import IdentitiesStub
from chronicle.contracts.namespaces_pb2_grpc import NamespacesStub
from chronicle.contracts.observation_reactors_pb2_grpc import ReactorsStub
from chronicle.contracts.observation_reducers_pb2_grpc import ReducersStub
from chronicle.contracts.read_models_pb2_grpc import ReadModelsStub
from chronicle.contracts.seeding_pb2_grpc import EventSeedingStub
from chronicle.contracts.sequence_queries_pb2_grpc import SequenceQueriesStub
from chronicle.values import UNAVAILABLE, guid_from_halves, guid_halves

NOTHING: Final = Empty()
EMPTY_SCHEMA: Final = "{}"
UNCHECKED: Final = sequences.ConcurrencyScope(SequenceNumber=UNAVAILABLE)
SYSTEM: Final = sequences.Identity(
    Subject="5d032c92-9d5e-41eb-947a-ee5314ed0032", Name="[System]", UserName="[System]"
)
ROOT: Final = sequences.Causation(
    Type="Root", Occurred=sequences.SerializableDateTimeOffset(Value="2026-11-24T10:00:00.0000000+00:00")
)

Content = str | Mapping[str, Any]


class Stubs:
    """One stub for each service that tests call."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.clients = ConnectionServiceStub(channel)
        self.event_stores = EventStoresStub(channel)
        self.namespaces = NamespacesStub(channel)
        self.event_types = EventTypesStub(channel)
        self.constraints = ConstraintsStub(channel)
        self.event_sequences = EventSequencesStub(channel)
        self.reactors = ReactorsStub(channel)
        self.reducers = ReducersStub(channel)
        self.read_models = ReadModelsStub(channel)
        self.identities = IdentitiesStub(channel)
        self.seeding = EventSeedingStub(channel)
        self.sequence_queries = SequenceQueriesStub(channel)


class RawStore:
    """One event store in one namespace, and one event sequence of it for appends and reads."""

    def __init__(
        self, stubs: Stubs, name: str, *, namespace: str = "Default", sequence: str = "event-log"
    ) -> None:
        self.stubs = stubs
        self.name = name
        self.namespace = namespace
        self.sequence = sequence

    def within(self, *, namespace: str | None = None, sequence: str | None = None) -> "RawStore":
        """The same event store, in another namespace or another event sequence."""
        return RawStore(
            self.stubs,
            self.name,
            namespace=namespace or self.namespace,
            sequence=sequence or self.sequence,
        )

    @property
    def place(self) -> dict[str, Any]:
        """The fields by which every request names the sequence."""
        return {"EventStore": self.name, "Namespace": self.namespace, "EventSequenceId": self.sequence}

    async def ensure(self) -> stores.CommandResult:
        """EventStores/EnsureEventStore."""
        return await self.stubs.event_stores.EnsureEventStore(stores.EnsureEventStoreRequest(Name=self.name))

    async def ensure_namespace(self, name: str) -> namespaces.CommandResult:
        """Namespaces/EnsureNamespace."""
        request = namespaces.EnsureNamespaceRequest(EventStore=self.name, Namespace=name)
        return await self.stubs.namespaces.EnsureNamespace(request)

    async def register(self, *event_types: str, schema: str = EMPTY_SCHEMA, generation: int = 1) -> None:
        """EventTypes/Register: these ids, all with one schema."""
        await self.stubs.event_types.Register(
            events_pb2.RegisterEventTypesRequest(
                EventStore=self.name,
                Types=[
                    events_pb2.EventTypeRegistration(
                        Type=events_pb2.EventType(Id=event_type, Generation=generation), Schema=schema
                    )
                    for event_type in event_types
                ],
                DisableValidation=True,
            )
        )

    async def register_model(
        self,
        identifier: str,
        properties: Mapping[str, Any],
        *,
        reducer: str = "reducer",
        sink: str = "MongoDB",
        **schema: Any,
    ) -> None:
        """ReadModels/RegisterMany: one read model that a reducer keeps."""
        definition = read_models.ReadModelDefinition(
            Type=read_models.ReadModelType(Identifier=identifier, Generation=1),
            ContainerName=identifier,
            DisplayName=identifier,
            Sink=read_models.SinkDefinition(ConfigurationId=bcl_pb2.Guid(), TypeId=sink),
            Schema=json.dumps({"type": "object", "properties": properties, **schema}),
            ObserverType=read_models.READ_MODEL_OBSERVER_TYPE_Reducer,
            ObserverIdentifier=reducer,
        )
        await self.stubs.read_models.RegisterMany(
            read_models.RegisterManyRequest(
                EventStore=self.name,
                Owner=read_models.READ_MODEL_OWNER_Client,
                ReadModels=[definition],
                Source=read_models.READ_MODEL_SOURCE_Code,
            )
        )

    async def instance(self, identifier: str, key: str) -> read_models.GetInstanceByKeyResponse:
        """ReadModels/GetInstanceByKey."""
        request = read_models.GetInstanceByKeyRequest(
            **self.place, ReadModelIdentifier=identifier, ReadModelKey=key
        )
        return await self.stubs.read_models.GetInstanceByKey(request)

    async def instances(self, identifier: str) -> list[dict[str, Any]]:
        """ReadModels/GetAllInstances."""
        request = read_models.GetAllInstancesRequest(
            **self.place, ReadModelIdentifier=identifier, EventCount=UNAVAILABLE
        )
        response = await self.stubs.read_models.GetAllInstances(request)
        assert response.ProcessedEventsCount == 0
        return list(map(json.loads, response.Instances))

    async def event_types(self) -> set[str]:
        """EventTypes/GetAll: the ids that the event store knows, its kernel's own among them."""
        request = events_pb2.GetAllEventTypesRequest(EventStore=self.name)
        return {one.Id for one in (await self.stubs.event_types.GetAll(request)).items}

    def append_request(
        self, event_type: str, content: Content | None = None, source: str = "source-1", **fields: Any
    ) -> sequences.AppendRequest:
        """An AppendRequest with what the contract demands; `fields` add to it, or replace it."""
        demanded: dict[str, Any] = {
            "CorrelationId": guid(UUID("018f0000-0000-7000-8000-000000000001")),
            "EventSourceId": source,
            "EventType": sequences.EventType(Id=event_type, Generation=1),
            "Content": content_text(content),
            "Causation": [ROOT],
            "CausedBy": SYSTEM,
            "ConcurrencyScope": UNCHECKED,
        }
        return sequences.AppendRequest(**self.place, **(demanded | fields))

    async def append(
        self, event_type: str, content: Content | None = None, source: str = "source-1", **fields: Any
    ) -> sequences.AppendResponse:
        """EventSequences/Append."""
        request = self.append_request(event_type, content, source, **fields)
        return await self.stubs.event_sequences.Append(request)

    async def append_many(
        self, events: Sequence[sequences.EventToAppend], **fields: Any
    ) -> sequences.AppendManyResponse:
        """EventSequences/AppendMany."""
        demanded: dict[str, Any] = {
            "CorrelationId": guid(UUID("018f0000-0000-7000-8000-000000000002")),
            "Causation": [ROOT],
            "CausedBy": SYSTEM,
        }
        request = sequences.AppendManyRequest(**self.place, Events=events, **(demanded | fields))
        return await self.stubs.event_sequences.AppendMany(request)

    async def read(self, first: int = 0, **fields: Any) -> Sequence[sequences.AppendedEvent]:
        """EventSequences/GetEventsFromEventSequenceNumber."""
        request = sequences.GetFromEventSequenceNumberRequest(
            **self.place, FromEventSequenceNumber=first, **fields
        )
        return (await self.stubs.event_sequences.GetEventsFromEventSequenceNumber(request)).Events

    async def read_for(self, source: str, **fields: Any) -> Sequence[sequences.AppendedEvent]:
        """EventSequences/GetForEventSourceIdAndEventTypes."""
        request = sequences.GetForEventSourceIdAndEventTypesRequest(
            **self.place, EventSourceId=source, **fields
        )
        return (await self.stubs.event_sequences.GetForEventSourceIdAndEventTypes(request)).Events

    async def tail(self, **filters: Any) -> int:
        """EventSequences/GetTailSequenceNumber."""
        request = sequences.GetTailSequenceNumberRequest(**self.place, **filters)
        return (await self.stubs.event_sequences.GetTailSequenceNumber(request)).SequenceNumber

    async def has_events_for(self, source: str) -> bool:
        """EventSequences/HasEventsForEventSourceId."""
        request = sequences.HasEventsForEventSourceIdRequest(**self.place, EventSourceId=source)
        return (await self.stubs.event_sequences.HasEventsForEventSourceId(request)).HasEvents


def to_append(
    event_type: str, content: Content | None = None, source: str = "source-1", **fields: Any
) -> sequences.EventToAppend:
    """One event of an AppendMany."""
    demanded: dict[str, Any] = {
        "EventSourceId": source,
        "EventType": sequences.EventType(Id=event_type, Generation=1),
        "Content": content_text(content),
    }
    return sequences.EventToAppend(**(demanded | fields))


def type_filter(*event_types: str) -> list[sequences.EventType]:
    """Event types as a filter names them."""
    return [sequences.EventType(Id=event_type, Generation=1) for event_type in event_types]


def content_text(content: Content | None) -> str:
    """Content as it travels: a text as it is, anything else as JSON."""
    return content if isinstance(content, str) else json.dumps(content or {})


def occurred(text: str) -> sequences.SerializableDateTimeOffset:
    """A point in time, given in ISO 8601."""
    return sequences.SerializableDateTimeOffset(Value=text)


def guid(value: UUID) -> bcl_pb2.Guid:
    """A UUID on the wire."""
    low, high = guid_halves(value)
    return bcl_pb2.Guid(lo=low, hi=high)


def from_guid(value: Any) -> UUID:
    """A UUID from the wire."""
    return guid_from_halves(value.lo, value.hi)
