"""Timed windows: one caller, many tasks, many threads, each giving events per second.

What blocks runs in threads of its own: clients of our kernel in this process have a session to keep alive.
"""

import asyncio
import statistics
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import NamedTuple


class OneAtATime(NamedTuple):
    """How one caller fared: calls per second and the median duration of a call in microseconds."""

    rate: float
    median: float


async def one_at_a_time(
    call: Callable[[int], Awaitable[object]], seconds: float, numbers: Iterator[int]
) -> OneAtATime:
    """One caller that awaits each call before the next. The call is given a running number."""
    durations: list[float] = []
    started = before = time.perf_counter()
    while before - started < seconds:
        await call(next(numbers))
        now = time.perf_counter()
        durations.append(now - before)
        before = now
    return OneAtATime(len(durations) / (before - started), statistics.median(durations) * 1e6)


async def in_flight(
    call: Callable[[int], Awaitable[object]], seconds: float, numbers: Iterator[int], *, tasks: int = 64
) -> float:
    """So many tasks, each awaiting its call before its next: calls per second."""
    done = 0
    started = time.perf_counter()

    async def work() -> None:
        nonlocal done
        while time.perf_counter() - started < seconds:
            await call(next(numbers))
            done += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(tasks):
            group.create_task(work())
    return done / (time.perf_counter() - started)


async def so_many(
    call: Callable[[int], Awaitable[object]], calls: int, numbers: Iterator[int], *, tasks: int = 64
) -> float:
    """As `in_flight` does it, but a number of calls rather than for a time: the seconds that they took."""
    remaining = iter(range(calls))
    started = time.perf_counter()

    async def work() -> None:
        for _ in remaining:
            await call(next(numbers))

    async with asyncio.TaskGroup() as group:
        for _ in range(tasks):
            group.create_task(work())
    return time.perf_counter() - started


async def blocking(call: Callable[[int], int], seconds: float, numbers: Iterator[int]) -> float:
    """One caller of something that blocks; the call tells how many events it was. Events per second."""
    return await asyncio.to_thread(_blocking, call, seconds, numbers)


def _blocking(call: Callable[[int], int], seconds: float, numbers: Iterator[int]) -> float:
    events = 0
    started = now = time.perf_counter()
    while now - started < seconds:
        events += call(next(numbers))
        now = time.perf_counter()
    return events / (now - started)


async def in_threads(calls: Sequence[Callable[[int], int]], seconds: float, numbers: Iterator[int]) -> float:
    """One thread per call, each repeating its own: events per second over all of them."""
    return await asyncio.to_thread(_in_threads, calls, seconds, numbers)


def _in_threads(calls: Sequence[Callable[[int], int]], seconds: float, numbers: Iterator[int]) -> float:
    done = [0] * len(calls)
    failures: list[BaseException] = []
    started = time.perf_counter()

    def work(index: int) -> None:
        try:
            while time.perf_counter() - started < seconds:
                done[index] += calls[index](next(numbers))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sum(done) / (time.perf_counter() - started)
