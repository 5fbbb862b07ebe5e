"""Watching what this application appends (events.md 4.5)."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, fields
from types import TracebackType
from typing import Any, Final, Self

from chronicle.event_sequences.event_for import EventFor
from chronicle.event_sequences.results import AppendManyResult, AppendResult

CAPACITY: Final = 1000


@dataclass(frozen=True, slots=True)
class AppendOperation:
    """An event that was to be appended, and what became of it."""

    event: EventFor
    result: AppendResult
    """Of a batch that was refused, each event has all reasons and no number."""


class Appends(AsyncIterator[Sequence[AppendOperation]]):
    """What is appended to a sequence from now on: the events of each call, together.

        async with log.appends() as appends:
            async for operations in appends:
                ...

    Keeps up to 1000 calls for whoever iterates, and then lets go of the oldest. Ends when it is closed.
    """

    def __init__(self, watched: "AppendWatchers") -> None:
        self._watched = watched
        self._operations: deque[Sequence[AppendOperation]] = deque(maxlen=CAPACITY)
        self._arrived = asyncio.Event()
        self._is_closed = False

    async def __anext__(self) -> Sequence[AppendOperation]:
        while not self._operations:
            if self._is_closed:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        return self._operations.popleft()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Takes nothing more; what is there already can still be had."""
        self._is_closed = True
        self._watched.remove(self)
        self._arrived.set()

    def take(self, operations: Sequence[AppendOperation]) -> None:
        """Takes the events of one call. For the sequence."""
        self._operations.append(operations)
        self._arrived.set()


class AppendWatchers:
    """Who watches the appends to one sequence."""

    def __init__(self) -> None:
        self._watchers: list[Appends] = []

    def __bool__(self) -> bool:
        return bool(self._watchers)

    def add(self) -> Appends:
        """A new one."""
        appends = Appends(self)
        self._watchers.append(appends)
        return appends

    def remove(self, appends: Appends) -> None:
        """Takes one out; does nothing when it is out already."""
        if appends in self._watchers:
            self._watchers.remove(appends)

    def tell(self, events: Sequence[EventFor], results: Sequence[AppendResult]) -> None:
        """Tells all of them of one call."""
        operations = [AppendOperation(*each) for each in zip(events, results, strict=True)]
        for watcher in self._watchers:
            watcher.take(operations)

    def tell_batch(self, events: Sequence[EventFor], result: AppendManyResult) -> None:
        """Tells all of them of a batch."""
        shared: dict[str, Any] = {
            member.name: getattr(result, member.name)
            for member in fields(result)
            if member.name != "sequence_numbers"
        }
        numbers = result.sequence_numbers or [None] * len(events)
        self.tell(events, [AppendResult(**shared, sequence_number=number) for number in numbers])
