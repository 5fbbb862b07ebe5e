"""What starting costs: imports, a kernel from nothing to its first event, an idle application's memory."""

import asyncio
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

from benchmarks.harness import COUNT, MEBIBYTES, SECONDS, Area, Contestant, Figures, Settings, excess_at_most
from benchmarks.processes import free_port, output_of, server

REPEATS = 5
"""Interpreters started per round and figure; the round's figure is their median."""

NOT_AT_IMPORT = ("fastapi", "pydantic_settings", "rich", "typer")

BARE, IMPORT = "python -c 'import asyncio'", "python -c 'import asyncio, chronicle'"
HEAVY = "modules loaded by import chronicle that must not be"
FIRST = "nothing to first append, imports included"
FIRST_IMPORTED = "nothing to first append, imports done"
FIRST_PROCESS = "nothing to first append, with the interpreter's start and end"
IDLE = "idle example application, resident"

_LIST_HEAVY = "import sys, chronicle; print(sum(name in sys.modules for name in {names!r}))"


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Sequence[Contestant]]:
    databases = (settings.folder / f"first-{number}.db" for number in count())

    async def imports() -> Figures:
        bare, ours = [], []
        for _ in range(REPEATS):
            bare.append(await _seconds("-c", "import asyncio"))
            ours.append(await _seconds("-c", "import asyncio, chronicle"))
        heavy = await output_of("-c", _LIST_HEAVY.format(names=NOT_AT_IMPORT))
        return {BARE: statistics.median(bare), IMPORT: statistics.median(ours), HEAVY: float(heavy)}

    async def first_append() -> Figures:
        whole, imported, process = [], [], []
        for _ in range(REPEATS):
            started = time.perf_counter()
            told = (await output_of("-m", "benchmarks.first_append", str(next(databases)))).split()
            process.append(time.perf_counter() - started)
            whole.append(float(told[0]))
            imported.append(float(told[1]))
        return {
            FIRST: statistics.median(whole),
            FIRST_IMPORTED: statistics.median(imported),
            FIRST_PROCESS: statistics.median(process),
        }

    async def idle() -> Figures:
        return {IDLE: await _idle_example(settings.folder, next(databases))}

    yield [
        Contestant("imports", {BARE: SECONDS, IMPORT: SECONDS, HEAVY: COUNT}, imports),
        Contestant(
            "first append", dict.fromkeys((FIRST, FIRST_IMPORTED, FIRST_PROCESS), SECONDS), first_append
        ),
        Contestant("idle application", {IDLE: MEBIBYTES}, idle),
    ]


async def _seconds(*arguments: str) -> float:
    started = time.perf_counter()
    await output_of(*arguments)
    return time.perf_counter() - started


async def _idle_example(folder: Path, database: Path) -> float:
    """The resident memory of the example application once it has answered a request, in MiB."""
    port = free_port()
    environment: Mapping[str, str] = {
        "CHRONICLE_CONNECTION_STRING": f"chronicle+embedded:///{database}",
    }
    command = [
        *(sys.executable, "-m", "uvicorn", "example_app.main:app", "--host", "127.0.0.1"),
        *("--port", str(port), "--log-level", "warning"),
    ]
    async with server(command, port, log=folder / "example.log", environment=environment) as process_id:
        await _get(port, "/docs")
        return _resident(process_id)


async def _get(port: int, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        status = (await reader.readline()).split()
        await reader.read()
        if status[1:2] != [b"200"]:
            raise RuntimeError(f"GET {path} answered {status}")
    finally:
        writer.close()


def _resident(process_id: int) -> float:
    pages = Path(f"/proc/{process_id}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


AREA = Area(
    "startup",
    _open,
    (
        excess_at_most(0.15, IMPORT, BARE),
        excess_at_most(0, HEAVY),
        excess_at_most(0.3, FIRST),
        excess_at_most(150, IDLE),
    ),
)
