"""`Compliance`: the encryption keys of subjects, and releasing what is encrypted with them (events.md 13)."""

import json
from typing import TypeVar

from chronicle.connections.calls import Call
from chronicle.contracts import compliance_pb2 as pb
from chronicle.contracts.compliance_pb2_grpc import ComplianceStub
from chronicle.errors import SerializationError
from chronicle.serialization import json_schema
from chronicle.store_access import StoreAccess

T = TypeVar("T")


class Compliance:
    """Personal data in one namespace: what `Pii` marks is encrypted under the key of the event's subject."""

    def __init__(self, store: StoreAccess) -> None:
        stub = ComplianceStub(store.channel)
        self._store = store
        self._delete = Call(stub.DeleteEncryptionKey, "Compliance/DeleteEncryptionKey", store.calls)
        self._allow = Call(stub.AllowNewEncryptionKey, "Compliance/AllowNewEncryptionKey", store.calls)
        self._release = Call(stub.Release, "Compliance/Release", store.calls)

    async def delete_key(self, subject: str) -> None:
        """Erases a subject: everything personal about it becomes unreadable, everywhere, for good.

        The events stay; what was personal in them reads as empty. It is so in this namespace of all event
        stores of the kernel. From now on events with personal data about the subject are refused.

        Raises `CallError`; then try again, until it was done. (Compliance/DeleteEncryptionKey)
        """
        await self._delete(
            pb.DeleteEncryptionKeyRequest(
                EventStore=self._store.event_store, Namespace=self._store.namespace, Identifier=subject
            )
        )

    async def allow_new_key(self, subject: str) -> None:
        """Lets a subject that was erased have personal data again, from now on.

        What was erased stays unreadable. Does nothing for one that was not erased.

        Raises `CallError`. (Compliance/AllowNewEncryptionKey)
        """
        await self._allow(
            pb.AllowNewEncryptionKeyRequest(
                EventStore=self._store.event_store, Namespace=self._store.namespace, Identifier=subject
            )
        )

    async def release(self, type_: type[T], subject: str, content: str) -> T:
        """Makes an object of content that is still encrypted, such as that of a read model's own storage.

        `type_` says with its `Pii` marks what is personal. What reads, reactors, reducers and read models
        give out is released already.

        Raises `SerializationError` for content that is no JSON object or does not fit the class; `CallError`.
        (Compliance/Release)
        """
        response = await self._release(
            pb.ReleaseRequest(
                EventStore=self._store.event_store,
                Namespace=self._store.namespace,
                Subject=subject,
                Schema=json.dumps(json_schema(type_, self._store.serializer.naming)),
                Payload=content,
            )
        )
        if response.HasError:
            raise SerializationError(f"Content of {type_.__qualname__} cannot be released: {response.Error}")
        return self._store.serializer.from_json(type_, response.Payload)
