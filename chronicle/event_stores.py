"""The event stores of a kernel, and the namespaces of an event store (events.md 1)."""

import grpc.aio
from google.protobuf.empty_pb2 import Empty

from chronicle.connections.calls import Call, CallSettings
from chronicle.contracts.event_stores_pb2 import EnsureEventStoreRequest
from chronicle.contracts.event_stores_pb2_grpc import EventStoresStub
from chronicle.contracts.namespaces_pb2 import AllNamespacesRequest, EnsureNamespaceRequest
from chronicle.contracts.namespaces_pb2_grpc import NamespacesStub
from chronicle.envelopes import open_envelope


class EventStores:
    """All event stores of the kernel."""

    def __init__(self, channel: grpc.aio.Channel, calls: CallSettings) -> None:
        stub = EventStoresStub(channel)
        self._all = Call(stub.AllEventStores, "EventStores/AllEventStores", calls)
        self._ensure = Call(stub.EnsureEventStore, "EventStores/EnsureEventStore", calls)

    async def all(self) -> list[str]:
        """The names of all event stores.

        Raises `CallError`. (EventStores/AllEventStores)
        """
        result = await self._all(Empty())
        open_envelope(result, "EventStores/AllEventStores")
        return list(result.Data)

    async def ensure(self, name: str) -> None:
        """Creates an event store, unless it is there.

        Raises `CallError`. (EventStores/EnsureEventStore)
        """
        result = await self._ensure(EnsureEventStoreRequest(Name=name))
        open_envelope(result, "EventStores/EnsureEventStore")


class Namespaces:
    """All namespaces of one event store."""

    def __init__(self, channel: grpc.aio.Channel, calls: CallSettings, event_store: str) -> None:
        stub = NamespacesStub(channel)
        self._all = Call(stub.AllNamespaces, "Namespaces/AllNamespaces", calls)
        self._ensure = Call(stub.EnsureNamespace, "Namespaces/EnsureNamespace", calls)
        self._event_store = event_store

    async def all(self) -> list[str]:
        """The names of all namespaces.

        Raises `CallError`. (Namespaces/AllNamespaces)
        """
        result = await self._all(AllNamespacesRequest(EventStore=self._event_store))
        open_envelope(result, "Namespaces/AllNamespaces")
        return list(result.Data)

    async def ensure(self, name: str) -> None:
        """Creates a namespace, unless it is there.

        Raises `CallError`. (Namespaces/EnsureNamespace)
        """
        result = await self._ensure(EnsureNamespaceRequest(EventStore=self._event_store, Namespace=name))
        open_envelope(result, "Namespaces/EnsureNamespace")
