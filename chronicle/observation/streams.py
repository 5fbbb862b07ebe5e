"""One observer's stream: registering, taking batches, answering each, opening it again when it ends.

The protocol has no acknowledgement (observation.md 4). Our kernel sends the call's initial metadata as soon
as the subscription stands; the real one sends them with its first batch. So a stream counts as accepted
when they arrive, or when it has not failed within a short grace.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Generic, Protocol, TypeVar

import grpc.aio

from chronicle.errors import NotRunningError
from chronicle.observation.failures import is_cancelled

_logger: Final = logging.getLogger("chronicle.observation")

_Message = TypeVar("_Message")
_Batch = TypeVar("_Batch")
_BatchFrom = TypeVar("_BatchFrom", covariant=True)


class ObserverState(Enum):
    """Where an observer's stream is."""

    STOPPED = auto()
    """Not started yet, or stopped."""
    SUBSCRIBING = auto()
    """Registering; no events are handled."""
    SUBSCRIBED = auto()
    """The kernel has accepted it; events are handled as they come."""
    WAITING = auto()
    """Its stream has ended or failed; it is opened again after a while."""
    STOPPING = auto()
    """Finishing the batch at hand, taking no other."""


@dataclass(frozen=True, slots=True)
class StreamTiming:
    """How long streams wait, in seconds."""

    reopen_after: float = 2.0
    """Between the end of a stream and its next opening."""
    acceptance_grace: float = 0.25
    """Until a stream that the kernel keeps silent about counts as accepted."""
    closing_grace: float = 1.0
    """Until a call that we have completed is cancelled, and a cancelled handler is left to itself."""


class StreamCall(Protocol[_BatchFrom]):
    """A call of a bidirectional method; what a generated stub returns."""

    def __aiter__(self) -> AsyncIterator[_BatchFrom]: ...

    def initial_metadata(self) -> Awaitable[object]:
        """Comes back when the kernel has answered anything, or the call has ended."""
        ...

    def done(self) -> bool:
        """Whether the call has ended."""
        ...

    def cancel(self) -> bool:
        """Ends the call."""
        ...


