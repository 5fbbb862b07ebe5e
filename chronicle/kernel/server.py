"""The kernel on a port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc.aio

from chronicle.kernel.errors import PortUnavailable
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.services.registration import register_services
from chronicle.values import GRPC_OPTIONS

HOST: Final = "127.0.0.1"
"""Loopback only: what is served here is neither encrypted nor guarded."""

GRACE: Final = 1.0
"""Seconds that calls have to finish when the server stops. Streams never do: they are cut then."""

_OPTIONS: Final = (
    *GRPC_OPTIONS,
    # A second server on the same port is a mistake, not a way to share the load.
    ("grpc.so_reuseport", 0),
    # Clients may ping as often as they are set to, also when they are idle.
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)


@dataclass(frozen=True, slots=True)
class ServedKernel:
    """A kernel that answers on a port."""

    host: str
    port: int
    path: Path | None
    """The database file; `None` in memory."""
    version: str

    def __str__(self) -> str:
        database = "in memory" if self.path is None else self.path
        return f"Chronicle kernel {self.version} (embedded) on {self.host}:{self.port}, database {database}"


@asynccontextmanager
async def served(path: Path | None, *, port: int) -> AsyncIterator[ServedKernel]:
    """See `chronicle.kernel.serve`."""
    async with await Kernel.open(path) as kernel:
        server = grpc.aio.server(options=_OPTIONS)
        register_services(kernel, server)
        bound = _bind(server, port)
        kernel.clients.address = kernel.clients.address.replace(":0@", f":{bound}@")
        await server.start()
        try:
            yield ServedKernel(HOST, bound, path, kernel.version)
        finally:
            await server.stop(GRACE)


def _bind(server: grpc.aio.Server, port: int) -> int:
    address = f"{HOST}:{port}"
    try:
        bound = server.add_insecure_port(address)
    except RuntimeError as error:
        raise PortUnavailable(address) from error
    if bound == 0:
        raise PortUnavailable(address)
    return bound
