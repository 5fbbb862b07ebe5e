"""The limit on disk: an event table by hand, as durable as ours (WAL, FULL), a transaction per call.

Correlation ids are in time order, like Chronicle's: random ones would halve the batches.
"""

import sqlite3
import time
from collections.abc import Iterator
from os import urandom
from pathlib import Path

from benchmarks.sql import load
from benchmarks.workload import Order, event_source, order

_SQL = load(Path(__file__).with_suffix(".sql"))

Row = tuple[int, str, str, int, int, bytes, str]


class RawSqlite:
    """One connection, used from one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.executescript(_SQL["durable"])
        self._connection.executescript(_SQL["schema"])
        self._last = 0

    def append(self, number: int) -> int:
        """One event in a transaction of its own; the number of events appended."""
        self.append_order(order(number))
        return 1

    def append_order(self, content: Order) -> int:
        """The given order in a transaction of its own; its sequence number."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute(_SQL["insert"], self._row(content))
        self._connection.execute("COMMIT")
        return self._last

    def append_hundred(self, number: int) -> int:
        """A hundred events in one transaction; the number of events appended."""
        rows = [self._row(order(number * 100 + index)) for index in range(100)]
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(_SQL["insert"], rows)
        self._connection.execute("COMMIT")
        return 100

    def read(self) -> Iterator[Order]:
        """All events in order, in pages of 100, as typed objects."""
        last = -1
        while rows := self._connection.execute(_SQL["page"], (last,)).fetchall():
            for row in rows:
                yield Order.model_validate_json(row[6])
            last = rows[-1][0]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _row(self, content: Order) -> Row:
        self._last += 1
        now = time.time_ns()
        correlation = (now // 1_000_000).to_bytes(6) + urandom(10)
        source = event_source(self._last)
        return self._last, source, "order-placed", 1, now // 1_000, correlation, content.model_dump_json()
