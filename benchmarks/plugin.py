"""What the plugin adds to a request that appends nothing: the same endpoint without it and with it, called
in this process.

The endpoint beside them asks for as much that is made of nothing: what of the difference is FastAPI's own.
"""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.requests import HTTPConnection
from starlette.types import Message, Scope

from benchmarks.harness import MICROSECONDS, Area, Contestant, Figures, Settings, excess_at_most
from benchmarks.ours import ARTIFACTS, STORE
from chronicle import ChronicleOptions
from chronicle_fastapi import Chronicle, EventLogDep, UnitOfWorkDep

BLOCK = 200
"""Requests to one endpoint before the next one's turn: the three differ by less than the machine drifts."""

WITHOUT = "request in-process, nothing asked for, p50"
EMPTY = "request in-process, two dependencies with nothing in them, p50"
WITH = "request in-process, an event log and an empty unit of work, p50"


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Sequence[Contestant]]:
    options = ChronicleOptions(connection_string="chronicle+embedded://:memory:")
    chronicle = Chronicle(STORE, ARTIFACTS, options=options)
    app = FastAPI(lifespan=chronicle.lifespan)

    @app.get("/")
    async def asks(event_log: EventLogDep, unit_of_work: UnitOfWorkDep) -> None: ...

    apps = {WITHOUT: _app_that_asks_for_nothing(), EMPTY: _app_with_empty_dependencies(), WITH: app}

    async def measure() -> Figures:
        durations: dict[str, list[float]] = {figure: [] for figure in apps}
        until = time.perf_counter() + 3 * settings.seconds
        while time.perf_counter() < until:
            for figure, each in apps.items():
                durations[figure] += await _block(each)
                await asyncio.sleep(0)  # a request waits for nothing, and the embedded kernel is on this loop
        return {figure: statistics.median(each) * 1e6 for figure, each in durations.items()}

    async with app.router.lifespan_context(app):
        yield [Contestant("in-process", dict.fromkeys(apps, MICROSECONDS), measure)]


def _app_that_asks_for_nothing() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def asks_for_nothing() -> None: ...

    return app


def _app_with_empty_dependencies() -> FastAPI:
    app = FastAPI()

    async def first(connection: HTTPConnection) -> None: ...

    async def second(connection: HTTPConnection) -> None: ...

    @app.get("/")
    async def asks(one: Annotated[None, Depends(first)], two: Annotated[None, Depends(second)]) -> None: ...

    return app


async def _block(app: FastAPI) -> list[float]:
    durations: list[float] = []
    before = time.perf_counter()
    for _ in range(BLOCK):
        await _request(app)
        now = time.perf_counter()
        durations.append(now - before)
        before = now
    return durations


async def _request(app: FastAPI) -> None:
    """What a server does with a request without a body; raises `RuntimeError` unless it is answered well."""
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 40000),
        "scheme": "http",
        "method": "GET",
        "root_path": "",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8000"), (b"accept", b"*/*")],
        "state": {},
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message.get("status", 200) != 200:
            raise RuntimeError(f"the request was answered with {message['status']}")

    await app(scope, receive, send)


AREA = Area("plugin", _open, (excess_at_most(60, WITH, WITHOUT),))
