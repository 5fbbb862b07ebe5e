"""The database: one file, one writer, readers beside it.

The file is in WAL mode with `synchronous=FULL`: readers never wait for the writer, and a commit is on the
disk before it is answered. In memory the same code runs on one connection, which the writer's thread owns.
"""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, Self, TypeVar
from weakref import WeakValueDictionary

from filelock import FileLock, Timeout

from chronicle.errors import DatabaseInUseError, NotRunningError, StorageError
from chronicle.kernel.storage import schema
from chronicle.kernel.storage.writer import Job, Writer

T = TypeVar("T")

# A reader waits for disk and the GIL in turns; more of them only wait for each other.
READERS: Final = 2

_EMPTY_LOG: Final = "PRAGMA wal_checkpoint(TRUNCATE)"

# The files of this process, for the words of a refusal; it is the lock that refuses.
_held: Final[WeakValueDictionary[Path, FileLock]] = WeakValueDictionary()

_OPEN_HERE: Final = (
    "{} is open in this process already, by another client or kernel. One at a time may use a database file: "
    "share the client, which opens as many event stores as are asked for, or close it first."
)
_OPEN_ELSEWHERE: Final = (
    "{} is open in another process. One process at a time may use a database file: stop the other one, or "
    "run `chronicle serve --file` and let both connect to it."
)


class Database:
    """Runs jobs on the database: `write` on the one writer thread, `read` on the readers'.

    A job is a function of a connection; it runs in a transaction, and its result comes back to the event
    loop.
    """

    def __init__(self, path: Path | None, writer: Writer, lock: FileLock | None) -> None:
        self._path = path
        self._writer = writer
        self._lock = lock
        self._readers = None if path is None else _Readers(path)
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, path: Path | None) -> Self:
        """Opens the file, or a database in memory for `None`, and brings it to the schema of this version.

        Raises `DatabaseInUseError`, `NotAChronicleDatabaseError`, `NewerDatabaseError`, or `StorageError`
        when the file cannot be opened at all.
        """
        lock = None if path is None else _lock(path)
        opening = asyncio.create_task(asyncio.to_thread(_open, path))
        try:
            connection = await asyncio.shield(opening)
        except BaseException:
            # When we are cancelled the thread goes on: it must not be at the file beside its next owner.
            await asyncio.wait((opening,))
            if opening.exception() is None:
                opening.result().close()
            if lock:
                lock.release()
            raise
        return cls(path, Writer(connection), lock)

    @property
    def path(self) -> Path | None:
        """The file; `None` in memory."""
        return self._path

    def write(self, job: Job[T]) -> asyncio.Future[T]:
        """Runs a job with others that wait, in one transaction; the future is done once it is on the disk.

        The job may run twice and must not keep state of its own before it is answered (see `Writer`).
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.write_then(job, partial(_settle, future))
        return future

    def write_then(self, job: Job[T], settle: Callable[[T | None, Exception | None], None]) -> None:
        """As `write`, but calls `settle` with the result or the error: a turn of the event loop less."""
        self._check_open()
        self._writer.submit(job, settle)

    async def read(self, job: Job[T]) -> T:
        """Runs a job that only reads; it sees everything that was committed before the call."""
        self._check_open()
        if self._readers is None:
            return await self.write(job)
        return await self._readers.run(job)

    async def forget_what_was_overwritten(self) -> None:
        """Returns when the files hold nothing any more of what was deleted or changed before the call.

        SQLite keeps former versions of pages in its log until it is emptied, for which nobody may read; who
        comes to read meanwhile waits. Raises `StorageError` when the log cannot be emptied.
        """
        self._check_open()
        if self._readers is None:
            return
        async with self._readers.paused():
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._writer.submit_alone(_empty_log, partial(_settle, future))
            await future

    async def close(self) -> None:
        """Finishes what is queued, closes all connections and gives the file free.

        That goes on when the caller is cancelled; a second call waits for the first one's end.
        """
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="chronicle-database-close")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        if self._readers is not None:
            await self._readers.close()
        await self._writer.close()
        if self._lock is not None:
            self._lock.release()

    def _check_open(self) -> None:
        if self._closing is not None:
            raise _closed()


def _closed() -> NotRunningError:
    return NotRunningError("The embedded kernel is closed. Open a new client to go on.")


def _settle(future: asyncio.Future[T], result: T, error: Exception | None) -> None:
    # Whoever waited may have been cancelled meanwhile; what was written stays written.
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


class _Readers:
    """A few threads, each with a read-only connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="chronicle-reader")
        self._pausing = asyncio.Lock()
        self._is_closed = False

    async def run(self, job: Job[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, job)

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """A block in which nobody reads."""
        loop = asyncio.get_running_loop()
        end = threading.Event()

        def hold(is_held: asyncio.Event) -> None:
            loop.call_soon_threadsafe(is_held.set)
            end.wait()

        # Two at a time would each hold some of the threads, and wait for the rest.
        async with self._pausing:
            if self._is_closed:
                raise _closed()
            all_held = [asyncio.Event() for _ in range(READERS)]
            try:
                for is_held in all_held:
                    self._threads.submit(hold, is_held)
                for is_held in all_held:
                    await is_held.wait()
                yield
            finally:
                end.set()

    async def close(self) -> None:
        self._is_closed = True
        await asyncio.to_thread(self._threads.shutdown)
        for connection in self._connections:
            connection.close()

    def _run(self, job: Job[T]) -> T:
        return job(self._connection())

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = _connect(self._path)
            connection.execute("PRAGMA query_only = ON")
            self._local.connection = connection
            self._connections.append(connection)
        return connection


def _lock(path: Path) -> FileLock:
    """Holds the file for this process; the system gives it free when the process dies, however it does."""
    if not path.parent.is_dir():
        raise StorageError(f"{path} cannot be opened: its folder does not exist. Make the folder first.")
    # Not of one thread: whoever asks for the same file may do so in another event loop's.
    lock = FileLock(path.with_name(path.name + ".lock"), thread_local=False)
    real = path.resolve()
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        ours = _held.get(real)
        raise DatabaseInUseError(
            _OPEN_HERE.format(path) if ours is not None and ours.is_locked else _OPEN_ELSEWHERE.format(path)
        ) from error
    except OSError as error:
        raise StorageError(
            f"{path} cannot be opened: {error.strerror}. May we write in its folder?"
        ) from error
    _held[real] = lock
    return lock


def _open(path: Path | None) -> sqlite3.Connection:
    try:
        connection = _connect(path)
    except sqlite3.OperationalError as error:
        raise StorageError(f"{path} cannot be opened: {error}.") from error
    try:
        version = schema.check_is_ours(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        # What is redacted must not stay in the free space of pages. It has to be on from the first write:
        # pages that were split without it keep copies of rows in places that nothing overwrites any more.
        connection.execute("PRAGMA secure_delete = ON")
        schema.migrate(connection, version)
        # A process that died may have left what it had deleted in the log. Who reads the file from outside
        # may keep it there for now, but does not keep us from starting.
        connection.execute(_EMPTY_LOG)
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _empty_log(connection: sqlite3.Connection) -> None:
    is_busy, _, _ = connection.execute(_EMPTY_LOG).fetchone()
    if is_busy:
        raise StorageError("The database's log could not be emptied: somebody reads the file. Try again.")


def _connect(path: Path | None) -> sqlite3.Connection:
    # Autocommit: transactions begin and end where we say. The connection is handed to one thread and stays
    # there.
    return sqlite3.connect(
        ":memory:" if path is None else path,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
