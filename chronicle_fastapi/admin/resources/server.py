"""The kernel itself (connection.md 6)."""

from google.protobuf.empty_pb2 import Empty

from chronicle import ChronicleClient
from chronicle.contracts.host_pb2_grpc import ServerStub
from chronicle_fastapi.admin.calls import ask
from chronicle_fastapi.admin.models import AdminModel
from chronicle_fastapi.admin.routes import resource_router
from chronicle_fastapi.dependencies import ClientDep


class ServerVersion(AdminModel):
    """What the kernel is."""

    version: str
    commit: str
    """Of its source; empty when it is not known."""


async def find_server_version(client: ChronicleClient) -> ServerVersion:
    """The version of the kernel. Raises `CallError`.

    (Server/GetVersionInfo)
    """
    info = await ask(client, ServerStub(client.channel).GetVersionInfo, "Server/GetVersionInfo", Empty())
    return ServerVersion(version=info.Version, commit=info.CommitSha)


router = resource_router("server", "/server")


@router.get("/version")
async def get_server_version(client: ClientDep) -> ServerVersion:
    """Get the version of the kernel."""
    return await find_server_version(client)
