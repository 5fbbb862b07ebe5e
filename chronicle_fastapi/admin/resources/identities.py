"""Who has caused events in a namespace (events.md 14)."""

from chronicle import Identities
from chronicle_fastapi.admin.models import AdminModel, AdminRequest, Name
from chronicle_fastapi.admin.routes import DONE, resource_router
from chronicle_fastapi.admin.scopes import InNamespace, NamespaceScope, NotThereError


class KnownIdentity(AdminModel):
    """Someone who has caused an event."""

    subject: str
    name: str
    user_name: str


class RenameIdentity(AdminRequest):
    """A new name for whoever has a subject."""

    subject: Name
    name: Name


async def list_identities(scope: NamespaceScope) -> list[KnownIdentity]:
    """Everyone who has caused an event, each for itself. Raises `CallError`.

    (Identities/GetIdentities)
    """
    return [
        KnownIdentity(subject=one.subject, name=one.name, user_name=one.user_name)
        for one in await Identities(scope.access()).all()
    ]


async def rename_identity(scope: NamespaceScope, subject: str, name: str) -> None:
    """Gives whoever has this subject another name, in everything that it ever caused.

    Raises `NotThereError`, `CallError`. (Identities/GetIdentities, RenameIdentity)
    """
    identities = Identities(scope.access())
    if all(one.subject != subject for one in await identities.all()):
        raise NotThereError("identity with the subject", subject)
    await identities.rename(subject, name)


router = resource_router("identities", "/event-stores/{event_store}/namespaces/{namespace}/identities")


@router.get("")
async def get_identities(scope: InNamespace) -> list[KnownIdentity]:
    """List who has caused events in a namespace."""
    return await list_identities(scope)


@router.post("/rename", name="rename_identity", **DONE)
async def _rename(scope: InNamespace, body: RenameIdentity) -> None:
    """Give an identity another name, in everything that it ever caused."""
    await rename_identity(scope, body.subject, body.name)
