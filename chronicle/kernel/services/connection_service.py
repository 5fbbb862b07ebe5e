"""The ConnectionService (contract package Clients; connection.md 5.1, 5.2 and 6)."""

import asyncio
from collections.abc import AsyncIterator

from google.protobuf.empty_pb2 import Empty

from chronicle.contracts import clients_pb2 as pb
from chronicle.contracts.clients_pb2_grpc import ConnectionServiceServicer
from chronicle.kernel.clients import Client, ConnectedClient
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.services.contract_text import contract_text
from chronicle.kernel.services.faults import Context
from chronicle.values import format_ticks


class ConnectionServiceService(ConnectionServiceServicer):
    """The session of a client with the kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self._clients = kernel.clients
        self._contract_text: str | None = None

    async def Connect(
        self, request: pb.ConnectRequest, context: Context
    ) -> AsyncIterator[pb.ConnectionKeepAlive]:
        """Registers a client for as long as the call lasts; the first keep-alive says that it is."""
        client = Client(
            connection_id=request.ConnectionId,
            version=request.ClientVersion,
            is_running_with_debugger=request.IsRunningWithDebugger,
            process_id=request.ProcessId,
            process_path=request.ProcessPath,
            machine_name=request.MachineName,
            type=request.ClientType,
        )
        self._clients.connect(client)
        try:
            while True:
                yield pb.ConnectionKeepAlive(ConnectionId=request.ConnectionId)
                await asyncio.sleep(self._clients.timings.keep_alive_interval)
        finally:
            self._clients.disconnect(client)

    async def ConnectionKeepAlive(self, request: pb.ConnectionKeepAlive, context: Context) -> Empty:
        """A client's answer to a keep-alive; one from a client that is not connected has no effect."""
        self._clients.keep_alive(request.ConnectionId)
        return Empty()

    async def GetConnectedClients(self, request: Empty, context: Context) -> pb.IEnumerable_ConnectedClient:
        """The clients that are connected."""
        return self._connected()

    async def ObserveConnectedClients(
        self, request: Empty, context: Context
    ) -> AsyncIterator[pb.IEnumerable_ConnectedClient]:
        """The same list, now and whenever anything in it is different; when a client was last seen counts."""
        told: pb.IEnumerable_ConnectedClient | None = None
        while True:
            connected = self._connected()
            if connected != told:
                told = connected
                yield connected
            await asyncio.sleep(self._clients.timings.observe_interval)

    async def GetDescriptorSet(self, request: Empty, context: Context) -> pb.DescriptorSetResponse:
        """The source text of the whole contract."""
        if self._contract_text is None:
            # It loads the modules of the whole contract, which takes a moment.
            self._contract_text = await asyncio.to_thread(contract_text)
        return pb.DescriptorSetResponse(SchemaDefinition=self._contract_text)

    def _connected(self) -> pb.IEnumerable_ConnectedClient:
        return pb.IEnumerable_ConnectedClient(items=[self._message(one) for one in self._clients.all()])

    def _message(self, connected: ConnectedClient) -> pb.ConnectedClient:
        client = connected.client
        return pb.ConnectedClient(
            ConnectionId=client.connection_id,
            Version=client.version,
            LastSeen=pb.SerializableDateTimeOffset(Value=format_ticks(connected.last_seen)),
            IsRunningWithDebugger=client.is_running_with_debugger,
            SiloAddress=self._clients.address,
            ProcessId=client.process_id,
            ProcessPath=client.process_path,
            MachineName=client.machine_name,
            ClientType=client.type,
        )
