"""The two applications that http.py compares. Each takes its database file from BENCHMARK_DATABASE."""

import os
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI
from pydantic import BaseModel

from benchmarks.ours import ARTIFACTS, STORE, OrderPlaced, embedded
from benchmarks.peers.raw_sqlite import RawSqlite
from benchmarks.workload import Order
from chronicle import ChronicleOptions, EventLog
from chronicle_fastapi import Chronicle, get_event_log


class Placed(BaseModel):
    """The answer of both."""

    sequence_number: int | None


def chronicle_app() -> FastAPI:
    """One event per request through the plugin, on the embedded kernel."""
    options = ChronicleOptions(connection_string=embedded(_database()))
    chronicle = Chronicle(event_store=STORE, artifacts=ARTIFACTS, options=options)
    app = FastAPI(lifespan=chronicle.lifespan)

    @app.post("/orders")
    async def place(order: OrderPlaced, event_log: Annotated[EventLog, Depends(get_event_log)]) -> Placed:
        result = await event_log.append(order.order_id, order)
        return Placed(sequence_number=result.sequence_number)

    return app


def by_hand_app() -> FastAPI:
    """One row per request, inserted and committed on the event loop, as durable as the event."""
    database = RawSqlite(_database())
    app = FastAPI()

    @app.post("/orders")
    async def place(order: Order) -> Placed:
        return Placed(sequence_number=database.append_order(order))

    return app


def _database() -> Path:
    return Path(os.environ["BENCHMARK_DATABASE"])
