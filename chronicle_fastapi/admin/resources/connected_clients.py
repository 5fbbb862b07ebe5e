"""The clients that are connected to the kernel (connection.md 5)."""

from datetime import datetime
from typing import Self

from google.protobuf.empty_pb2 import Empty

from chronicle import ChronicleClient
from chronicle.contracts import clients_pb2, observation_pb2
from chronicle.contracts.clients_pb2_grpc import ConnectionServiceStub
from chronicle.events.wire import to_moment
from chronicle_fastapi.admin.calls import ask
from chronicle_fastapi.admin.events import moment_or_none
from chronicle_fastapi.admin.models import AdminModel
from chronicle_fastapi.admin.routes import resource_router
from chronicle_fastapi.dependencies import ClientDep


class ConnectedClientDetails(AdminModel):
    """A client that is connected to the kernel."""

    connection_id: str
    client_type: str
    """What it is written with, such as `Python` or `.NET`."""
    version: str
    """The version of its application."""
    last_seen: datetime | None
    machine_name: str
    process_id: int
    process_path: str
    is_running_with_debugger: bool
    server_address: str
    """Which server of the kernel it is connected to."""

    @classmethod
    def of(cls, message: clients_pb2.ConnectedClient | observation_pb2.ConnectedClient) -> Self:
        """What a message of the contract stands for."""
        return cls(
            connection_id=message.ConnectionId,
            client_type=message.ClientType,
            version=message.Version,
            last_seen=moment_or_none(to_moment(message.LastSeen)),
            machine_name=message.MachineName,
            process_id=message.ProcessId,
            process_path=message.ProcessPath,
            is_running_with_debugger=message.IsRunningWithDebugger,
            server_address=message.SiloAddress,
        )


async def list_connected_clients(client: ChronicleClient) -> list[ConnectedClientDetails]:
    """All connected clients, this application among them.

    Raises `CallError`. (ConnectionService/GetConnectedClients)
    """
    response = await ask(
        client,
        ConnectionServiceStub(client.channel).GetConnectedClients,
        "ConnectionService/GetConnectedClients",
        Empty(),
    )
    return [ConnectedClientDetails.of(message) for message in response.items]


router = resource_router("connected clients", "/connected-clients")


@router.get("")
async def get_connected_clients(client: ClientDep) -> list[ConnectedClientDetails]:
    """List the clients that are connected to the kernel."""
    return await list_connected_clients(client)
