"""An HTTP endpoint that appends one event, beside one that does the durable insert by hand on the event loop,
and one that does nothing.

All under one uvicorn worker with its defaults, all validating the same body; the load comes from another
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
    excess_at_most,
    ratio_at_least,
)
from benchmarks.http_apps import application
from benchmarks.processes import ROOT

NOTHING, NOTHING_MEDIAN = "HTTP nothing, 64 connections", "HTTP nothing, one connection, p50"
BY_HAND, BY_HAND_MEDIAN = "HTTP insert by hand, 64 connections", "HTTP insert by hand, one connection, p50"
APPEND, APPEND_MEDIAN = "HTTP append, 64 connections", "HTTP append, one connection, p50"


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Sequence[Contestant]]:
    async with (
        _application("nothing_app", settings.folder) as nothing,
        _application("by_hand_app", settings.folder) as by_hand,
        _application("chronicle_app", settings.folder) as chronicle,
    ):
        yield [
            _loaded("nothing", nothing, NOTHING, NOTHING_MEDIAN, settings),
            _loaded("by hand", by_hand, BY_HAND, BY_HAND_MEDIAN, settings),
            _loaded("Chronicle", chronicle, APPEND, APPEND_MEDIAN, settings),
        ]


@asynccontextmanager
async def _application(factory: str, folder: Path) -> AsyncIterator[str]:
    """One of http_apps.py; yields the URL to load."""
    async with application(factory, folder / f"{factory}.db") as root:
        yield f"{root}/orders"


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


AREA = Area(
    "http",
    _open,
    (
        ratio_at_least(1, APPEND, BY_HAND),
        ratio_at_least(0.3, APPEND, NOTHING),
        excess_at_most(500, APPEND_MEDIAN, NOTHING_MEDIAN),
    ),
)
