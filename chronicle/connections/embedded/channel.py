"""The channel itself, and the place where a kernel's services register for it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple, Self, TypeAlias

import grpc
import grpc.aio

from chronicle.connections.embedded.context import EmbeddedContext
from chronicle.connections.embedded.streams import StreamCall
from chronicle.connections.embedded.unary import UnaryUnary

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class EmbeddedServices:
    """Takes what the generated `add_..._to_server` functions register, as a `grpc.aio.Server` does."""

    def __init__(self) -> None:
        self._handlers: list[grpc.GenericRpcHandler] = []

    def add_generic_rpc_handlers(self, generic_rpc_handlers: tuple[grpc.GenericRpcHandler, ...]) -> None:
        """Adds handlers; the first one that knows a path serves it."""
        self._handlers += generic_rpc_handlers

    def handler(self, path: str) -> "Handler | None":
        """What serves a path, if anything does."""
        details: Any = _CallDetails(path, ())
        return next((found for handler in self._handlers if (found := handler.service(details))), None)


class _CallDetails(NamedTuple):
    method: str
    invocation_metadata: tuple[()]


class EmbeddedChannel(grpc.aio.Channel):
    """Calls services in this process.

    Closing it ends the calls that still run, and then what `on_close` closes.
    """

    def __init__(self, services: EmbeddedServices, on_close: Callable[[], Awaitable[None]]) -> None:
        self._services = services
        self._on_close = on_close
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_open = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        """Ends all calls, after `grace` seconds at most, and closes the kernel.

        A second call does nothing.
        """
        if not self._is_open:
            return
        self._is_open = False
        tasks = set(self._tasks)
        if grace and tasks:
            await asyncio.wait(tasks, timeout=grace)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._on_close()

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return grpc.ChannelConnectivity.READY if self._is_open else grpc.ChannelConnectivity.SHUTDOWN

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """An embedded kernel is ready until it is closed, and nobody waits for that."""

    async def channel_ready(self) -> None:
        self._check_open()

    def unary_unary(self, method: str, *_: Any, **__: Any) -> Any:
        handler = self._services.handler(method)
        behaviour: Any = handler.unary_unary if handler else _unknown(method)
        return UnaryUnary(behaviour, self._check_open)

    def unary_stream(self, method: str, *_: Any, **__: Any) -> Any:
        handler = self._services.handler(method)
        behaviour = handler.unary_stream if handler else _unknown_stream(method)
        return partial(self._stream, behaviour, streams_requests=False, streams_responses=True)

    def stream_unary(self, method: str, *_: Any, **__: Any) -> Any:
        handler = self._services.handler(method)
        behaviour = handler.stream_unary if handler else _unknown(method)
        return partial(self._stream, behaviour, streams_requests=True, streams_responses=False)

    def stream_stream(self, method: str, *_: Any, **__: Any) -> Any:
        handler = self._services.handler(method)
        behaviour = handler.stream_stream if handler else _unknown_stream(method)
        return partial(self._stream, behaviour, streams_requests=True, streams_responses=True)

    def _stream(
        self,
        behaviour: Any,
        request: Any = None,
        *,
        streams_requests: bool,
        streams_responses: bool,
        timeout: float | None = None,
        metadata: Any = None,
        **_: Any,
    ) -> StreamCall:
        """`request` is the one message, or the iterator of all; without an iterator they are written."""
        self._check_open()
        return StreamCall(
            behaviour,
            timeout,
            metadata,
            request=None if streams_requests else request,
            requests=request if streams_requests else None,
            streams_requests=streams_requests,
            streams_responses=streams_responses,
            tasks=self._tasks,
        )

    def _check_open(self) -> None:
        if not self._is_open:
            raise grpc.aio.UsageError("Channel is closed.")


def _unknown(method: str) -> Callable[[Any, EmbeddedContext], Awaitable[Any]]:
    async def refuse(request: Any, context: EmbeddedContext) -> None:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"Method not found: {method}")

    return refuse


def _unknown_stream(method: str) -> Callable[[Any, EmbeddedContext], Any]:
    async def refuse(request: Any, context: EmbeddedContext) -> AsyncIterator[Any]:
        yield await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"Method not found: {method}")

    return refuse
