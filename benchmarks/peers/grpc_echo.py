"""The limit of the transport: a bare grpc.aio server in another process that sends back what it was sent.

`python -m benchmarks.peers.grpc_echo PORT` is that server. Messages are bytes, so nothing is spent on
encoding.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import grpc

from benchmarks.processes import free_port, server

_SERVICE, _METHOD = "benchmarks.Echo", "Echo"


async def _echo(request: bytes, _: object) -> bytes:
    return request


async def serve(port: int) -> None:
    """Serve the echo on loopback until the process is told to end."""
    echo = grpc.aio.server()
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(_echo)
    echo.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, {_METHOD: handler}),))
    echo.add_insecure_port(f"127.0.0.1:{port}")
    await echo.start()
    await echo.wait_for_termination()


@asynccontextmanager
async def running_echo(folder: Path, size: int) -> AsyncIterator[Callable[[int], Awaitable[object]]]:
    """The echo in another process; yields a call that sends so many bytes and awaits them back."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.peers.grpc_echo", str(port)]
    message = b"x" * size
    async with (
        server(command, port, log=folder / "echo.log"),
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{_SERVICE}/{_METHOD}")

        async def echo(_: int) -> object:
            return await call(message)

        yield echo


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
