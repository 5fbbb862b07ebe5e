"""The event types of an event store, with the schemas of their generations (events.md 3)."""

from typing import Any

from chronicle.contracts import events_pb2 as pb
from chronicle.contracts.events_pb2_grpc import EventTypesStub
from chronicle_fastapi.admin.calls import ask
from chronicle_fastapi.admin.models import AdminModel
from chronicle_fastapi.admin.numbers import json_document
from chronicle_fastapi.admin.routes import resource_router
from chronicle_fastapi.admin.scopes import EventStoreScope, IdInPath, InEventStore, NotThereError


class EventTypeSummary(AdminModel):
    """An event type in its latest generation."""

    id: str
    generation: int
    tombstone: bool
    """Whether events of this type end the life of their event source."""
    json_schema: dict[str, Any]
    """The JSON schema of the content."""


class EventTypeGeneration(AdminModel):
    """One generation of an event type."""

    generation: int
    json_schema: dict[str, Any]
    """The JSON schema of the content."""


class EventTypeDetails(AdminModel):
    """An event type with all its generations, the first one first."""

    id: str
    tombstone: bool
    generations: list[EventTypeGeneration]


async def list_event_types(scope: EventStoreScope) -> list[EventTypeSummary]:
    """All event types of the event store, the kernel's own among them, by id.

    Raises `CallError`. (EventTypes/GetAllRegistrations)
    """
    response = await ask(
        scope.client,
        EventTypesStub(scope.client.channel).GetAllRegistrations,
        "EventTypes/GetAllRegistrations",
        pb.GetAllEventTypesRequest(EventStore=scope.event_store),
    )
    return [
        EventTypeSummary(
            id=one.Type.Id,
            generation=one.Type.Generation,
            tombstone=one.Type.Tombstone,
            json_schema=json_document(one.Schema),
        )
        for one in sorted(response.items, key=lambda one: one.Type.Id)
    ]


async def find_event_type(scope: EventStoreScope, event_type_id: str) -> EventTypeDetails:
    """An event type. Raises `NotThereError` for one that is unknown, `CallError`.

    (EventTypes/GetAllGenerationsForEventType)
    """
    response = await ask(
        scope.client,
        EventTypesStub(scope.client.channel).GetAllGenerationsForEventType,
        "EventTypes/GetAllGenerationsForEventType",
        pb.GetEventTypeGenerationsRequest(EventStore=scope.event_store, EventTypeId=event_type_id),
    )
    if not response.items:
        raise NotThereError("event type", event_type_id)
    return EventTypeDetails(
        id=event_type_id,
        tombstone=any(one.Type.Tombstone for one in response.items),
        generations=[
            EventTypeGeneration(generation=one.Type.Generation, json_schema=json_document(one.Schema))
            for one in sorted(response.items, key=lambda one: one.Type.Generation)
        ],
    )


router = resource_router("event types", "/event-stores/{event_store}/event-types")


@router.get("")
async def get_event_types(scope: InEventStore) -> list[EventTypeSummary]:
    """List the event types of an event store, each in its latest generation."""
    return await list_event_types(scope)


@router.get("/{event_type_id}")
async def get_event_type(scope: InEventStore, event_type_id: IdInPath) -> EventTypeDetails:
    """Get an event type with all its generations."""
    return await find_event_type(scope, event_type_id)
