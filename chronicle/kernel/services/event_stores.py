"""The EventStores service (contract package EventStores; events.md 1)."""

from collections.abc import AsyncIterator

from google.protobuf.empty_pb2 import Empty

from chronicle.contracts import event_stores_pb2 as pb
from chronicle.contracts.event_stores_pb2_grpc import EventStoresServicer
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.services import envelopes
from chronicle.kernel.services.faults import Context


class EventStoresService(EventStoresServicer):
    """Event stores: list, watch and create them."""

    def __init__(self, kernel: Kernel) -> None:
        self._event_stores = kernel.event_stores

    async def EnsureEventStore(
        self, request: pb.EnsureEventStoreRequest, context: Context
    ) -> pb.CommandResult:
        """Makes an event store complete, and adds it if need be."""
        return await envelopes.command(
            pb.CommandResult,
            envelopes.required(Name=(request.Name, "Event store name is required.")),
            lambda: self._event_stores.ensure(request.Name),
        )

    async def AllEventStores(self, request: Empty, context: Context) -> pb.QueryResult_IEnumerable_String:
        """The names of all event stores."""
        return await envelopes.query(pb.QueryResult_IEnumerable_String, self._names)

    async def ObserveEventStores(
        self, request: Empty, context: Context
    ) -> AsyncIterator[pb.QueryResult_IEnumerable_String]:
        """The names of all event stores, now and after each addition."""
        async for result in envelopes.observe(pb.QueryResult_IEnumerable_String, self._names):
            yield result

    async def _names(self) -> envelopes.Names:
        return envelopes.Names(self._event_stores.names, self._event_stores.changes)
