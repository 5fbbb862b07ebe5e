"""`python -m benchmarks.read_all FILE`: an application that reads a whole log through the client's iterator.

It prints how many events there were, the seconds that reading took, and the most memory that the process had
resident, in MiB.
"""

import asyncio
import sys
import time
from pathlib import Path

from benchmarks.ours import OrderPlaced, embedded, opened

_KIBIBYTES_IN_MEBIBYTE = 1024


async def main(file: str) -> None:
    """Read all events of a database, one after another."""
    async with opened(embedded(Path(file))) as store:
        started, seen = time.perf_counter(), 0
        async for appended in store.event_log.read():
            if type(appended.event) is not OrderPlaced:
                raise AssertionError(f"event {seen} is a {type(appended.event).__name__}")
            seen += 1
        elapsed = time.perf_counter() - started
    sys.stdout.write(f"{seen} {elapsed:.4f} {_most_resident():.1f}")


def _most_resident() -> float:
    """MiB. The system's own count for a process begins with what its parent had."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / _KIBIBYTES_IN_MEBIBYTE


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
