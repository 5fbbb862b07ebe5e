"""What an event store and its namespaces were seeded with (events.md 15)."""

from typing import Any

from pydantic import Field

from chronicle.contracts import seeding_pb2 as pb
from chronicle.contracts.seeding_pb2_grpc import EventSeedingStub
from chronicle_fastapi.admin.calls import ask
from chronicle_fastapi.admin.models import AdminModel
from chronicle_fastapi.admin.numbers import json_value
from chronicle_fastapi.admin.routes import resource_router
from chronicle_fastapi.admin.scopes import EventStoreScope, InEventStore, InNamespace, NamespaceScope


class SeededEvent(AdminModel):
    """An event that was seeded. The kernel does not tell its tags."""

    event_source_id: str
    event_type: str
    """The id of its type."""
    content: Any = Field(description="Numbers that a double is not sure to hold exactly are strings.")


async def list_seeds(scope: EventStoreScope) -> list[SeededEvent]:
    """What all namespaces of the event store were seeded with, by event source.

    Raises `CallError`. (EventSeeding/GetGlobalSeedData)
    """
    response = await ask(
        scope.client,
        EventSeedingStub(scope.client.channel).GetGlobalSeedData,
        "EventSeeding/GetGlobalSeedData",
        pb.GetSeedDataRequest(EventStore=scope.event_store),
    )
    return _seeds(response)


async def list_seeds_of_namespace(scope: NamespaceScope) -> list[SeededEvent]:
    """What the namespace was seeded with, by event source.

    Raises `CallError`. (EventSeeding/GetNamespaceSeedData)
    """
    response = await ask(
        scope.client,
        EventSeedingStub(scope.client.channel).GetNamespaceSeedData,
        "EventSeeding/GetNamespaceSeedData",
        pb.GetSeedDataRequest(EventStore=scope.event_store, Namespace=scope.namespace),
    )
    return _seeds(response)


def _seeds(response: pb.SeedDataResponse) -> list[SeededEvent]:
    # The same entries are there by event type once more.
    return [
        SeededEvent(
            event_source_id=group.EventSourceId,
            event_type=entry.EventTypeId,
            content=json_value(entry.Content),
        )
        for group in response.ByEventSource
        for entry in group.Entries
    ]


router = resource_router("seeds", "/event-stores/{event_store}")


@router.get("/seeds")
async def get_seeds(scope: InEventStore) -> list[SeededEvent]:
    """List what all namespaces of an event store were seeded with."""
    return await list_seeds(scope)


@router.get("/namespaces/{namespace}/seeds")
async def get_seeds_of_namespace(scope: InNamespace) -> list[SeededEvent]:
    """List what one namespace was seeded with."""
    return await list_seeds_of_namespace(scope)