class ObserverStream(Generic[_Message, _Batch]):
    """Keeps one observer subscribed, from `start` to `stop`.

    `open_call` begins the call with our messages, `register` makes the first of them from a connection id,
    and `handle` does a batch and makes its answer, or returns `None` when none is expected. `handle` raises
    nothing but `CancelledError`: a failing handler is an answer too.
    """

    def __init__(
        self,
        name: str,
        *,
        open_call: Callable[[AsyncIterator[_Message]], StreamCall[_Batch]],
        register: Callable[[str], _Message],
        handle: Callable[[_Batch], Awaitable[_Message | None]],
        timing: StreamTiming,
    ) -> None:
        self.name = name
        self.state = ObserverState.STOPPED
        self.last_error: Exception | None = None
        """Why the last stream that failed did so; `None` as long as none has."""
        self._open_call = open_call
        self._register = register
        self._handle = handle
        self._timing = timing
        self._connection_id = ""
        self._task: asyncio.Task[None] | None = None
        self._outgoing: _Outgoing[_Message] | None = None
        self._between_batches = asyncio.Event()
        self._is_stopping = False

    async def start(self, connection_id: str) -> None:
        """Opens the stream under a connection id, and waits until it is accepted or has failed once.

        Raises that first failure, an `AioRpcError` for one of the kernel's; the stream is opened again all
        the same.
        """
        if self._task is not None:
            raise NotRunningError(f"{self.name} was started already. Stop it first.")
        self._connection_id = connection_id
        self._is_stopping = False
        self._between_batches = asyncio.Event()
        self._between_batches.set()
        accepted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run(accepted), name=f"chronicle-observer-{self.name}")
        await accepted

    async def stop(self, timeout: float) -> None:
        """Takes no more batches, lets the running one finish within `timeout` seconds, and closes the stream.

        A handler that is not through by then is cancelled; the kernel delivers its batch again.
        """
        task = self._task
        if task is None:
            return
        self._is_stopping = True
        self.state = ObserverState.STOPPING
        try:
            if not await _in_time(self._between_batches.wait(), timeout):
                _logger.warning(
                    "%s was still handling a batch after %s s; it is cancelled.", self.name, timeout
                )
            elif self._outgoing is not None:
                self._outgoing.close()
                await asyncio.wait((task,), timeout=self._timing.closing_grace)
        finally:
            task.cancel()
            _, stubborn = await asyncio.wait((task,), timeout=self._timing.closing_grace)
            if stubborn:
                _logger.error("%s goes on although its handler was cancelled.", self.name)
            self._task = None
            self.state = ObserverState.STOPPED

    async def _run(self, accepted: asyncio.Future[None]) -> None:
        try:
            while True:
                failure = await self._observe_to_the_end(accepted)
                if self._is_stopping or is_cancelled():
                    break
                self.state = ObserverState.WAITING
                _logger.warning(
                    "The stream of %s %s; it is opened again in %s s.",
                    self.name,
                    f"has failed: {_describe(failure)}" if failure else "has ended",
                    self._timing.reopen_after,
                )
                if not accepted.done():
                    accepted.set_exception(
                        failure or NotRunningError(f"The stream of {self.name} ended at once.")
                    )
                await asyncio.sleep(self._timing.reopen_after)
        finally:
            if not accepted.done():
                accepted.set_exception(
                    NotRunningError(f"{self.name} was stopped before the kernel accepted it.")
                )

    async def _observe_to_the_end(self, accepted: asyncio.Future[None]) -> Exception | None:
        try:
            await self._observe(accepted)
        except asyncio.CancelledError:
            # Reading a call that was cancelled below us raises this too, and that is no order to stop.
            if is_cancelled():
                raise
        except Exception as error:
            self.last_error = error
            return error
        return None

    async def _observe(self, accepted: asyncio.Future[None]) -> None:
        self.state = ObserverState.SUBSCRIBING
        outgoing = self._outgoing = _Outgoing[_Message]()
        outgoing.send(self._register(self._connection_id))
        call = self._open_call(outgoing)
        try:
            await _in_time(call.initial_metadata(), self._timing.acceptance_grace)
            # A call that was refused is done by now, and says why when it is read.
            if not call.done():
                self._accept(accepted)
            async for batch in call:
                # When we stop, what still comes in is left to be delivered again.
                if not self._is_stopping:
                    await self._answer(batch, outgoing)
                # A handler that takes no notice of being cancelled was left to itself; it was the last one.
                if is_cancelled():
                    break
        finally:
            if self._outgoing is outgoing:
                self._outgoing = None
            call.cancel()

    def _accept(self, accepted: asyncio.Future[None]) -> None:
        if not self._is_stopping:
            self.state = ObserverState.SUBSCRIBED
        if not accepted.done():
            accepted.set_result(None)

    async def _answer(self, batch: _Batch, outgoing: "_Outgoing[_Message]") -> None:
        between_batches = self._between_batches
        between_batches.clear()
        try:
            answer = await self._handle(batch)
            if answer is not None:
                outgoing.send(answer)
        finally:
            between_batches.set()


class _Outgoing(AsyncIterator[_Message]):
    """The messages of one call, for a stub to send. Not bounded: each answers one that was received."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[_Message | None] = asyncio.Queue()

    def send(self, message: _Message) -> None:
        self._messages.put_nowait(message)

    def close(self) -> None:
        self._messages.put_nowait(None)

    async def __anext__(self) -> _Message:
        message = await self._messages.get()
        if message is None:
            raise StopAsyncIteration
        return message


async def _in_time(awaitable: Awaitable[object], timeout: float) -> bool:
    """Whether something came to its end within `timeout` seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout):
            await awaitable
        return True
    return False


def _describe(error: Exception) -> str:
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.details()} ({error.code().name})"
    return str(error) or type(error).__name__
