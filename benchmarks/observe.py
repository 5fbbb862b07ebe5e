"""Reactors: catching up with a log that is there already, and following one that grows."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count

from benchmarks import timing
from benchmarks.harness import (
    EVENTS_PER_SECOND,
    MICROSECONDS,
    Area,
    Contestant,
    Figures,
    Settings,
    ratio_at_least,
)
from benchmarks.ours import STORE, Appender, OrderPlaced, embedded, fill, opened
from benchmarks.peers.eventsourcing_peer import EventSourcing
from benchmarks.workload import event_source, order_fields
from chronicle import Artifacts, ChronicleClient, EventContext, EventFor, reactor

EVENTS, INTERLEAVED = 100_000, 20_000

PULL = "eventsourcing, pull and decode"
CATCH_UP = "reactor catch-up"
CATCH_UP_INTERLEAVED = "reactor catch-up, each event of another source than the one before"
LIVE_RATE, LIVE_MEDIAN = "reactor live, 64 appends in flight", "reactor live, append to handled, p50"


class Counting:
    """A reactor class made anew for every run: the kernel takes each for one it has never seen."""

    def __init__(self, name: str) -> None:
        self.handled = 0
        self._target = 0
        self._reached = asyncio.Event()

        @reactor(id=name)
        async def counting(event: OrderPlaced, context: EventContext) -> None:
            self.handled += 1
            if self.handled >= self._target:
                self._reached.set()

        self.artifacts = Artifacts(event_types=[OrderPlaced], reactors=[counting])

    async def reach(self, target: int) -> None:
        """Return once so many events have been handled altogether."""
        self._target = target
        self._reached.clear()
        if self.handled < target:
            await self._reached.wait()


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Sequence[Contestant]]:
    folder, runs, numbers = settings.folder, count(), count()
    events, interleaved = settings.events(EVENTS), settings.events(INTERLEAVED)
    library = EventSourcing(folder / "eventsourcing-observe.db")
    try:
        await fill(folder / "observe.db", events)
        await _fill_interleaved(settings, interleaved)
        for number in range(events // 100):
            library.hundred_events(number)
        live = Counting("live")
        async with ChronicleClient(embedded(folder / "live.db")) as client:
            store = await client.event_store(STORE, artifacts=live.artifacts)
            appender = Appender(store)

            async def pull() -> Figures:
                return {PULL: await asyncio.to_thread(_pull, library)}

            async def catch_up() -> Figures:
                run = f"catch-up-{next(runs)}"
                return {
                    CATCH_UP: await _catch_up(embedded(folder / "observe.db"), run, events),
                    CATCH_UP_INTERLEAVED: await _catch_up(
                        embedded(folder / "interleaved.db"), run, interleaved
                    ),
                }

            async def follow() -> Figures:
                async def append_and_see(number: int) -> None:
                    expected = live.handled + 1
                    await appender.one(number)
                    await live.reach(expected)

                latency = await timing.one_at_a_time(append_and_see, settings.seconds, numbers)
                before, started = live.handled, time.perf_counter()
                await timing.in_flight(appender.one, settings.seconds, numbers)
                await live.reach(await store.event_log.next_sequence_number())
                elapsed = time.perf_counter() - started
                return {LIVE_MEDIAN: latency.median, LIVE_RATE: (live.handled - before) / elapsed}

            yield [
                Contestant("eventsourcing", {PULL: EVENTS_PER_SECOND}, pull),
                Contestant(
                    "Chronicle, catch-up",
                    {CATCH_UP: EVENTS_PER_SECOND, CATCH_UP_INTERLEAVED: EVENTS_PER_SECOND},
                    catch_up,
                ),
                Contestant(
                    "Chronicle, live", {LIVE_RATE: EVENTS_PER_SECOND, LIVE_MEDIAN: MICROSECONDS}, follow
                ),
            ]
    finally:
        library.close()


def _pull(library: EventSourcing) -> float:
    started = time.perf_counter()
    return sum(1 for _ in library.pull()) / (time.perf_counter() - started)


async def _catch_up(connection_string: str, name: str, events: int) -> float:
    """Events per second from asking for the event store to the last event handled, by a reactor not seen
    before.
    """
    counting = Counting(name)
    async with ChronicleClient(connection_string) as client:
        started = time.perf_counter()
        await client.event_store(STORE, artifacts=counting.artifacts)
        await counting.reach(events)
        return counting.handled / (time.perf_counter() - started)


async def _fill_interleaved(settings: Settings, events: int) -> None:
    async with opened(embedded(settings.folder / "interleaved.db")) as store:
        for first in range(0, events, 100):
            await store.event_log.append_many(
                [
                    EventFor(event_source(number), OrderPlaced(**order_fields(number)))
                    for number in range(first, first + 100)
                ]
            )


AREA = Area("observe", _open, (ratio_at_least(0.3, CATCH_UP, PULL),))
