"""What an endpoint asks for: `Depends(get_event_log)` and its kin, each with an `Annotated` alias.

All of them are `async def`: FastAPI sends a `def` through the thread pool, which costs more than the request
itself and loses context variables. They take the connection, so they serve HTTP and WebSocket endpoints
alike. None depends on another: that would add as much again to every request, so override in a test what the
endpoint asks for.

What belongs to an event store is that of the request's namespace (`RequestOptions.namespace`). All of them
raise `NotRunningError` without a running lifespan, and `NotConnectedError` while the kernel is away.
"""

import inspect
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Annotated, Any

from fastapi import Depends
from fastapi.requests import HTTPConnection

from chronicle import ChronicleClient, EventLog, EventSequence, EventStore, ReadModels
from chronicle_fastapi.plugin import Chronicle
from chronicle_fastapi.problems import ProblemError


async def get_client(connection: HTTPConnection) -> ChronicleClient:
    """The client: all event stores of the kernel, in all namespaces."""
    return Chronicle.of(connection.app).client


async def get_event_store(connection: HTTPConnection) -> EventStore:
    """The application's event store, in the namespace of the request."""
    return await Chronicle.of(connection.app).store_for(connection)


async def get_event_log(connection: HTTPConnection) -> EventLog:
    """The event store's event log.

    `append` goes out at once, also while the request has a unit of work; `transactional.append` joins that.
    """
    return (await Chronicle.of(connection.app).store_for(connection)).event_log


async def get_read_models(connection: HTTPConnection) -> ReadModels:
    """The event store's read models."""
    return (await Chronicle.of(connection.app).store_for(connection)).read_models


@cache
def event_sequence(name: str) -> Callable[[HTTPConnection], Awaitable[EventSequence]]:
    """A provider of another sequence of the event store: `Depends(event_sequence("imports"))`.

    The same one for the same name, so that `app.dependency_overrides[event_sequence("imports")]` works.
    """

    async def get_event_sequence(connection: HTTPConnection) -> EventSequence:
        return (await Chronicle.of(connection.app).store_for(connection)).event_sequence(name)

    return get_event_sequence


@cache
def read_model(model: type, key: str | Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """A provider of one instance: `Annotated[Account, Depends(read_model(Account, key="account_id"))]`.

    `key` names a parameter of the route's path, or else of the query; or it is a dependency that gives the
    key. An instance that does not exist is answered with 404. The same provider for the same arguments, so
    that `app.dependency_overrides[read_model(Account, key="account_id")]` works.
    """
    name = key if isinstance(key, str) else "key"
    annotation = str if isinstance(key, str) else Annotated[str, Depends(key)]

    async def get_instance(connection: HTTPConnection, **values: str) -> Any:
        read_models = (await Chronicle.of(connection.app).store_for(connection)).read_models
        instance: object = await read_models.get(model, values[name])
        if instance is None:
            detail = f"There is no {model.__name__} under this key."
            raise ProblemError(404, detail=detail, type="urn:chronicle:not-found")
        return instance

    # FastAPI reads parameters from it: they are converted, checked, and in the OpenAPI document.
    parameters = [
        inspect.Parameter("connection", inspect.Parameter.KEYWORD_ONLY, annotation=HTTPConnection),
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation),
    ]
    get_instance.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return get_instance


ClientDep = Annotated[ChronicleClient, Depends(get_client)]
EventStoreDep = Annotated[EventStore, Depends(get_event_store)]
EventLogDep = Annotated[EventLog, Depends(get_event_log)]
ReadModelsDep = Annotated[ReadModels, Depends(get_read_models)]
