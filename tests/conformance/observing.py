"""A reactor or a reducer by the contract: its stream, message by message."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Generic, Protocol, Self, TypeVar
from uuid import uuid4

import grpc.aio

from chronicle.contracts import clients_pb2
from chronicle.contracts import observation_reactors_pb2 as reactors
from chronicle.contracts import observation_reducers_pb2 as reducers
from chronicle.values import UNAVAILABLE
from tests.conformance.raw import RawStore, Stubs
from tests.waiting import in_good_time

SUCCESS: Final = 1
FAILED: Final = 2

# How long a kernel has for saying that an observer is subscribed. Ours does, the real one never.
_SUBSCRIBED_WITHIN: Final = 2.0
# Long enough for a message that is already on its way.
_NOTHING_WITHIN: Final = 0.15


class _Batch(Protocol):
    @property
    def Partition(self) -> str: ...
    @property
    def Events(self) -> Sequence[Any]: ...


BatchT = TypeVar("BatchT", bound=_Batch)


class EndOfStream(Exception):
    """The kernel ended a stream in good order, where a batch was to come."""


class Stream(Generic[BatchT]):
    """An Observe call. Its registration is sent; batches are taken and answered one by one."""

    def __init__(self, observe: Any, registration: Any) -> None:
        self._requests: asyncio.Queue[Any | None] = asyncio.Queue()
        self._requests.put_nowait(registration)
        self._call = observe(self._sent())
        # Read by a task of its own: to give up waiting for a batch must not end the call.
        self._received: asyncio.Queue[BatchT | BaseException] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())

    async def subscribed(self) -> Self:
        """Returns when the kernel says that the observer is subscribed, or has had the time to do it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SUBSCRIBED_WITHIN):
                await self._call.initial_metadata()
        return self

    async def batch(self) -> BatchT:
        """The next batch. Raises `grpc.aio.AioRpcError` when the kernel ends the stream instead."""
        async with in_good_time():
            received = await self._received.get()
        if isinstance(received, BaseException):
            raise received
        return received

    async def batches(self, events: int) -> list[BatchT]:
        """Batches until there are so many events in them, each answered with success before the next."""
        received: list[BatchT] = []
        while sum(len(batch.Events) for batch in received) < events:
            received.append(await self.batch())
            await self.succeed(received[-1])
        return received

    async def numbers(self, events: int) -> list[int]:
        """The sequence numbers of so many events, in the order in which they came."""
        return [number for batch in await self.batches(events) for number in numbers(batch)]

    async def is_silent(self) -> bool:
        """Whether no batch is on its way; the end of the stream is none."""
        try:
            async with asyncio.timeout(_NOTHING_WITHIN):
                return isinstance(await self._received.get(), BaseException)
        except TimeoutError:
            return True

    @property
    def is_open(self) -> bool:
        """Whether the kernel has not ended the stream."""
        return not self._reading.done()

    async def succeed(self, batch: BatchT, **result: Any) -> None:
        """Answers that the whole batch was handled."""
        last = batch.Events[-1].Context.SequenceNumber
        await self.answer(batch.Partition, SUCCESS, last, **result)

    async def fail(self, batch: BatchT, last_successful: int = UNAVAILABLE, message: str = "no") -> None:
        """Answers that the batch failed after the event of this number."""
        await self.answer(batch.Partition, FAILED, last_successful, ExceptionMessages=[message])

    async def answer(self, partition: str, state: int, last_successful: int, **result: Any) -> None:
        """Sends a result."""
        fields = {"Partition": partition, "State": state, "LastSuccessfulObservation": last_successful}
        self._requests.put_nowait(self._result(**fields, **result))

    async def complete(self) -> None:
        """Ends the stream in good order: everything that was answered before has arrived."""
        self._requests.put_nowait(None)
        async with in_good_time():
            await self._reading

    async def cancel(self) -> None:
        """Ends the stream at once, whatever is on its way."""
        self._call.cancel()
        self._reading.cancel()
        await asyncio.wait([self._reading])

    def _result(self, **fields: Any) -> Any:
        raise NotImplementedError

    async def _read(self) -> None:
        try:
            async for batch in self._call:
                self._received.put_nowait(batch)
            self._received.put_nowait(EndOfStream())
        except (grpc.aio.AioRpcError, grpc.aio.UsageError) as error:
            self._received.put_nowait(error)

    async def _sent(self) -> AsyncIterator[Any]:
        while (request := await self._requests.get()) is not None:
            yield request


