"""The kernel on a port: `chronicle.kernel.serve` and the `chronicle serve` command."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import grpc.aio
import pytest
from google.protobuf.empty_pb2 import Empty
from typer.testing import CliRunner

from chronicle import cli
from chronicle.cli.application import application
from chronicle.connections.remote import open_remote_channel
from chronicle.contracts import clients_pb2
from chronicle.contracts.clients_pb2_grpc import ConnectionServiceStub
from chronicle.contracts.event_stores_pb2 import EnsureEventStoreRequest
from chronicle.contracts.event_stores_pb2_grpc import EventStoresStub
from chronicle.contracts.host_pb2_grpc import ServerStub
from chronicle.errors import DatabaseInUseError
from chronicle.kernel import serve
from chronicle.kernel.errors import PortUnavailable

SECONDS = 10
SERVED = re.compile(r"^Chronicle kernel 16\.37\.1 \(embedded\) on (127\.0\.0\.1:\d+), database (.+)$")


async def version_at(address: str) -> str:
    async with open_remote_channel(address) as channel:
        return (await ServerStub(channel).GetVersionInfo(Empty(), timeout=SECONDS)).Version


class TestServing:
    async def test_a_served_kernel_answers_and_says_where_it_is(self) -> None:
        async with serve(None, port=0) as kernel:
            assert await version_at(f"{kernel.host}:{kernel.port}") == kernel.version
            assert str(kernel) == (
                f"Chronicle kernel 16.37.1 (embedded) on 127.0.0.1:{kernel.port}, database in memory"
            )

    async def test_clients_are_told_the_address(self) -> None:
        async with serve(None, port=0) as kernel, open_remote_channel(f"127.0.0.1:{kernel.port}") as channel:
            service = ConnectionServiceStub(channel)
            session = service.Connect(clients_pb2.ConnectRequest(ConnectionId="a"), timeout=SECONDS)
            await anext(aiter(session))
            (client,) = (await service.GetConnectedClients(Empty(), timeout=SECONDS)).items
            assert re.fullmatch(rf"127\.0\.0\.1:{kernel.port}@\d+", client.SiloAddress)
            session.cancel()

    async def test_stopping_cuts_streams_and_leaves_the_port_and_the_file_free(self, tmp_path: Path) -> None:
        path = tmp_path / "events.db"
        async with serve(path, port=0) as kernel:
            port = kernel.port
            channel = open_remote_channel(f"127.0.0.1:{port}")
            session = ConnectionServiceStub(channel).Connect(
                clients_pb2.ConnectRequest(ConnectionId="a"), timeout=SECONDS
            )
            await anext(aiter(session))
        with pytest.raises(grpc.aio.AioRpcError):
            [_ async for _ in session]
        await channel.close()
        async with serve(path, port=port) as kernel:
            assert await version_at(f"127.0.0.1:{port}") == kernel.version

    async def test_a_port_that_is_taken_is_named(self) -> None:
        async with serve(None, port=0) as kernel:
            with pytest.raises(PortUnavailable, match=rf"127\.0\.0\.1:{kernel.port}"):
                async with serve(None, port=kernel.port):
                    pass

    async def test_a_file_that_is_open_is_refused(self, tmp_path: Path) -> None:
        async with serve(tmp_path / "events.db", port=0):
            with pytest.raises(DatabaseInUseError):
                async with serve(tmp_path / "events.db", port=0):
                    pass


@asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`chronicle` in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chronicle.cli", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and what was said on standard error."""
    result = CliRunner().invoke(application(), arguments)
    return result.exit_code, result.stderr


class TestCommand:
    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
    @pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT])
    async def test_it_serves_until_it_is_interrupted(self, tmp_path: Path, signal_: signal.Signals) -> None:
        path = tmp_path / "events.db"
        for stores in (["System"], ["System", "bank"]):
            async with running("serve", "--port", "0", "--file", str(path), "--insecure") as process:
                assert process.stdout is not None
                line = (await process.stdout.readline()).decode().strip()
                served = SERVED.match(line)
                assert served, line
                assert served[2] == str(path)
                async with open_remote_channel(served[1]) as channel:
                    service = EventStoresStub(channel)
                    assert (await service.AllEventStores(Empty(), timeout=SECONDS)).Data == stores
                    await service.EnsureEventStore(EnsureEventStoreRequest(Name="bank"), timeout=SECONDS)
                process.send_signal(signal_)
                out, err = await process.communicate()
                assert (process.returncode, out, err) == (0, b"", b"")

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--insecure"], "either --file FILE or --memory"),
            (["--insecure", "--memory", "--file", "events.db"], "either --file FILE or --memory"),
            (["--memory"], "TLS and authentication are not built yet. With --insecure"),
        ],
    )
    def test_half_a_command_is_refused_and_explained(self, arguments: Sequence[str], said: str) -> None:
        code, error = run("serve", *arguments)
        assert code == 2
        assert error.startswith("Error: ")
        assert said in error

    def test_what_the_kernel_refuses_is_said_without_a_traceback(self, tmp_path: Path) -> None:
        other = tmp_path / "notes.txt"
        other.write_text("no database at all, and long enough to be looked at as one" * 10)
        code, error = run("serve", "--port", "0", "--file", str(other), "--insecure")
        assert code == 1
        assert error.startswith(f"Error: {other} is no SQLite database.")

    def test_without_its_extra_the_command_says_which_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "typer", None)
        with pytest.raises(SystemExit, match=r"pip install 'chronicle-fastapi\[cli\]'"):
            cli.main()
