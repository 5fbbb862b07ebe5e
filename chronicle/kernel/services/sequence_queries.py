"""The SequenceQueries service (contract package SequenceQueries): saved queries and their folders."""

from collections.abc import AsyncIterator

from google.protobuf.empty_pb2 import Empty

from chronicle.contracts import sequence_queries_pb2 as pb
from chronicle.contracts.sequence_queries_pb2_grpc import SequenceQueriesServicer
from chronicle.kernel.event_store import EventStore
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.services.faults import Context
from chronicle.kernel.storage.sequence_queries import Saved


class SequenceQueriesService(SequenceQueriesServicer):
    """Queries on event sequences that people keep, their own and those for everyone.

    Whoever names an owner is taken at his word: it says whose list is meant, and protects nothing.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._event_stores = kernel.event_stores

    async def GetSequenceQueries(
        self, request: pb.GetSequenceQueriesRequest, context: Context
    ) -> pb.IEnumerable_SequenceQueryDefinition:
        """The queries that an owner can see, by name."""
        return await _queries(await self._event_stores.get(request.EventStore), request.Owner)

    async def ObserveSequenceQueries(
        self, request: pb.GetSequenceQueriesRequest, context: Context
    ) -> AsyncIterator[pb.IEnumerable_SequenceQueryDefinition]:
        """The queries that an owner can see, now and after each change."""
        store = await self._event_stores.get(request.EventStore)
        async for _ in store.sequence_queries.changes.each():
            yield await _queries(store, request.Owner)

    async def Save(self, request: pb.SaveSequenceQueryRequest, context: Context) -> Empty:
        """Saves a query, in place of the one with its id."""
        query = pb.SequenceQueryDefinition()
        query.CopyFrom(request.Query)
        # The contract has these two, and no encoding for them.
        query.ClearField("OccurredFrom")
        query.ClearField("OccurredTo")
        store = await self._event_stores.get(request.EventStore)
        await store.sequence_queries.save(_saved(query, query.Name))
        return Empty()

    async def Delete(self, request: pb.DeleteSequenceQueryRequest, context: Context) -> Empty:
        """Deletes a query, if it is there."""
        store = await self._event_stores.get(request.EventStore)
        await store.sequence_queries.delete(request.Id)
        return Empty()

    async def GetSequenceQueryFolders(
        self, request: pb.GetSequenceQueriesRequest, context: Context
    ) -> pb.IEnumerable_SequenceQueryFolderDefinition:
        """The folders that an owner can see, by path."""
        store = await self._event_stores.get(request.EventStore)
        folders = pb.IEnumerable_SequenceQueryFolderDefinition()
        for definition in await store.sequence_query_folders.visible_to(request.Owner):
            folders.items.add().ParseFromString(definition)
        return folders

    async def SaveFolder(self, request: pb.SaveSequenceQueryFolderRequest, context: Context) -> Empty:
        """Saves a folder, in place of the one with its id; the queries in it say so themselves."""
        store = await self._event_stores.get(request.EventStore)
        await store.sequence_query_folders.save(_saved(request.Folder, request.Folder.Path))
        return Empty()

    async def DeleteFolder(self, request: pb.DeleteSequenceQueryFolderRequest, context: Context) -> Empty:
        """Deletes a folder, if it is there; what was in it stays."""
        store = await self._event_stores.get(request.EventStore)
        await store.sequence_query_folders.delete(request.Id)
        return Empty()


def _saved(definition: pb.SequenceQueryDefinition | pb.SequenceQueryFolderDefinition, name: str) -> Saved:
    is_for_everyone = definition.Scope == pb.SEQUENCE_QUERY_SCOPE_Everyone
    return Saved(definition.Id, name, definition.Owner, is_for_everyone, definition.SerializeToString())


async def _queries(store: EventStore, owner: str) -> pb.IEnumerable_SequenceQueryDefinition:
    queries = pb.IEnumerable_SequenceQueryDefinition()
    for definition in await store.sequence_queries.visible_to(owner):
        queries.items.add().ParseFromString(definition)
    return queries
