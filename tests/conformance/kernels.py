"""The kernels that conformance tests run against."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import grpc.aio

from chronicle import ChronicleClient
from chronicle.connections.connection_string import ConnectionString
from chronicle.connections.factory import open_channel
from chronicle.kernel import serve

EMBEDDED: Final = "embedded"
SERVED: Final = "served"


@dataclass(frozen=True)
class KernelUnderTest:
    """A kernel that runs, a channel to it, and the client that it came with, if it is embedded."""

    connection_string: str
    channel: grpc.aio.Channel
    client: ChronicleClient | None = None


@asynccontextmanager
async def running(kernel: str) -> AsyncIterator[KernelUnderTest]:
    """A kernel in this process, one on a port of this machine, or the one that a connection string names."""
    if kernel == EMBEDDED:
        # It lives and dies with one client, so raw stubs must share that client's channel.
        async with ChronicleClient("chronicle+embedded://:memory:") as client:
            channel = client._open_connection().channel
            yield KernelUnderTest("chronicle+embedded://:memory:", channel, client)
    elif kernel == SERVED:
        async with (
            serve(None, port=0) as served,
            _at(f"chronicle://{served.host}:{served.port}?disableTls=true") as under_test,
        ):
            yield under_test
    else:
        async with _at(kernel) as under_test:
            yield under_test


@asynccontextmanager
async def _at(connection_string: str) -> AsyncIterator[KernelUnderTest]:
    async with await open_channel(ConnectionString.parse(connection_string)) as channel:
        yield KernelUnderTest(connection_string, channel)
