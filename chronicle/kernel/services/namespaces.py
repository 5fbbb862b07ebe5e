"""The Namespaces service (contract package Namespaces; events.md 1)."""

from collections.abc import AsyncIterator

from chronicle.contracts import namespaces_pb2 as pb
from chronicle.contracts.namespaces_pb2_grpc import NamespacesServicer
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.services import envelopes
from chronicle.kernel.services.faults import Context


class NamespacesService(NamespacesServicer):
    """Namespaces of an event store: list, watch and create them."""

    def __init__(self, kernel: Kernel) -> None:
        self._event_stores = kernel.event_stores

    async def EnsureNamespace(self, request: pb.EnsureNamespaceRequest, context: Context) -> pb.CommandResult:
        """Adds a namespace unless there is one with this name in any casing."""

        async def run() -> None:
            store = await self._event_stores.get(request.EventStore)
            await store.ensure_namespace(request.Namespace)

        missing = envelopes.required(
            EventStore=(request.EventStore, "Event store name is required."),
            Namespace=(request.Namespace, "Namespace name is required."),
        )
        return await envelopes.command(pb.CommandResult, missing, run)

    async def AllNamespaces(
        self, request: pb.AllNamespacesRequest, context: Context
    ) -> pb.QueryResult_IEnumerable_String:
        """The names of all namespaces of an event store."""
        return await envelopes.query(
            pb.QueryResult_IEnumerable_String, lambda: self._names(request.EventStore)
        )

    async def ObserveNamespaces(
        self, request: pb.ObserveNamespacesRequest, context: Context
    ) -> AsyncIterator[pb.QueryResult_IEnumerable_String]:
        """The names of all namespaces of an event store, now and after each addition."""
        async for result in envelopes.observe(
            pb.QueryResult_IEnumerable_String, lambda: self._names(request.EventStore)
        ):
            yield result

    async def _names(self, event_store: str) -> envelopes.Names:
        store = await self._event_stores.get(event_store)
        return envelopes.Names(store.namespaces, store.namespace_changes)
