"""What was overwritten in the database is forgotten by its files on demand."""

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from chronicle.errors import NotRunningError, StorageError
from chronicle.kernel.storage.database import Database

Job = Callable[[sqlite3.Connection], object]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "test.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    database = await Database.open(path)
    yield database
    await database.close()


def run(sql: str) -> Job:
    return lambda connection: connection.execute(sql).fetchall()


def files(path: Path) -> bytes:
    return b"".join(one.read_bytes() for one in sorted(path.parent.iterdir()) if one.is_file())


def as_left_by_a_kill(path: Path) -> Path:
    """A copy of the database and its log, in a folder of its own."""
    folder = path.parent / "left"
    folder.mkdir()
    for one in path.parent.glob(f"{path.name}*"):
        if one.suffix != ".lock":
            shutil.copy(one, folder)
    return folder / path.name


async def test_a_former_value_is_in_the_files_until_it_is_forgotten(database: Database, path: Path) -> None:
    await database.write(run("INSERT INTO event_stores (name) VALUES ('former-value')"))
    await database.write(run("UPDATE event_stores SET name = 'present-value'"))
    assert b"former-value" in files(path)
    await database.forget_what_was_overwritten()
    assert b"former-value" not in files(path)
    assert b"present-value" in files(path)


async def test_what_a_process_that_died_had_deleted_is_forgotten_with_the_next_start(
    database: Database, path: Path
) -> None:
    await database.write(run("INSERT INTO event_stores (name) VALUES ('former-value')"))
    await database.write(run("DELETE FROM event_stores"))
    left = as_left_by_a_kill(path)
    assert b"former-value" in files(left)
    reopened = await Database.open(left)
    assert b"former-value" not in files(left)
    await reopened.close()


async def test_reads_go_on_before_and_after_and_so_do_writes(database: Database, path: Path) -> None:
    async def write(number: int) -> None:
        await database.write(run(f"INSERT INTO event_stores (name) VALUES ('store-{number}')"))
        await database.forget_what_was_overwritten()

    async def read() -> object:
        return await database.read(run("SELECT count(*) FROM event_stores"))

    writing = [asyncio.create_task(write(number)) for number in range(20)]
    reading = [asyncio.create_task(read()) for _ in range(100)]
    await asyncio.gather(*writing, *reading)
    assert await read() == [(20,)]


async def test_it_waits_for_who_reads_and_who_comes_to_read_waits_for_it(database: Database) -> None:
    started, go_on = threading.Event(), threading.Event()

    def read_slowly(connection: sqlite3.Connection) -> None:
        cursor = connection.execute("SELECT 1 FROM sqlite_master")
        cursor.fetchone()
        started.set()
        go_on.wait()
        cursor.close()

    reading = asyncio.create_task(database.read(read_slowly))
    await asyncio.to_thread(started.wait)
    forgetting = asyncio.create_task(database.forget_what_was_overwritten())
    await asyncio.sleep(0)
    later = asyncio.create_task(database.read(run("SELECT 1")))
    await database.write(run("INSERT INTO event_stores (name) VALUES ('meanwhile')"))
    assert not forgetting.done()
    go_on.set()
    await asyncio.gather(reading, forgetting, later)


async def test_who_gives_up_waiting_lets_the_readers_go(database: Database) -> None:
    for turns in range(8):
        forgetting = asyncio.create_task(database.forget_what_was_overwritten())
        for _ in range(turns):
            await asyncio.sleep(0)
        forgetting.cancel()
        await asyncio.gather(forgetting, return_exceptions=True)
    assert await database.read(run("SELECT 1")) == [(1,)]
    await database.forget_what_was_overwritten()


async def test_a_log_that_somebody_else_reads_cannot_be_emptied(database: Database, path: Path) -> None:
    await database.write(run("PRAGMA busy_timeout = 0"))
    await database.write(run("INSERT INTO event_stores (name) VALUES ('one')"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT * FROM event_stores").fetchall()
    await database.write(run("INSERT INTO event_stores (name) VALUES ('two')"))
    with pytest.raises(StorageError, match="could not be emptied"):
        await database.forget_what_was_overwritten()
    other.close()
    await database.forget_what_was_overwritten()


async def test_in_memory_there_are_no_files() -> None:
    database = await Database.open(None)
    await database.forget_what_was_overwritten()
    await database.close()
    with pytest.raises(NotRunningError):
        await database.forget_what_was_overwritten()
