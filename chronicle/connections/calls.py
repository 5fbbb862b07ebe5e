"""Unary calls as the client makes them: with a deadline and a correlation id, and with our own errors."""

import asyncio
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Generic, TypeVar
from uuid import UUID

import grpc.aio

from chronicle.connections.failures import translate
from chronicle.context import current_correlation_id
from chronicle.errors import NotRunningError
from chronicle.telemetry import Telemetry, trace_headers

CORRELATION_ID_HEADER: Final = "x-correlation-id"

Request = TypeVar("Request")
Response = TypeVar("Response")


@lru_cache(maxsize=1024)
def _metadata(correlation_id: UUID) -> tuple[tuple[str, str], ...]:
    # Most calls share their correlation id with the one before, and a guid's text is dearer than a look-up.
    return ((CORRELATION_ID_HEADER, str(correlation_id)),)


@dataclass(frozen=True, slots=True)
class CallSettings:
    """What all calls of a client have in common."""

    timeout: float
    """Seconds that the kernel has for its answer."""
    endpoint: str = ""
    """Where the kernel is, for error messages; without secrets."""
    telemetry: Telemetry | None = None
    """Where spans and metrics go; None without OpenTelemetry."""


class Call(Generic[Request, Response]):
    """One unary method of the contract, ready to be called."""

    __slots__ = ("_method", "_name", "_settings")

    def __init__(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
        name: str,
        settings: CallSettings,
    ) -> None:
        """`method` comes from a stub and is bound once; `name` is its `Service/Method`."""
        self._method = method
        self._name = name
        self._settings = settings

    async def __call__(self, request: Request, correlation_id: UUID | None = None) -> Response:
        """Calls the kernel. The correlation id that travels along is the given or else the ambient one.

        Raises `CallError` for what the kernel or the network reports, `NotRunningError` on a closed client.
        """
        try:
            call = self._method(
                request,
                timeout=self._settings.timeout,
                metadata=_metadata(correlation_id or current_correlation_id()) + trace_headers(),
            )
        except grpc.aio.UsageError as error:
            raise self._closed() from error
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            raise translate(error, method=self._name, endpoint=self._settings.endpoint) from error
        except asyncio.CancelledError as error:
            # Closing a channel cancels its calls, not their tasks, and a task that runs on should know why.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise self._closed() from error

    def _closed(self) -> NotRunningError:
        return NotRunningError(
            f"{self._name} was called on a client that is closed. Make a new ChronicleClient, and call "
            "inside its `async with` block."
        )
