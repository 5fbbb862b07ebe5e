"""An HTTP endpoint that appends one event, beside one that does the durable insert by hand on the event loop.

Both under one uvicorn worker with its defaults, both validating the same body; the load comes from another
process.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.harness import (
    MICROSECONDS,
    REQUESTS_PER_SECOND,
    Area,
    Contestant,
    Figures,
    Settings,
    ratio_at_least,
)
from benchmarks.processes import ROOT, free_port, server

BY_HAND, BY_HAND_MEDIAN = "HTTP insert by hand, 64 connections", "HTTP insert by hand, one connection, p50"
APPEND, APPEND_MEDIAN = "HTTP append, 64 connections", "HTTP append, one connection, p50"


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Sequence[Contestant]]:
    async with (
        _application("by_hand_app", settings.folder) as by_hand,
        _application("chronicle_app", settings.folder) as chronicle,
    ):
        yield [
            _loaded("by hand", by_hand, BY_HAND, BY_HAND_MEDIAN, settings),
            _loaded("Chronicle", chronicle, APPEND, APPEND_MEDIAN, settings),
        ]


@asynccontextmanager
async def _application(factory: str, folder: Path) -> AsyncIterator[str]:
    """One of http_apps.py under uvicorn; yields the URL to load."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "uvicorn", "--factory", f"benchmarks.http_apps:{factory}"),
        *("--host", "127.0.0.1", "--port", str(port), "--no-access-log", "--log-level", "warning"),
    ]
    environment = {"BENCHMARK_DATABASE": str(folder / f"{factory}.db")}
    async with server(command, port, log=folder / f"{factory}.log", environment=environment):
        yield f"http://127.0.0.1:{port}/orders"


def _loaded(name: str, url: str, many: str, one: str, settings: Settings) -> Contestant:
    async def measure() -> Figures:
        figures = await _load(url, 64, 2 * settings.seconds)
        return {many: figures["rate"], one: (await _load(url, 1, settings.seconds))["median"]}

    return Contestant(name, {many: REQUESTS_PER_SECOND, one: MICROSECONDS}, measure)


async def _load(url: str, connections: int, seconds: float) -> Mapping[str, float]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.http_load", url, str(connections), str(seconds)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    output, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the load generator failed: {errors.decode(errors='replace').strip()[-500:]}")
    figures: dict[str, float] = json.loads(output)
    return figures


AREA = Area("http", _open, (ratio_at_least(0.9, APPEND, BY_HAND),))
