"""Server processes on loopback: started, waited for, stopped by process id."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The repository: where `python -m benchmarks...` finds this package."""

START_TIMEOUT = 30.0
STOP_TIMEOUT = 10.0
_POLL = 0.02


# Where byte code is not to be cached, every import would compile all sources: no installation does.
_AS_INSTALLED = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(ROOT / ".bench" / "bytecode")}


class ServerError(Exception):
    """A server process did not start, or ended before its time; the message has the end of its output."""


def free_port() -> int:
    """A port on loopback that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def server(
    command: Sequence[str], port: int, *, log: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[int]:
    """Run a server until the block ends. Yields the process id once something listens on the port.

    Raises:
        ServerError: it ended, or nothing listened within START_TIMEOUT seconds.
    """
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, stdout=output, stderr=output, env={**os.environ, **(environment or {})}
        )
    try:
        await _listening(process, port, command, log)
        yield process.pid
    finally:
        await _stop(process)


async def output_of(*arguments: str) -> str:
    """What a fresh interpreter prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **_AS_INSTALLED},
    )
    output, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{arguments} failed: {errors.decode(errors='replace').strip()[-500:]}")
    return output.decode().strip()


async def _listening(
    process: asyncio.subprocess.Process, port: int, command: Sequence[str], log: Path
) -> None:
    try:
        async with asyncio.timeout(START_TIMEOUT):
            while process.returncode is None:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(_POLL)
                else:
                    writer.close()
                    return
    except TimeoutError:
        pass
    raise ServerError(f"{' '.join(command)} does not listen on port {port}. Its output ends: {_tail(log)}")


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT)
    except TimeoutError:
        process.kill()
        await process.wait()


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2_000:].strip() or "(empty)"
