"""Event stores (events.md 1)."""

from chronicle import ChronicleClient
from chronicle_fastapi.admin.models import AdminModel, AdminRequest, NewName
from chronicle_fastapi.admin.routes import resource_router
from chronicle_fastapi.admin.scopes import InEventStore, find_event_store
from chronicle_fastapi.dependencies import ClientDep


class EventStoreSummary(AdminModel):
    """An event store of the kernel."""

    name: str


class NewEventStore(AdminRequest):
    """An event store to be there."""

    name: NewName


async def list_event_stores(client: ChronicleClient) -> list[EventStoreSummary]:
    """All event stores of the kernel, its own `System` among them, by name.

    Raises `CallError`. (EventStores/AllEventStores)
    """
    names = sorted(await client.event_stores.all(), key=str.casefold)
    return [EventStoreSummary(name=name) for name in names]


async def ensure_event_store(client: ChronicleClient, name: str) -> EventStoreSummary:
    """Adds an event store with the namespace `Default`, unless it is there; answers with it in either case.

    Raises `CallError`, also for a name that the kernel reserves. (EventStores/EnsureEventStore)
    """
    await client.event_stores.ensure(name)
    return EventStoreSummary(name=(await find_event_store(client, name)).event_store)


router = resource_router("event stores", "/event-stores")


@router.get("")
async def get_event_stores(client: ClientDep) -> list[EventStoreSummary]:
    """List the event stores of the kernel."""
    return await list_event_stores(client)


@router.post("", status_code=201)
async def add_event_store(client: ClientDep, body: NewEventStore) -> EventStoreSummary:
    """Add an event store, unless it is there already."""
    return await ensure_event_store(client, body.name)


@router.get("/{event_store}")
async def get_event_store(scope: InEventStore) -> EventStoreSummary:
    """Get one event store."""
    return EventStoreSummary(name=scope.event_store)
