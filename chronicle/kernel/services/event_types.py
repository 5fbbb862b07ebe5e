"""The EventTypes service (contract package Events; events.md 3.2 and 3.3)."""

from collections.abc import AsyncIterator

from google.protobuf.empty_pb2 import Empty

from chronicle.contracts import events_pb2 as pb
from chronicle.contracts.events_pb2_grpc import EventTypesServicer
from chronicle.kernel.event_store import EventStore
from chronicle.kernel.event_types import EventTypeDefinition, EventTypeMigration, EventTypeRegistration
from chronicle.kernel.event_types.definitions import NO_SCHEMA
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.services.faults import Context


class EventTypesService(EventTypesServicer):
    """Event types with their generations, schemas and migrations."""

    def __init__(self, kernel: Kernel) -> None:
        self._event_stores = kernel.event_stores

    async def Register(self, request: pb.RegisterEventTypesRequest, context: Context) -> Empty:
        """Registers event types, all or none."""
        store = await self._event_stores.get(request.EventStore)
        registrations = [_registration(registration) for registration in request.Types]
        await store.register_event_types(registrations, validate=not request.DisableValidation)
        return Empty()

    async def RegisterSingle(self, request: pb.RegisterSingleEventTypeRequest, context: Context) -> Empty:
        """Registers one generation unchecked, in place of what was stored, and without telling anyone."""
        store = await self._event_stores.get(request.EventStore)
        full = _registration(request.Type)
        single = EventTypeRegistration(full.id, full.generation, full.schema, full.tombstone)
        await store.event_types.register([single], validate=False)
        store.rewriting.start()
        return Empty()

    async def GetAll(self, request: pb.GetAllEventTypesRequest, context: Context) -> pb.IEnumerable_EventType:
        """The latest generation of each event type."""
        store = await self._event_stores.get(request.EventStore)
        return pb.IEnumerable_EventType(
            items=[_event_type(one, one.latest) for one in store.event_types.all()]
        )

    async def GetAllRegistrations(
        self, request: pb.GetAllEventTypesRequest, context: Context
    ) -> pb.IEnumerable_EventTypeRegistration:
        """The latest generation of each event type, with its schema."""
        return _registrations(await self._event_stores.get(request.EventStore))

    async def ObserveAllRegistrations(
        self, request: pb.GetAllEventTypesRequest, context: Context
    ) -> AsyncIterator[pb.IEnumerable_EventTypeRegistration]:
        """The same list, now and after each change."""
        store = await self._event_stores.get(request.EventStore)
        async for _ in store.event_types.changes.each():
            yield _registrations(store)

    async def GetAllGenerationsForEventType(
        self, request: pb.GetEventTypeGenerationsRequest, context: Context
    ) -> pb.IEnumerable_EventTypeRegistration:
        """All generations of an event type with their schemas; none for one that is unknown."""
        store = await self._event_stores.get(request.EventStore)
        definition = store.event_types.find(request.EventTypeId)
        generations = definition.generations if definition else ()
        return pb.IEnumerable_EventTypeRegistration(
            items=[_message(definition, generation) for generation in generations if definition]
        )


def _registrations(store: EventStore) -> pb.IEnumerable_EventTypeRegistration:
    return pb.IEnumerable_EventTypeRegistration(
        items=[_message(one, one.latest) for one in store.event_types.all()]
    )


def _event_type(definition: EventTypeDefinition, generation: int) -> pb.EventType:
    return pb.EventType(Id=definition.id, Generation=generation, Tombstone=definition.tombstone)


def _message(definition: EventTypeDefinition, generation: int) -> pb.EventTypeRegistration:
    return pb.EventTypeRegistration(
        Type=_event_type(definition, generation), Schema=definition.schema(generation)
    )


def _registration(message: pb.EventTypeRegistration) -> EventTypeRegistration:
    return EventTypeRegistration(
        id=message.Type.Id,
        generation=message.Type.Generation,
        schema=message.Schema or NO_SCHEMA,
        tombstone=message.Type.Tombstone,
        generations={one.Generation: one.Schema or NO_SCHEMA for one in message.Generations},
        migrations=tuple(
            EventTypeMigration(
                one.FromGeneration, one.ToGeneration, one.UpcastJmesPath or "{}", one.DowncastJmesPath or "{}"
            )
            for one in message.Migrations
            if one.FromGeneration != one.ToGeneration
        ),
    )
