"""What an endpoint asks for: `Depends(get_event_log)` and its kin, each with an `Annotated` alias.

All of them are `async def`: FastAPI sends a `def` through the thread pool, which costs more than the request
itself and loses context variables. They take the connection, so they serve HTTP and WebSocket endpoints
alike. None depends on another: that would add as much again to every request, so override in a test what the
endpoint asks for.
"""

from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection

from chronicle import EventLog, EventStore, ReadModels
from chronicle_fastapi.plugin import Chronicle


async def get_event_store(connection: HTTPConnection) -> EventStore:
    """The application's event store. Raises `NotRunningError` without a running lifespan."""
    return Chronicle.of(connection.app).store


async def get_event_log(connection: HTTPConnection) -> EventLog:
    """The event store's event log. Raises `NotRunningError` without a running lifespan."""
    return Chronicle.of(connection.app).store.event_log


async def get_read_models(connection: HTTPConnection) -> ReadModels:
    """The event store's read models. Raises `NotRunningError` without a running lifespan."""
    return Chronicle.of(connection.app).store.read_models


EventStoreDep = Annotated[EventStore, Depends(get_event_store)]
EventLogDep = Annotated[EventLog, Depends(get_event_log)]
ReadModelsDep = Annotated[ReadModels, Depends(get_read_models)]
