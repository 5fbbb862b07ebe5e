"""Unary calls on the embedded channel: the handler runs in the task that awaits the call."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import grpc
import grpc.aio

from chronicle.connections.embedded.context import EmbeddedContext, deadline_exceeded, unexpected
from chronicle.connections.embedded.deadline import Deadline

UnaryHandler = Callable[[Any, EmbeddedContext], Awaitable[Any]]


class UnaryCall:
    """One call. Awaiting it runs it, once; it cannot be awaited again."""

    __slots__ = ("_context", "_handler", "_is_cancelled", "_outcome", "_request", "_timeout")

    def __init__(self, handler: UnaryHandler, request: Any, timeout: float | None, metadata: Any) -> None:
        self._handler = handler
        self._request = request
        self._timeout = timeout
        self._context = EmbeddedContext(metadata, timeout)
        self._is_cancelled = False
        self._outcome: grpc.StatusCode | None = None

    def __await__(self) -> Generator[Any, None, Any]:
        return self._run().__await__()

    def cancel(self) -> bool:
        """Cancels a call that was not awaited yet; one that runs is cancelled through its task."""
        if self._outcome is not None:
            return False
        self._is_cancelled = True
        return True

    def cancelled(self) -> bool:
        return self._is_cancelled

    def done(self) -> bool:
        return self._outcome is not None

    async def code(self) -> grpc.StatusCode:
        return self._outcome or grpc.StatusCode.UNKNOWN

    async def details(self) -> str:
        return self._context.details()

    async def initial_metadata(self) -> grpc.aio.Metadata:
        return grpc.aio.Metadata()

    async def trailing_metadata(self) -> grpc.aio.Metadata:
        return self._context.trailing_metadata()

    def time_remaining(self) -> float:
        return self._context.time_remaining()

    async def _run(self) -> Any:
        if self._is_cancelled:
            raise asyncio.CancelledError
        context = self._context
        deadline = None if self._timeout is None else Deadline(self._timeout)
        try:
            response = await self._handler(self._request, context)
        except asyncio.CancelledError as error:
            if deadline is None or not deadline.end():
                raise
            raise self._failed(deadline_exceeded()) from error
        except Exception as error:
            raise self._failed(context.failure() or unexpected(error)) from error
        finally:
            if deadline is not None:
                deadline.end()
        failure = context.failure()
        if failure is not None:
            raise self._failed(failure)
        self._outcome = grpc.StatusCode.OK
        return response

    def _failed(self, failure: grpc.aio.AioRpcError) -> grpc.aio.AioRpcError:
        self._outcome = failure.code()
        return failure


class UnaryUnary:
    """What a stub holds for a method that takes one message and answers with one."""

    __slots__ = ("_check_open", "_handler")

    def __init__(self, handler: UnaryHandler, check_open: Callable[[], None]) -> None:
        self._handler = handler
        self._check_open = check_open

    def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,
        metadata: Any = None,
        credentials: Any = None,
        wait_for_ready: bool | None = None,
        compression: Any = None,
    ) -> UnaryCall:
        self._check_open()
        return UnaryCall(self._handler, request, timeout, metadata)
