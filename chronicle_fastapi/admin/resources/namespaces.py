"""The namespaces of an event store (events.md 1)."""

from chronicle_fastapi.admin.models import AdminModel, AdminRequest, NewName
from chronicle_fastapi.admin.routes import resource_router
from chronicle_fastapi.admin.scopes import EventStoreScope, InEventStore, find_namespace


class NamespaceSummary(AdminModel):
    """A namespace of an event store."""

    name: str


class NewNamespace(AdminRequest):
    """A namespace to be there."""

    name: NewName


async def list_namespaces(scope: EventStoreScope) -> list[NamespaceSummary]:
    """The namespaces of the event store, by name; none for one that was only read from.

    Raises `CallError`. (Namespaces/AllNamespaces)
    """
    return [NamespaceSummary(name=name) for name in sorted(await scope.namespaces.all(), key=str.casefold)]


async def ensure_namespace(scope: EventStoreScope, name: str) -> NamespaceSummary:
    """Adds a namespace, unless it is there in any casing; answers with it in either case.

    Raises `CallError`, also for a name that the kernel's storage cannot have. (Namespaces/EnsureNamespace)
    """
    await scope.namespaces.ensure(name)
    found = await find_namespace(scope.client, scope.event_store, name)
    return NamespaceSummary(name=found.namespace)


router = resource_router("namespaces", "/event-stores/{event_store}/namespaces")


@router.get("")
async def get_namespaces(scope: InEventStore) -> list[NamespaceSummary]:
    """List the namespaces of an event store."""
    return await list_namespaces(scope)


@router.post("", status_code=201)
async def add_namespace(scope: InEventStore, body: NewNamespace) -> NamespaceSummary:
    """Add a namespace, unless it is there already."""
    return await ensure_namespace(scope, body.name)
