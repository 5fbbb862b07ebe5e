"""The applications behind the HTTP figures. Each takes its database file from BENCHMARK_DATABASE."""

import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from pydantic import BaseModel

import chronicle_fastapi
from benchmarks.ours import ARTIFACTS, STORE, OrderPlaced, embedded
from benchmarks.peers.raw_sqlite import RawSqlite
from benchmarks.processes import free_port, server
from benchmarks.workload import Order
from chronicle import ChronicleOptions
from chronicle_fastapi import Chronicle, EventLogDep


class Placed(BaseModel):
    """The answer of all who take orders."""

    sequence_number: int | None


@asynccontextmanager
async def application(
    factory: str, database: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[str]:
    """One of the applications below under uvicorn, with a log beside its database; yields its root URL."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "uvicorn", "--factory", f"{__name__}:{factory}"),
        *("--host", "127.0.0.1", "--port", str(port), "--no-access-log", "--log-level", "warning"),
    ]
    variables = {"BENCHMARK_DATABASE": str(database), **(environment or {})}
    async with server(command, port, log=database.with_suffix(".log"), environment=variables):
        yield f"http://127.0.0.1:{port}"


def nothing_app() -> FastAPI:
    """The body is validated and an answer made; nothing is stored."""
    app = FastAPI()

    @app.post("/orders")
    async def place(order: Order) -> Placed:
        return Placed(sequence_number=None)

    return app


def chronicle_app() -> FastAPI:
    """One event per request through the plugin, on the embedded kernel."""
    app = FastAPI(lifespan=_chronicle().lifespan)

    @app.post("/orders")
    async def place(order: OrderPlaced, event_log: EventLogDep) -> Placed:
        result = await event_log.append(order.order_id, order)
        return Placed(sequence_number=result.sequence_number)

    return app


def admin_app() -> FastAPI:
    """The admin API and its page, on the embedded kernel."""
    app = FastAPI(lifespan=_chronicle().lifespan)
    app.include_router(chronicle_fastapi.chronicle_admin)  # which is not made for the others
    return app


def by_hand_app() -> FastAPI:
    """One row per request, inserted and committed on the event loop, as durable as the event."""
    database = RawSqlite(_database())
    app = FastAPI()

    @app.post("/orders")
    async def place(order: Order) -> Placed:
        return Placed(sequence_number=database.append_order(order))

    return app


def _chronicle() -> Chronicle:
    return Chronicle(STORE, ARTIFACTS, options=ChronicleOptions(connection_string=embedded(_database())))


def _database() -> Path:
    return Path(os.environ["BENCHMARK_DATABASE"])
