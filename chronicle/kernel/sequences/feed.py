"""The tail end of a sequence in memory, and the waking of those who wait for more."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chronicle.kernel.storage.events import StoredEvent

# Observers that keep up never go to the database; those that fall further behind read pages from it.
MOST_EVENTS_IN_MEMORY: Final = 2_000


@dataclass(frozen=True, slots=True)
class Page:
    """Events in order, and the number from which to go on: everything before it was looked at."""

    events: Sequence[StoredEvent]
    next_number: int


class Feed:
    """The latest events of one sequence, as committed; numbers are consecutive."""

    def __init__(self, tail: int | None) -> None:
        self._tail = tail
        self._first = 0 if tail is None else tail + 1
        self._events: list[StoredEvent] = []
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def tail(self) -> int | None:
        """The highest number that was committed."""
        return self._tail

    def add(self, events: Sequence[StoredEvent]) -> None:
        """Takes in what was just committed, and wakes everyone."""
        if not events:
            return
        self._events.extend(events)
        self._tail = events[-1].number
        # Cutting the list in large steps keeps an append's share of the cost small.
        if len(self._events) > 2 * MOST_EVENTS_IN_MEMORY:
            surplus = len(self._events) - MOST_EVENTS_IN_MEMORY
            del self._events[:surplus]
            self._first += surplus
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def forget(self) -> None:
        """Lets go of all events, because the database has them otherwise now."""
        self._events = []
        self._first = 0 if self._tail is None else self._tail + 1

    def page(self, first: int, event_types: frozenset[str], limit: int) -> Page | None:
        """A page from memory; `None` when it begins before what memory holds."""
        if self._tail is None or first > self._tail:
            return Page((), first)
        if first < self._first:
            return None
        events: list[StoredEvent] = []
        for event in self._events[first - self._first :]:
            if event.event_type in event_types:
                events.append(event)
                if len(events) == limit:
                    return Page(events, event.number + 1)
        return Page(events, self._tail + 1)

    async def wait_for(self, number: int) -> None:
        """Returns when an event with this number, or a higher one, was committed."""
        while self._tail is None or self._tail < number:
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future