class ReactorStream(Stream[reactors.EventsToObserve]):
    """A reactor's stream."""

    def _result(self, **fields: Any) -> reactors.ReactorMessage:
        content = reactors.OneOf_RegisterReactor_ReactorResult(Value1=reactors.ReactorResult(**fields))
        return reactors.ReactorMessage(Content=content)


class ReducerStream(Stream[reducers.ReduceOperationMessage]):
    """A reducer's stream."""

    def _result(self, **fields: Any) -> reducers.ReducerMessage:
        content = reducers.OneOf_RegisterReducer_ReducerResult(Value1=reducers.ReducerResult(**fields))
        return reducers.ReducerMessage(Content=content)


class Connection:
    """A connected client, which can open streams; all of them end with it."""

    def __init__(self, stubs: Stubs, connection_id: str) -> None:
        self.stubs = stubs
        self.id = connection_id
        self._streams: list[Stream[Any]] = []

    async def reactor(
        self,
        store: RawStore,
        reactor_id: str,
        *event_types: str,
        filters: reactors.ObserverFilters | None = None,
        replayable: bool = True,
        **definition: Any,
    ) -> ReactorStream:
        """A reactor of these event types, registered and, as far as the kernel tells, subscribed."""
        request = reactors.RegisterReactor(
            ConnectionId=self.id,
            EventStore=store.name,
            Namespace=store.namespace,
            Reactor=reactors.ReactorDefinition(
                ReactorId=reactor_id,
                EventSequenceId=store.sequence,
                EventTypes=[
                    reactors.EventTypeWithKeyExpression(
                        EventType=reactors.EventType(Id=event_type, Generation=1), Key="$eventSourceId"
                    )
                    for event_type in event_types
                ],
                IsReplayable=replayable,
                Filters=filters or reactors.ObserverFilters(EventStreamType="All"),
                **definition,
            ),
        )
        content = reactors.OneOf_RegisterReactor_ReactorResult(Value0=request)
        stream = ReactorStream(self.stubs.reactors.Observe, reactors.ReactorMessage(Content=content))
        self._streams.append(stream)
        return await stream.subscribed()

    async def reducer(
        self, store: RawStore, reducer_id: str, read_model: str, *event_types: str, active: bool = True
    ) -> ReducerStream:
        """A reducer of these event types, registered and, as far as the kernel tells, subscribed."""
        request = reducers.RegisterReducer(
            ConnectionId=self.id,
            EventStore=store.name,
            Namespace=store.namespace,
            Reducer=reducers.ReducerDefinition(
                ReducerId=reducer_id,
                EventSequenceId=store.sequence,
                EventTypes=[
                    reducers.EventTypeWithKeyExpression(
                        EventType=reducers.EventType(Id=event_type, Generation=1), Key="$eventSourceId"
                    )
                    for event_type in event_types
                ],
                ReadModel=read_model,
                IsActive=active,
                Filters=reducers.ObserverFilters(EventStreamType="All"),
            ),
        )
        content = reducers.OneOf_RegisterReducer_ReducerResult(Value0=request)
        stream = ReducerStream(self.stubs.reducers.Observe, reducers.ReducerMessage(Content=content))
        self._streams.append(stream)
        return await stream.subscribed()

    async def cancel_streams(self) -> None:
        """Ends all its streams."""
        for stream in self._streams:
            await stream.cancel()


@asynccontextmanager
async def connected(stubs: Stubs, connection_id: str | None = None) -> AsyncIterator[Connection]:
    """A client that is connected and answers keep-alives for as long as the block lasts."""
    connection = Connection(stubs, connection_id or str(uuid4()))
    call = stubs.clients.Connect(clients_pb2.ConnectRequest(ConnectionId=connection.id))
    async with in_good_time():
        await anext(aiter(call))
    answering = asyncio.create_task(_answer(stubs, call))
    try:
        yield connection
    finally:
        await connection.cancel_streams()
        answering.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await answering
        call.cancel()


async def _answer(stubs: Stubs, call: Any) -> None:
    async for keep_alive in call:
        await stubs.clients.ConnectionKeepAlive(keep_alive)


def numbers(batch: _Batch) -> list[int]:
    """The sequence numbers of a batch's events."""
    return [event.Context.SequenceNumber for event in batch.Events]
