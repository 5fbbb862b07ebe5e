"""Whether an append costs more the longer its log is: the same appends to logs of growing length."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count

from benchmarks import timing
from benchmarks.harness import COUNT, EVENTS_PER_SECOND, Area, Contestant, Figures, Settings, ratio_at_least
from benchmarks.history import histories
from benchmarks.ours import Appender, embedded, opened

SHORTEST = 10_000
TIMES = (1, 10, 100, 500)
"""How many times as long as the shortest log each one is: 5 million events in the longest, at scale 1."""

APPENDS = 2_000
"""In each round, for few enough shorten the distance between the logs."""
SLICES = 4

LENGTH = "events in the shortest log"
RATES = tuple(f"append, 64 in flight, to a log {times} times as long" for times in TIMES)


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Sequence[Contestant]]:
    shortest, appends, numbers = settings.events(SHORTEST), settings.events(APPENDS), count()
    paths = await histories(settings.folder, [shortest * times for times in TIMES])
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(opened(embedded(path))) for path in paths]
        appenders = dict(zip(RATES, map(Appender, stores), strict=True))

        async def measure() -> Figures:
            seconds = dict.fromkeys(RATES, 0.0)
            for _ in range(SLICES):
                for name, appender in appenders.items():
                    seconds[name] += await timing.so_many(appender.one, appends // SLICES, numbers)
            rates = {name: appends // SLICES * SLICES / seconds[name] for name in RATES}
            return {LENGTH: shortest, **rates}

        # The first appends to a file read what the later ones find in memory.
        await measure()
        yield [Contestant("Chronicle", {LENGTH: COUNT, **dict.fromkeys(RATES, EVENTS_PER_SECOND)}, measure)]


AREA = Area("growth", _open, (ratio_at_least(0.8, RATES[-1], RATES[0]),))
