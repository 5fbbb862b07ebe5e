"""The Compliance service (contract package Compliance; events.md 13)."""

import sqlite3
from typing import Final

from google.protobuf.empty_pb2 import Empty

from chronicle.contracts import compliance_pb2 as pb
from chronicle.contracts.compliance_pb2_grpc import ComplianceServicer
from chronicle.errors import StorageError
from chronicle.kernel.compliance import EncryptionKeyErasureIncomplete, EncryptionKeyLifecycleIncomplete
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.schemas import InvalidContent, InvalidSchema, content_of
from chronicle.kernel.services.faults import Context

_NULL: Final = "null"


class ComplianceService(ComplianceServicer):
    """The encryption keys of subjects, and releasing what is encrypted with them."""

    def __init__(self, kernel: Kernel) -> None:
        self._event_stores = kernel.event_stores

    async def DeleteEncryptionKey(self, request: pb.DeleteEncryptionKeyRequest, context: Context) -> Empty:
        """Makes a subject's personal data unreadable, in a namespace of all event stores (13.4)."""
        await self._event_stores.get(request.EventStore)
        scopes = self._event_stores.key_scopes(request.Namespace)
        try:
            await self._event_stores.encryption_keys.erase(scopes, request.Identifier)
        except (sqlite3.Error, StorageError) as error:
            raise EncryptionKeyErasureIncomplete(
                request.Identifier, request.Namespace, self._event_stores.names()
            ) from error
        return Empty()

    async def AllowNewEncryptionKey(
        self, request: pb.AllowNewEncryptionKeyRequest, context: Context
    ) -> Empty:
        """Lets a subject that was erased have personal data again; what it had stays unreadable (13.4)."""
        await self._event_stores.get(request.EventStore)
        scopes = self._event_stores.key_scopes(request.Namespace)
        try:
            await self._event_stores.encryption_keys.allow_new(scopes, request.Identifier)
        except sqlite3.Error as error:
            raise EncryptionKeyLifecycleIncomplete(
                request.Identifier, request.Namespace, self._event_stores.names()
            ) from error
        return Empty()

    async def Release(self, request: pb.ReleaseRequest, context: Context) -> pb.ReleaseResponse:
        """A payload with the personal data of a subject readable (13.3)."""
        if request.Payload.strip() == _NULL:
            return pb.ReleaseResponse(HasError=True, Error="Invalid JSON payload.")
        store = await self._event_stores.get(request.EventStore)
        namespace = await store.existing_namespace(request.Namespace)
        compliance = namespace.compliance if namespace else store.compliance_of(request.Namespace)
        try:
            content_of(request.Payload)
            payload = await compliance.release(
                request.Schema, request.Subject, request.Payload, is_strict=True
            )
        except (InvalidSchema, InvalidContent) as error:
            return pb.ReleaseResponse(HasError=True, Error=str(error))
        return pb.ReleaseResponse(Payload=payload)
