"""Whether the application lives, and whether it can serve: for container probes and load balancers.

app.include_router(create_health_router())      # /health/live and /health/ready

No authentication, and so nothing in the answers that is worth any: no names, no error texts.
"""

import asyncio
import logging
from enum import Enum
from typing import Final, Literal

from fastapi import APIRouter, Response
from fastapi.requests import HTTPConnection
from pydantic import BaseModel

from chronicle import (
    CallError,
    ChronicleClient,
    EventStore,
    NotBuiltError,
    NotConnectedError,
    NotRunningError,
    ObserverState,
)
from chronicle_fastapi.admin.resources.failed_partitions import list_failed_partitions
from chronicle_fastapi.admin.resources.observers import list_observers
from chronicle_fastapi.admin.scopes import NamespaceScope
from chronicle_fastapi.plugin import Chronicle

logger = logging.getLogger("chronicle.fastapi")

KERNEL_PATIENCE: Final = 2.0
"""Seconds that the kernel has to say how its observers fare; probes have little patience themselves."""


class Liveness(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class NotReady(Enum):
    """A reason not to send requests here."""

    NOT_RUNNING = "not-running"
    """The application has not started Chronicle, or is stopping it."""
    NOT_CONNECTED = "not-connected"
    NOT_REGISTERED = "not-registered"
    """The kernel has not accepted everything that the application declares, or not yet."""
    NOT_OBSERVING = "not-observing"
    """A reactor or a reducer is not subscribed."""
    KERNEL_SILENT = "kernel-silent"
    """The kernel is connected, and does not answer in time."""
    TOO_FAR_BEHIND = "too-far-behind"
    FAILED_PARTITIONS = "failed-partitions"


class Readiness(BaseModel):
    """Whether the application can serve, and why not."""

    status: Literal["ready", "not-ready"]
    reasons: list[NotReady]
    connected: bool = False
    registered: bool = False
    observers: int = 0
    """Reactors and reducers of this process."""
    subscribed: int = 0
    """Those of them that are given events."""
    failed_partitions: int | None = None
    """Event sources that an observer has stopped at; null when the kernel does not tell."""
    behind: int | None = None
    """How many numbers the observer that is furthest behind is away from the end of its sequence; null when
    the kernel does not tell."""


def create_health_router(
    *, prefix: str = "/health", most_behind: int | None = None, most_failed_partitions: int | None = None
) -> APIRouter:
    """A router with `live` and `ready`, which answer 200, or 503 when the application is not ready.

    What is behind or has failed is told, and by itself no reason not to be ready: other requests are served
    all the same, and a restart cures neither. With a limit it is one as soon as there is more.
    """
    router = APIRouter(prefix=prefix, tags=["health"])

    @router.get("/live", operation_id="get_liveness")
    async def live() -> Liveness:
        """Say that the process answers."""
        return Liveness()

    @router.get("/ready", operation_id="get_readiness", responses={503: {"model": Readiness}})
    async def ready(connection: HTTPConnection, response: Response) -> Readiness:
        """Say whether the application is connected, registered and observing."""
        readiness = await _readiness(connection)
        if most_behind is not None and (readiness.behind or 0) > most_behind:
            readiness.reasons.append(NotReady.TOO_FAR_BEHIND)
        if most_failed_partitions is not None and (readiness.failed_partitions or 0) > most_failed_partitions:
            readiness.reasons.append(NotReady.FAILED_PARTITIONS)
        response.headers["Cache-Control"] = "no-store"
        if readiness.reasons:
            readiness.status = "not-ready"
            response.status_code = 503
        return readiness

    return router


async def _readiness(connection: HTTPConnection) -> Readiness:
    readiness = Readiness(status="ready", reasons=[])
    try:
        chronicle = Chronicle.of(connection.app)
        client, store = chronicle.client, chronicle.store
    except NotRunningError:
        readiness.reasons.append(NotReady.NOT_RUNNING)
        return readiness
    except NotConnectedError:
        # Started without its kernel, which was not reached yet.
        readiness.reasons.append(NotReady.NOT_CONNECTED)
        return readiness
    statuses = store.observer_statuses()
    readiness.connected = client.is_connected
    readiness.registered = store.registration.is_success
    readiness.observers = len(statuses)
    readiness.subscribed = sum(status.state is ObserverState.SUBSCRIBED for status in statuses)
    if not readiness.connected:
        readiness.reasons.append(NotReady.NOT_CONNECTED)
        return readiness
    if not readiness.registered:
        readiness.reasons.append(NotReady.NOT_REGISTERED)
    if readiness.subscribed < readiness.observers:
        readiness.reasons.append(NotReady.NOT_OBSERVING)
    await _ask_kernel(client, store, readiness)
    return readiness


async def _ask_kernel(client: ChronicleClient, store: EventStore, readiness: Readiness) -> None:
    scope = NamespaceScope(client, store.name, store.namespace)
    try:
        async with asyncio.timeout(KERNEL_PATIENCE):
            readiness.failed_partitions = len(await list_failed_partitions(scope))
            readiness.behind = max((one.behind for one in await list_observers(scope)), default=0)
    except NotBuiltError:
        # A kernel without these calls serves events all the same.
        await _knock(client, readiness)
    except (CallError, TimeoutError) as error:
        logger.warning("the kernel does not say how its observers fare: %r", error)
        readiness.reasons.append(NotReady.KERNEL_SILENT)


async def _knock(client: ChronicleClient, readiness: Readiness) -> None:
    """Makes sure that the kernel answers at all."""
    try:
        async with asyncio.timeout(KERNEL_PATIENCE):
            await client.event_stores.all()
    except (CallError, TimeoutError) as error:
        logger.warning("the kernel does not answer: %r", error)
        readiness.reasons.append(NotReady.KERNEL_SILENT)
