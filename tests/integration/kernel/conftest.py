"""A kernel, and its services over either channel."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import grpc.aio
import pytest

from chronicle.connections.embedded import EmbeddedChannel, EmbeddedServices
from chronicle.connections.remote import open_remote_channel
from chronicle.kernel.clients import ClientTimings
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.services.registration import register_services
from chronicle.values import GRPC_OPTIONS

# As short as they can be: the tests wait for what happens, and how long it takes proves nothing.
TIMINGS = ClientTimings(keep_alive_interval=0.01, observe_interval=0.01, revise_interval=0.01)


@pytest.fixture
async def kernel() -> AsyncIterator[Kernel]:
    """A kernel in memory."""
    async with await Kernel.open(timings=TIMINGS) as kernel:
        yield kernel


OpenKernel = Callable[[], Awaitable[Kernel]]


@pytest.fixture
async def open_kernel(tmp_path: Path) -> AsyncIterator[OpenKernel]:
    """Opens the kernel of one file; the one that was open is closed first."""
    async with AsyncExitStack() as opened:

        async def open_again() -> Kernel:
            await opened.aclose()
            return await opened.enter_async_context(
                await Kernel.open(tmp_path / "events.db", timings=TIMINGS)
            )

        yield open_again


@pytest.fixture(params=["embedded", "remote"])
async def channel(request: pytest.FixtureRequest, kernel: Kernel) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the services of `kernel`."""
    if request.param == "embedded":
        services = EmbeddedServices()
        register_services(kernel, services)
        async with EmbeddedChannel(services, _nothing) as channel:
            yield channel
        return
    server = grpc.aio.server(options=GRPC_OPTIONS)
    register_services(kernel, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with open_remote_channel(f"127.0.0.1:{port}") as remote:
            yield remote
    finally:
        await server.stop(None)


async def _nothing() -> None: ...
