"""The client streams that share the work of one observer (observation.md 3.3 and 4)."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from functools import lru_cache
from typing import Final

from chronicle.kernel.observation.subscriber import DISCONNECTED, Batch, ObservationState, Outcome

_FNV_OFFSET: Final = 2166136261
_FNV_PRIME: Final = 16777619


@lru_cache(maxsize=4096)
def stable_hash(text: str) -> int:
    """FNV-1a, 32 bit, over a text's UTF-16 code units: which client a partition goes to must not vary."""
    units = text.encode("utf-16-le", "surrogatepass")
    value = _FNV_OFFSET
    for low, high in zip(units[::2], units[1::2], strict=True):
        value = (value ^ (low | high << 8)) * _FNV_PRIME & 0xFFFFFFFF
    return value


class ClientStream:
    """One client's stream: batches wait here to be sent, and answers find the batch that they belong to."""

    def __init__(self, connection_id: str) -> None:
        self.connection_id = connection_id
        self._to_send: deque[Batch] = deque()
        self._has_more = asyncio.Event()
        self._outstanding: dict[str, asyncio.Future[Outcome]] = {}
        self._is_ended = False
        self._error: Exception | None = None

    def deliver(self, batch: Batch) -> asyncio.Future[Outcome]:
        """Sends a batch; the future has what became of it. There is one at a time for a partition."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._outstanding[batch.partition] = future
        self._to_send.append(batch)
        self._has_more.set()
        return future

    def notify(self, notice: Batch) -> None:
        """Sends a notice, after what waits to be sent."""
        self._to_send.append(notice)
        self._has_more.set()

    def answer(self, partition: str, outcome: Outcome) -> None:
        """Takes the answer for the batch that is outstanding; ignores one for a partition without."""
        future = self._outstanding.pop(partition, None)
        if future is not None and not future.done():
            future.set_result(outcome)

    def abandon(self) -> None:
        """Answers everything outstanding as disconnected; what was not sent yet is not sent any more."""
        self._to_send.clear()
        for partition in list(self._outstanding):
            self.answer(partition, DISCONNECTED)

    def end(self, error: Exception | None = None) -> None:
        """Lets `batches` end, or raise the error."""
        self.abandon()
        self._is_ended = True
        self._error = self._error or error
        self._has_more.set()

    async def batches(self) -> AsyncIterator[Batch]:
        """What is to be sent, until the stream ends."""
        while not self._is_ended:
            while self._to_send:
                yield self._to_send.popleft()
            self._has_more.clear()
            if not self._is_ended:
                await self._has_more.wait()
        if self._error is not None:
            raise self._error


class Targets:
    """Client streams, sorted by connection id. As a subscriber, it spreads partitions over them."""

    def __init__(self) -> None:
        self._streams: list[ClientStream] = []

    def __bool__(self) -> bool:
        return bool(self._streams)

    def __contains__(self, stream: ClientStream) -> bool:
        return stream in self._streams

    @property
    def streams(self) -> list[ClientStream]:
        """The streams, in order."""
        return list(self._streams)

    def add(self, stream: ClientStream) -> None:
        """Adds a stream, in place of another one of the same connection."""
        for other in self.of_connection(stream.connection_id):
            self.remove(other)
        self._streams = sorted([*self._streams, stream], key=lambda one: one.connection_id)

    def of_connection(self, connection_id: str) -> list[ClientStream]:
        """The streams of a connection."""
        return [stream for stream in self._streams if stream.connection_id == connection_id]

    def remove(self, stream: ClientStream) -> None:
        """Removes a stream; what it has not answered goes to the others."""
        if stream in self._streams:
            self._streams.remove(stream)
            stream.abandon()

    def clear(self) -> None:
        """Removes all streams."""
        for stream in self.streams:
            self.remove(stream)

    @property
    def folds(self) -> bool:
        """See `Subscriber`: a client that merely reacts takes each event by itself."""
        return False

    async def undo(self, partition: str) -> None:
        """See `Subscriber`: what clients have done stays done."""

    def notify(self, notice: Batch) -> None:
        """Sends a notice to all streams."""
        for stream in self._streams:
            stream.notify(notice)

    async def deliver(self, batches: Sequence[Batch]) -> Sequence[Outcome]:
        """Delivers batches; those of a client that leaves go to one that stays, as long as there is any."""
        outcomes = dict.fromkeys(range(len(batches)), DISCONNECTED)
        left = list(outcomes)
        while left and self._streams:
            sent = [(index, self._stream_of(batches[index]).deliver(batches[index])) for index in left]
            # Answers come in the order of the batches: whoever awaits the last one first wakes up once.
            for _, future in reversed(sent):
                await future
            outcomes.update((index, future.result()) for index, future in sent)
            left = [index for index in left if outcomes[index].state is ObservationState.DISCONNECTED]
        return list(outcomes.values())

    def _stream_of(self, batch: Batch) -> ClientStream:
        streams = self._streams
        return streams[0] if len(streams) == 1 else streams[stable_hash(batch.partition) % len(streams)]
