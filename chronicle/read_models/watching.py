"""Watching the instances of a read model change (projections-and-read-models.md 3.5)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar
from uuid import UUID

import grpc
import grpc.aio

from chronicle.connections.calls import CallSettings
from chronicle.connections.failures import translate
from chronicle.contracts import read_models_pb2 as pb
from chronicle.errors import KernelError, NotConnectedError, NotRunningError
from chronicle.values import guid_from_halves, is_actual, parse_timestamp

_Model = TypeVar("_Model")

_METHOD: Final = "ReadModels/Watch"
REOPEN_AFTER: Final = 2.0
"""Seconds between the loss of a watch and the next attempt to begin it again."""


class ChangeKind(Enum):
    """What became of an instance."""

    ADDED = "added"
    MODIFIED = "modified"
    REMOVED = "removed"
    RESUMED = "resumed"
    """It is about no instance: the watch was interrupted, and what changed meanwhile was not told. Whoever
    needs all of it reads again."""


_KINDS: Final = {
    pb.READ_MODEL_CHANGE_TYPE_Added: ChangeKind.ADDED,
    pb.READ_MODEL_CHANGE_TYPE_Modified: ChangeKind.MODIFIED,
    pb.READ_MODEL_CHANGE_TYPE_Removed: ChangeKind.REMOVED,
}


@dataclass(frozen=True, slots=True)
class ReadModelChange(Generic[_Model]):
    """An instance that has changed."""

    kind: ChangeKind
    key: str = ""
    model: _Model | None = None
    """As it is now; of one that was removed, as it was, if that is known."""
    sequence_number: int | None = None
    """The number of the event that has led to it."""
    occurred: datetime | None = None
    """When that event happened."""
    correlation_id: UUID | None = None
    """That event's."""


class Watch(AsyncIterator[ReadModelChange[_Model]]):
    """The changes of a read model's instances, from the moment at which it was entered.

    A connection that is lost is made again, and a change of the kind `RESUMED` says so. Changes wait in the
    kernel for whoever iterates; to one who takes none for very long the same happens. Iterating ends when
    the client is closed, and raises `KernelError` when the kernel refuses to go on.
    """

    def __init__(
        self,
        method: Callable[..., Any],
        request: pb.WatchRequest,
        calls: CallSettings,
        read: Callable[[str], _Model | None],
        *,
        key: str | None,
    ) -> None:
        """`method` is the stub's; `read` makes an instance of its JSON text."""
        self._method = method
        self._request = request
        self._calls = calls
        self._read = read
        self._key = key
        self._call: Any = None

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except grpc.aio.AioRpcError as error:
            raise translate(error, method=_METHOD, endpoint=self._calls.endpoint) from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __anext__(self) -> ReadModelChange[_Model]:
        while True:
            message = await self._next()
            if message is None:
                return ReadModelChange(ChangeKind.RESUMED)
            if self._is_wanted(message):
                return self._change(message)

    def close(self) -> None:
        """Ends the watch. A second call does nothing."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()

    async def _next(self) -> pb.ReadModelChangeset | None:
        """The next message; `None` when the watch was lost and has begun again."""
        call = self._call
        if call is None:
            raise StopAsyncIteration
        try:
            message = await call.read()
            if isinstance(message, pb.ReadModelChangeset):
                return message
        except grpc.aio.AioRpcError as error:
            self._check_that_it_is_temporary(error)
        except asyncio.CancelledError:
            # Closing a channel cancels its calls, not those who read them.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise StopAsyncIteration from None
        await self._reopen()
        return None

    async def _reopen(self) -> None:
        while True:
            await asyncio.sleep(REOPEN_AFTER)
            try:
                return await self._open()
            except NotRunningError:
                raise StopAsyncIteration from None
            except grpc.aio.AioRpcError as error:
                self._check_that_it_is_temporary(error)

    async def _open(self) -> None:
        """Begins to watch, and returns once the kernel says that it does."""
        try:
            call = self._method(self._request)
        except grpc.aio.UsageError as error:
            raise NotRunningError(f"{_METHOD} was called on a client that is closed.") from error
        try:
            async with asyncio.timeout(self._calls.timeout):
                first = await call.read()
            if not (isinstance(first, pb.ReadModelChangeset) and first.Subscribed):
                raise KernelError(f"{_METHOD} ended before it began.", method=_METHOD)
        except TimeoutError as error:
            call.cancel()
            raise KernelError(f"{_METHOD} was not begun in time.", method=_METHOD) from error
        except BaseException:
            call.cancel()
            raise
        self._call = call

    def _check_that_it_is_temporary(self, error: grpc.aio.AioRpcError) -> None:
        failure = translate(error, method=_METHOD, endpoint=self._calls.endpoint)
        # "Exhausted": we have not taken changes for too long, and the kernel has dropped them.
        is_behind = error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        if not is_behind and not isinstance(failure, NotConnectedError):
            raise failure from error

    def _is_wanted(self, message: pb.ReadModelChangeset) -> bool:
        # The real kernel tells of all namespaces.
        is_here = message.Namespace.lower() == self._request.Namespace.lower()
        return is_here and self._key in (None, message.ModelKey)

    def _change(self, message: pb.ReadModelChangeset) -> ReadModelChange[_Model]:
        number = message.EventSequenceNumber
        has_event = is_actual(number) and message.HasField("Occurred")
        return ReadModelChange(
            _KINDS[message.ChangeType],
            message.ModelKey,
            self._read(message.ReadModel),
            number if has_event else None,
            parse_timestamp(message.Occurred.Value) if has_event else None,
            guid_from_halves(message.CorrelationId.lo, message.CorrelationId.hi) if has_event else None,
        )
