"""Reading a long log through the client's iterator: its rate beside a shorter one's, and its memory.

Every read is a process of its own, so that its memory is nobody else's.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.harness import (
    COUNT,
    EVENTS_PER_SECOND,
    MEBIBYTES,
    Area,
    Contestant,
    Figures,
    Settings,
    excess_at_most,
    ratio_at_least,
)
from benchmarks.history import histories
from benchmarks.peers.eventsourcing_peer import EventSourcing
from benchmarks.processes import output_of

START = 10_000
SHORT, LONG = 100_000, 1_000_000
"""At scale 1."""

PULL = "eventsourcing, pull and decode a log a tenth as long"
LENGTH = "events in the long log"
READ_SHORT, READ_LONG = "read a log a tenth as long in order, typed", "read the long log in order, typed"
MEMORY = "reading the long log, most memory resident"


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Sequence[Contestant]]:
    lengths = [settings.events(length) for length in (START, SHORT, LONG)]
    _, short, long = await histories(settings.folder, lengths)
    library = EventSourcing(settings.folder / "eventsourcing-long.db")
    try:
        for number in range(lengths[1] // 100):
            library.hundred_events(number)

        async def pull() -> Figures:
            return {PULL: await asyncio.to_thread(_pull, library, lengths[1])}

        async def read_short() -> Figures:
            return {READ_SHORT: (await _read(short, lengths[1]))[0]}

        async def read_long() -> Figures:
            rate, memory = await _read(long, lengths[2])
            return {LENGTH: lengths[2], READ_LONG: rate, MEMORY: memory}

        rate = EVENTS_PER_SECOND
        yield [
            Contestant("eventsourcing", {PULL: rate}, pull),
            Contestant("Chronicle, shorter", {READ_SHORT: rate}, read_short),
            Contestant("Chronicle, long", {LENGTH: COUNT, READ_LONG: rate, MEMORY: MEBIBYTES}, read_long),
        ]
    finally:
        library.close()


def _pull(library: EventSourcing, events: int) -> float:
    started = time.perf_counter()
    seen = sum(1 for _ in library.pull())
    if seen != events:
        raise AssertionError(f"{seen} events of {events} pulled")
    return seen / (time.perf_counter() - started)


async def _read(path: Path, events: int) -> tuple[float, float]:
    """Events per second, and the MiB of memory that the reading process had at most."""
    seen, seconds, memory = map(float, (await output_of("-m", "benchmarks.read_all", str(path))).split())
    if seen != events:
        raise AssertionError(f"{seen:.0f} events of {events} read")
    return seen / seconds, memory


AREA = Area(
    "long",
    _open,
    (
        ratio_at_least(0.5, READ_LONG, PULL),
        # No lower, as far as two processes one after the other can tell.
        ratio_at_least(0.95, READ_LONG, READ_SHORT),
        excess_at_most(200, MEMORY),
    ),
)
