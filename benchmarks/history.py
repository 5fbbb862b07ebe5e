"""Logs with a long history, made quickly: it begins with real appends, and those repeat themselves."""

import sqlite3
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from shutil import copyfile

from benchmarks import timing
from benchmarks.ours import Appender, embedded, opened
from benchmarks.sql import load

_SQL = load(Path(__file__).with_suffix(".sql"))


async def histories(folder: Path, lengths: Sequence[int]) -> list[Path]:
    """Databases with so many events in their logs, over all event sources; the lengths are ascending."""
    paths = [folder / f"history-{length}.db" for length in lengths]
    await _begin(paths[0], lengths[0])
    for (before, known), (path, length) in zip(
        zip(paths, lengths, strict=True), zip(paths[1:], lengths[1:], strict=True), strict=False
    ):
        copyfile(before, path)
        _repeat(path, lengths[0], known, length)
    return paths


async def _begin(path: Path, length: int) -> None:
    async with opened(embedded(path)) as store:
        await timing.so_many(Appender(store).one, length, count())


def _repeat(path: Path, start: int, known: int, length: int) -> None:
    """Repeats the first `start` events of a log that has `known` until there are `length`."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.executescript(_SQL["fast"])
        (log,) = connection.execute(_SQL["log"]).fetchone()
        connection.execute("BEGIN")
        for first in range(known, length, start):
            parameters = {"log": log, "by": first, "count": min(start, length - first)}
            connection.execute(_SQL["repeat"], parameters)
        connection.execute("COMMIT")
    finally:
        connection.close()
