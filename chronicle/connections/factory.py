"""Opens the channel that a connection string asks for. The one place that knows both engines."""

from pathlib import Path

import grpc.aio

from chronicle.connections.connection_string import ConnectionString
from chronicle.connections.embedded import EmbeddedChannel, EmbeddedServices
from chronicle.connections.remote import open_remote_channel


async def open_channel(connection: ConnectionString) -> grpc.aio.Channel:
    """A channel to the kernel; an embedded one is opened with it and closed with it.

    A remote channel connects with its first call. Raises `ConnectionStringError` for what is not supported
    yet, and what opening a database file raises (`StorageError`).
    """
    connection.require_supported()
    if connection.is_embedded:
        return await _open_embedded(connection.database)
    # Choosing among several servers comes with "Connections"; until then the first one is it.
    return open_remote_channel(str(connection.servers[0]))


async def _open_embedded(database: Path | None) -> EmbeddedChannel:
    # Here, so that an application with a remote kernel never loads the embedded one.
    from chronicle.kernel.kernel import Kernel
    from chronicle.kernel.services.registration import register_services

    kernel = await Kernel.open(database)
    services = EmbeddedServices()
    register_services(kernel, services)
    return EmbeddedChannel(services, kernel.close)
