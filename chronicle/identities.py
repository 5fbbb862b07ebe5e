"""Who has caused events in a namespace (events.md 14)."""

from chronicle.connections.calls import Call
from chronicle.context import Identity
from chronicle.contracts.identities_pb2 import GetIdentitiesRequest, RenameIdentityRequest
from chronicle.contracts.identities_pb2_grpc import IdentitiesStub
from chronicle.store_access import StoreAccess


class Identities:
    """The identities of one namespace, kept once each however many events they have caused."""

    def __init__(self, store: StoreAccess) -> None:
        self._store = store
        stub = IdentitiesStub(store.channel)
        self._all = Call(stub.GetIdentities, "Identities/GetIdentities", store.calls)
        self._rename = Call(stub.RenameIdentity, "Identities/RenameIdentity", store.calls)

    async def all(self) -> list[Identity]:
        """Everyone who has caused an event, each for itself: on whose behalf is said by the events.

        Raises `CallError`. (Identities/GetIdentities)
        """
        response = await self._all(
            GetIdentitiesRequest(EventStore=self._store.event_store, Namespace=self._store.namespace)
        )
        return [Identity(one.Subject, one.Name, one.UserName) for one in response.items]

    async def rename(self, subject: str, name: str) -> None:
        """Gives the identity with this subject another name, in everything that it ever caused.

        Nothing happens when there is none. The real kernel may show the old name for a while.
        Raises `ValueError` for a blank subject or name, `CallError`. (Identities/RenameIdentity)
        """
        if not subject.strip() or not name.strip():
            raise ValueError(f"'{subject}' cannot be renamed to '{name}': neither may be blank.")
        await self._rename(
            RenameIdentityRequest(
                EventStore=self._store.event_store,
                Namespace=self._store.namespace,
                Subject=subject,
                Name=name,
            )
        )
