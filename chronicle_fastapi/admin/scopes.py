"""What a request is about: the kernel, an event store, or a namespace of one. The last two have to be there:
asking the kernel about an event store makes it, and looking must not.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Protocol, TypeVar

from fastapi import Depends, HTTPException, Path

from chronicle import ChronicleClient
from chronicle.event_stores import Namespaces
from chronicle.events.event_types import EventTypes
from chronicle.serialization import Serializer
from chronicle.store_access import StoreAccess
from chronicle_fastapi.admin.models import LARGEST_NAME
from chronicle_fastapi.dependencies import ClientDep


@dataclass(frozen=True, slots=True)
class EventStoreScope:
    """An event store that is there. `event_store` is its name as the kernel spells it."""

    client: ChronicleClient
    event_store: str

    @property
    def namespaces(self) -> Namespaces:
        """The namespaces of the event store."""
        return Namespaces(self.client.channel, self.client.call_settings, self.event_store)


@dataclass(frozen=True, slots=True)
class NamespaceScope(EventStoreScope):
    """A namespace that is there."""

    namespace: str

    def access(self) -> StoreAccess:
        """What parts of the client need to work in the namespace, without an application's event types.

        `ChronicleClient.event_store` would hold the event store open from then on, without artifacts, and the
        application could no longer open it with its own.
        """
        serializer = Serializer()
        return StoreAccess(
            self.client.channel,
            self.event_store,
            self.namespace,
            EventTypes((), naming=serializer.naming),
            serializer,
            self.client.call_settings,
        )


class NotThereError(HTTPException):
    """What is asked for does not exist: status 404."""

    def __init__(self, what: str, name: object) -> None:
        super().__init__(404, f"There is no {what} '{name}'.")


class _Identified(Protocol):
    @property
    def id(self) -> object: ...


Identified = TypeVar("Identified", bound=_Identified)


def with_id(found: Iterable[Identified], what: str, wanted: object) -> Identified:
    """The one with this id, among what the kernel has. Raises `NotThereError` when there is none."""
    for one in found:
        if one.id == wanted:
            return one
    raise NotThereError(what, wanted)


async def find_event_store(client: ChronicleClient, event_store: str) -> EventStoreScope:
    """The event store with this name in any casing. Raises `NotThereError` when there is none."""
    return EventStoreScope(client, _spelt("event store", event_store, await client.event_stores.all()))


async def find_namespace(client: ChronicleClient, event_store: str, namespace: str) -> NamespaceScope:
    """The namespace with this name in any casing. Raises `NotThereError` when there is none."""
    store = await find_event_store(client, event_store)
    name = _spelt(f"namespace in event store '{store.event_store}'", namespace, await store.namespaces.all())
    return NamespaceScope(client, store.event_store, name)


def _spelt(what: str, name: str, names: Iterable[str]) -> str:
    folded = name.casefold()
    found = next((one for one in names if one.casefold() == folded), None)
    if found is None:
        raise NotThereError(what, name)
    return found


# A slash would end the segment: web servers decode %2F before they look for the route.
_NAME = {"min_length": 1, "max_length": LARGEST_NAME, "pattern": "^[^/]+$"}
EventStoreName = Annotated[str, Path(description="The event store, in any casing.", **_NAME)]
NamespaceName = Annotated[str, Path(description="The namespace, in any casing.", **_NAME)]
IdInPath = Annotated[str, Path(**_NAME)]


async def _event_store(client: ClientDep, event_store: EventStoreName) -> EventStoreScope:
    return await find_event_store(client, event_store)


async def _namespace(
    client: ClientDep, event_store: EventStoreName, namespace: NamespaceName
) -> NamespaceScope:
    return await find_namespace(client, event_store, namespace)


InEventStore = Annotated[EventStoreScope, Depends(_event_store)]
"""For routes below `/event-stores/{event_store}`."""
InNamespace = Annotated[NamespaceScope, Depends(_namespace)]
"""For routes below `/event-stores/{event_store}/namespaces/{namespace}`."""
