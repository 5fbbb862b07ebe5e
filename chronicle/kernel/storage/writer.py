"""The one thread that writes.

Everything that waits is taken together, run in the order it came, committed once, and only then answered: one
fsync for a group of jobs, and nothing acknowledged that a crash can lose.
"""

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

_log = logging.getLogger(__name__)

# Bounds the time that the first job of a group waits for the last one.
MOST_JOBS_IN_A_GROUP: Final = 256

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]
"""A function of a connection, run on a thread that owns it."""


class _Waiting(NamedTuple):
    job: Callable[[sqlite3.Connection], Any]
    settle: Callable[[Any, Exception | None], None]
    is_alone: bool = False


class _Answer(NamedTuple):
    settle: Callable[[Any, Exception | None], None]
    result: Any
    error: Exception | None


class Writer:
    """Runs write jobs on a thread of its own, which owns the connection from now on.

    A job that raises takes the others of its group back with it; they all run again, each in a transaction
    of its own. So a job must be re-runnable: it keeps no state outside the database before it was answered.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        # None asks the thread to end; whatever was put before it is done first.
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="chronicle-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Job[T], settle: Callable[[T | None, Exception | None], None]) -> None:
        """Puts a job in the queue.

        `settle` is called on the event loop: with the result once what the job wrote is on the disk, or with
        its error.
        """
        self._queue.put(_Waiting(job, settle))

    def submit_alone(self, job: Job[T], settle: Callable[[T | None, Exception | None], None]) -> None:
        """As `submit`, for what cannot be part of a transaction: the job runs outside of any."""
        self._queue.put(_Waiting(job, settle, is_alone=True))

    async def close(self) -> None:
        """Finishes what is queued and closes the connection."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        is_open = True
        while is_open:
            group, alone, is_open = self._take_group()
            if group:
                self._answer(self._run_group(group))
            if alone is not None:
                self._answer([self._run_alone(alone)])
        self._connection.close()

    def _take_group(self) -> tuple[list[_Waiting], _Waiting | None, bool]:
        """What goes into the next transaction, what comes after it, and whether there may be more."""
        group: list[_Waiting] = []
        waiting = self._queue.get()
        try:
            while waiting is not None:
                if waiting.is_alone:
                    return group, waiting, True
                group.append(waiting)
                if len(group) == MOST_JOBS_IN_A_GROUP:
                    break
                waiting = self._queue.get_nowait()
        except queue.Empty:
            return group, None, True
        return group, None, waiting is not None

    def _run_alone(self, waiting: _Waiting) -> _Answer:
        try:
            return _Answer(waiting.settle, waiting.job(self._connection), None)
        except Exception as error:
            return _Answer(waiting.settle, None, error)

    def _run_group(self, group: list[_Waiting]) -> list[_Answer]:
        try:
            results = self._in_transaction([waiting.job for waiting in group])
        except Exception as error:
            if len(group) == 1:
                return [_Answer(group[0].settle, None, error)]
            _log.debug("a group of %d write jobs is run again one by one: %s", len(group), error)
            return [answer for waiting in group for answer in self._run_group([waiting])]
        return [_Answer(waiting.settle, result, None) for waiting, result in zip(group, results, strict=True)]

    def _in_transaction(self, jobs: list[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            results = [job(connection) for job in jobs]
            connection.execute("COMMIT")
        except BaseException:
            # A full disk may have ended the transaction already.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return results

    def _answer(self, answers: list[_Answer]) -> None:
        try:
            self._loop.call_soon_threadsafe(_settle, answers)
        except RuntimeError:
            # The loop was closed over our head: what was written is safe, nobody is left to be told.
            _log.warning("%d write jobs ended after their event loop was closed", len(answers))


def _settle(answers: list[_Answer]) -> None:
    for settle, result, error in answers:
        settle(result, error)
