"""The Identities service (contract package Identities; events.md 14)."""

from collections.abc import AsyncIterator

from google.protobuf.empty_pb2 import Empty

from chronicle.contracts import identities_pb2 as pb
from chronicle.contracts.identities_pb2_grpc import IdentitiesServicer
from chronicle.kernel.event_store import EventStore
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.namespace import Namespace
from chronicle.kernel.services.faults import Context


class IdentitiesService(IdentitiesServicer):
    """Who has caused events in a namespace: list, watch and rename them."""

    def __init__(self, kernel: Kernel) -> None:
        self._event_stores = kernel.event_stores

    async def GetIdentities(
        self, request: pb.GetIdentitiesRequest, context: Context
    ) -> pb.IEnumerable_Identity:
        """All identities, each for itself, in the order in which they came."""
        store = await self._event_stores.get(request.EventStore)
        return await _identities(await store.existing_namespace(request.Namespace))

    async def ObserveIdentities(
        self, request: pb.GetIdentitiesRequest, context: Context
    ) -> AsyncIterator[pb.IEnumerable_Identity]:
        """All identities, now and after each change."""
        store = await self._event_stores.get(request.EventStore)
        if await store.existing_namespace(request.Namespace) is None:
            yield pb.IEnumerable_Identity()
        namespace = await _namespace(store, request.Namespace)
        async for _ in namespace.identities.changes.each():
            yield await _identities(namespace)

    async def RenameIdentity(self, request: pb.RenameIdentityRequest, context: Context) -> Empty:
        """Renames whoever has the subject, in all events; does nothing when nobody has it."""
        store = await self._event_stores.get(request.EventStore)
        namespace = await store.existing_namespace(request.Namespace)
        if namespace is not None:
            await namespace.identities.rename(request.Subject, request.Name)
        return Empty()


async def _namespace(store: EventStore, name: str) -> Namespace:
    """The namespace, as soon as there is one: watching it does not make it."""
    async for _ in store.namespace_changes.each():
        namespace = await store.existing_namespace(name)
        if namespace is not None:
            return namespace
    raise AssertionError("changes have no end")


async def _identities(namespace: Namespace | None) -> pb.IEnumerable_Identity:
    if namespace is None:
        return pb.IEnumerable_Identity()
    return pb.IEnumerable_Identity(
        items=[
            pb.Identity(Subject=subject, Name=name, UserName=user_name)
            for subject, name, user_name in await namespace.identities.all()
        ]
    )
