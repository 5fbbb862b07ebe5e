"""Reading a whole log in order as typed events, with what each reader's public API gives."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

from benchmarks.harness import EVENTS_PER_SECOND, Area, Contestant, Figures, Settings, ratio_at_least
from benchmarks.ours import embedded, fill, opened
from benchmarks.peers.eventsourcing_peer import EventSourcing
from benchmarks.peers.raw_sqlite import RawSqlite
from benchmarks.peers.umadb_peer import running_umadb

EVENTS = 100_000

RAW, PULL, UMADB = "read raw SQLite, typed", "eventsourcing, pull and decode", "read umadb, typed"
READ = "read in order, typed"


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Sequence[Contestant]]:
    folder, events = settings.folder, settings.events(EVENTS)
    raw, library = RawSqlite(folder / "raw-read.db"), EventSourcing(folder / "eventsourcing-read.db")
    try:
        await fill(folder / "read.db", events)
        async with running_umadb(folder) as umadb, opened(embedded(folder / "read.db")) as store:
            for append in (raw.append_hundred, library.hundred_events, umadb.hundred_events()):
                await asyncio.to_thread(_fill, append, events)

            async def chronicle() -> Figures:
                started, seen = time.perf_counter(), 0
                async for appended in store.event_log.read():
                    seen += 1
                    last = appended.event
                elapsed = time.perf_counter() - started
                if seen != events or type(last).__name__ != "OrderPlaced":
                    raise AssertionError(f"{seen} events of {events} read, the last a {type(last).__name__}")
                return {READ: seen / elapsed}

            yield [
                _reader("raw SQLite", RAW, raw.read, events),
                _reader("eventsourcing", PULL, library.pull, events),
                _reader("umadb", UMADB, umadb.read, events),
                Contestant("Chronicle", {READ: EVENTS_PER_SECOND}, chronicle),
            ]
    finally:
        raw.close()
        library.close()


def _fill(append_hundred: Callable[[int], int], events: int) -> None:
    for number in range(events // 100):
        append_hundred(number)


def _reader(name: str, figure: str, read: Callable[[], Iterable[object]], events: int) -> Contestant:
    """A contestant that reads everything and counts it."""

    async def measure() -> Figures:
        seen, elapsed = await asyncio.to_thread(_count, read)
        if seen != events:
            raise AssertionError(f"{seen} events of {events} read")
        return {figure: seen / elapsed}

    return Contestant(name, {figure: EVENTS_PER_SECOND}, measure)


def _count(read: Callable[[], Iterable[object]]) -> tuple[int, float]:
    """How many events there are, and the seconds that reading them took."""
    started = time.perf_counter()
    return sum(1 for _ in read()), time.perf_counter() - started


AREA = Area("read", _open, (ratio_at_least(0.4, READ, PULL),))
