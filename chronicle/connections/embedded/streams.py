"""Streaming calls on the embedded channel.

The handler runs in a task of its own, with a bounded queue each way.
"""

import asyncio
import contextvars
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable
from typing import Any, Final

import grpc
import grpc.aio

from chronicle.connections.embedded.context import EmbeddedContext, deadline_exceeded, failure, unexpected
from chronicle.connections.embedded.deadline import Deadline

# As on the network, a sender runs ahead of a slow receiver by a bounded amount and then waits.
MOST_MESSAGES_AHEAD: Final = 16

_END: Final = object()

StreamHandler = Callable[[Any, EmbeddedContext], Any]


class _Stream:
    """The state of one call, shared by its task and its call object, so that the call can be dropped and
    found out.
    """

    def __init__(self, handler: StreamHandler, timeout: float | None, metadata: Any) -> None:
        loop = asyncio.get_running_loop()
        self.handler = handler
        self.timeout = timeout
        self.requests: asyncio.Queue[Any] = asyncio.Queue(MOST_MESSAGES_AHEAD)
        self.responses: asyncio.Queue[Any] = asyncio.Queue(MOST_MESSAGES_AHEAD)
        self.ended: asyncio.Future[grpc.aio.AioRpcError | None] = loop.create_future()
        self.begun: asyncio.Future[grpc.aio.Metadata] = loop.create_future()
        self.context = EmbeddedContext(metadata, timeout, self._begin)

    async def run(self, request: Any, *, streams_responses: bool) -> None:
        """Runs the handler to its end, and says how it ended."""
        failed: grpc.aio.AioRpcError | None
        deadline = None if self.timeout is None else Deadline(self.timeout)
        try:
            if streams_responses:
                await self._pump(request)
            else:
                await self.responses.put(await self.handler(request, self.context))
            failed = self.context.failure()
        except asyncio.CancelledError:
            if deadline is not None and deadline.end():
                failed = deadline_exceeded()
            else:
                failed = failure(grpc.StatusCode.CANCELLED, "Locally cancelled by application!")
        except Exception as error:
            failed = self.context.failure() or unexpected(error)
        finally:
            if deadline is not None:
                deadline.end()
        self._finish(failed)

    async def send(self, requests: AsyncIterable[Any] | Iterable[Any]) -> None:
        """Feeds the handler from the caller's iterator."""
        if isinstance(requests, AsyncIterable):
            async for request in requests:
                await self.requests.put(request)
        else:
            for request in requests:
                await self.requests.put(request)
        await self.requests.put(_END)

    async def received(self) -> AsyncIterator[Any]:
        """What the handler iterates over."""
        while (request := await self.requests.get()) is not _END:
            yield request

    async def _pump(self, request: Any) -> None:
        responses = self.handler(request, self.context)
        try:
            async for response in responses:
                self._begin(())
                await self.responses.put(response)
        finally:
            await responses.aclose()

    def _begin(self, metadata: Any) -> None:
        if not self.begun.done():
            self.begun.set_result(grpc.aio.Metadata(*metadata))

    def _finish(self, failed: grpc.aio.AioRpcError | None) -> None:
        self._begin(())
        self.ended.set_result(failed)
        # Nobody may be reading, and the queue may be full: whoever reads looks at `ended` too.
        if not self.responses.full():
            self.responses.put_nowait(_END)


class StreamCall:
    """One streaming call of any shape; it begins at once, as on the network."""

    def __init__(
        self,
        handler: StreamHandler,
        timeout: float | None,
        metadata: Any,
        *,
        request: Any = None,
        requests: AsyncIterable[Any] | Iterable[Any] | None = None,
        streams_requests: bool,
        streams_responses: bool,
        tasks: set[asyncio.Task[None]],
    ) -> None:
        stream = self._stream = _Stream(handler, timeout, metadata)
        # The kernel's side runs in a context of its own: what is ambient on the caller's side stays there.
        self._task = asyncio.create_task(
            stream.run(
                stream.received() if streams_requests else request, streams_responses=streams_responses
            ),
            name="chronicle-embedded-call",
            context=contextvars.Context(),
        )
        self._sender = None
        if requests is not None:
            self._sender = asyncio.create_task(stream.send(requests), name="chronicle-embedded-requests")
            sender = self._sender
            self._task.add_done_callback(lambda _: sender.cancel())
        for task in (self._task, self._sender):
            if task is not None:
                tasks.add(task)
                task.add_done_callback(tasks.discard)

    def __del__(self) -> None:
        # A call that nobody holds any more ends, as it does on the network.
        self._task.cancel()

    async def read(self) -> Any:
        """The next response, or `grpc.aio.EOF` after the last one."""
        stream = self._stream
        if stream.ended.done() and stream.responses.empty():
            return self._end()
        response = await stream.responses.get()
        return self._end() if response is _END else response

    async def __aiter__(self) -> AsyncIterator[Any]:
        while (response := await self.read()) is not grpc.aio.EOF:
            yield response

    def __await__(self) -> Generator[Any, None, Any]:
        return self._only_response().__await__()

    async def write(self, request: Any) -> None:
        """Sends one more request; for calls that were made without an iterator."""
        if self._stream.ended.done():
            raise asyncio.InvalidStateError("RPC already finished.")
        await self._stream.requests.put(request)

    async def done_writing(self) -> None:
        """Says that no more requests come."""
        await self._stream.requests.put(_END)

    def cancel(self) -> bool:
        return self._task.cancel()

    def cancelled(self) -> bool:
        ended = self._stream.ended
        failed = ended.result() if ended.done() else None
        return failed is not None and failed.code() is grpc.StatusCode.CANCELLED

    def done(self) -> bool:
        return self._stream.ended.done()

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        self._stream.ended.add_done_callback(lambda _: callback(self))

    async def code(self) -> grpc.StatusCode:
        failed = await asyncio.shield(self._stream.ended)
        return grpc.StatusCode.OK if failed is None else failed.code()

    async def details(self) -> str:
        failed = await asyncio.shield(self._stream.ended)
        return "" if failed is None else failed.details() or ""

    async def initial_metadata(self) -> grpc.aio.Metadata:
        return await asyncio.shield(self._stream.begun)

    async def trailing_metadata(self) -> grpc.aio.Metadata:
        await asyncio.shield(self._stream.ended)
        return self._stream.context.trailing_metadata()

    def time_remaining(self) -> float:
        return self._stream.context.time_remaining()

    async def _only_response(self) -> Any:
        response = await self.read()
        if response is grpc.aio.EOF:
            raise failure(grpc.StatusCode.INTERNAL, "The call ended without a response.")
        return response

    def _end(self) -> Any:
        failed = self._stream.ended.result()
        if failed is None:
            return grpc.aio.EOF
        if failed.code() is grpc.StatusCode.CANCELLED:
            raise asyncio.CancelledError
        raise failed
