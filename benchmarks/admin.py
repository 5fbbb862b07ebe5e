"""The admin page on a long log: the overview and the newest events, as a browser gets them."""

import asyncio
import secrets
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.request import Request, urlopen

from benchmarks.harness import COUNT, MICROSECONDS, Area, Contestant, Figures, Settings, excess_at_most
from benchmarks.history import histories
from benchmarks.http_apps import application
from chronicle_fastapi.admin.access import TOKEN_VARIABLE

START = 10_000
LENGTH = 1_000_000
"""Events in the log at scale 1."""
REPEATS = 20

EVENTS = "events in the log of the admin page"
OVERVIEW = "admin overview, p50"
BROWSER = "admin event browser, first page, p50"


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Sequence[Contestant]]:
    lengths = [settings.events(length) for length in (START, LENGTH)]
    _, database = await histories(settings.folder, lengths)
    token = secrets.token_urlsafe()
    async with application("admin_app", database, {TOKEN_VARIABLE: token}) as root:

        async def overview() -> Figures:
            return {EVENTS: lengths[1], OVERVIEW: await _median(f"{root}/chronicle/", token)}

        async def browser() -> Figures:
            # Its own words for how long the log is: no page about anything else is measured.
            says = f"of {lengths[1]}"
            return {BROWSER: await _median(f"{root}/chronicle/events", token, says)}

        yield [
            Contestant("overview", {EVENTS: COUNT, OVERVIEW: MICROSECONDS}, overview),
            Contestant("event browser", {BROWSER: MICROSECONDS}, browser),
        ]


async def _median(url: str, token: str, says: str = "") -> float:
    """The median time to get a page, a connection included, in microseconds."""
    return await asyncio.to_thread(
        _median_of, Request(url, headers={"Authorization": f"Bearer {token}"}), says
    )


def _median_of(request: Request, says: str) -> float:
    durations: list[float] = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        with urlopen(request) as response:
            page = response.read().decode()
        durations.append(time.perf_counter() - started)
        if says not in page:
            raise AssertionError(f"{request.full_url} does not say '{says}'")
    return statistics.median(durations) * 1e6


AREA = Area("admin", _open, (excess_at_most(100_000, OVERVIEW), excess_at_most(100_000, BROWSER)))
