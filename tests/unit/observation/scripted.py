"""A kernel's side of one stream, as a script: what the tests of observers talk to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio


def refused(details: str = "Client 'x' is not connected.") -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(
        grpc.StatusCode.UNKNOWN, grpc.aio.Metadata(), grpc.aio.Metadata(), details=details
    )


class ScriptedCall:
    """One call. The test sends batches with `send`, ends it with `end`, and reads what the client sent."""

    def __init__(self, requests: AsyncIterator[Any], *, accepts: bool = True) -> None:
        self.received: asyncio.Queue[Any] = asyncio.Queue()
        self.is_half_closed = asyncio.Event()
        self.is_cancelled = False
        self._batches: asyncio.Queue[Any] = asyncio.Queue()
        self._metadata: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._is_done = False
        self._reader = asyncio.create_task(self._read(requests))
        if accepts:
            self.accept()

    def accept(self) -> None:
        if not self._metadata.done():
            self._metadata.set_result(None)

    def send(self, batch: Any) -> None:
        self._batches.put_nowait(batch)

    def end(self, error: BaseException | None = None) -> None:
        self._is_done = True
        self._batches.put_nowait(error or StopAsyncIteration())
        self.accept()

    async def _read(self, requests: AsyncIterator[Any]) -> None:
        async for request in requests:
            self.received.put_nowait(request)
        self.is_half_closed.set()
        self.end()

    async def __aiter__(self) -> AsyncIterator[Any]:
        while True:
            batch = await self._batches.get()
            if isinstance(batch, StopAsyncIteration):
                return
            if isinstance(batch, BaseException):
                raise batch
            yield batch

    async def initial_metadata(self) -> object:
        return await asyncio.shield(self._metadata)

    def done(self) -> bool:
        return self._is_done

    def cancel(self) -> bool:
        self.is_cancelled = True
        self._reader.cancel()
        return True


class ScriptedKernel:
    """Takes calls one after another; `calls` is where the test waits for the next one."""

    def __init__(
        self, on_call: Callable[[ScriptedCall], None] = lambda call: None, *, accepts: bool = True
    ) -> None:
        self.calls: asyncio.Queue[ScriptedCall] = asyncio.Queue()
        self._on_call = on_call
        self._accepts = accepts

    def open(self, requests: AsyncIterator[Any]) -> ScriptedCall:
        call = ScriptedCall(requests, accepts=self._accepts)
        self._on_call(call)
        self.calls.put_nowait(call)
        return call


async def until(holds: Callable[[], bool]) -> None:
    """Lets everything else run until something holds."""
    while not holds():  # noqa: ASYNC110 - there is nothing to wait for but the loop's next round
        await asyncio.sleep(0)
