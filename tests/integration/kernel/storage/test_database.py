"""The database: one writer with group commit, readers beside it, a file that is ours or is left alone."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from chronicle.errors import (
    DatabaseInUseError,
    NewerDatabaseError,
    NotAChronicleDatabaseError,
    NotRunningError,
    StorageError,
)
from chronicle.kernel.storage import schema
from chronicle.kernel.storage.database import Database

Job = Callable[[sqlite3.Connection], object]


@pytest.fixture(params=["file", "memory"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "test.db" if request.param == "file" else None)
    yield database
    await database.close()


def add_store(name: str) -> Job:
    return lambda connection: connection.execute("INSERT INTO event_stores (name) VALUES (?)", (name,))


def stores(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM event_stores ORDER BY id")]


async def test_what_was_written_is_read(database: Database) -> None:
    await database.write(add_store("bank"))
    assert await database.read(stores) == ["bank"]


async def test_writes_keep_their_order(database: Database) -> None:
    names = [f"store-{number}" for number in range(500)]
    await asyncio.gather(*(database.write(add_store(name)) for name in names))
    assert await database.read(stores) == names


async def test_writes_that_wait_together_share_a_commit(database: Database) -> None:
    statements: list[str] = []
    gate = threading.Event()

    def hold(connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(statements.append)
        gate.wait()

    held = database.write(hold)
    written = [database.write(add_store(f"store-{number}")) for number in range(50)]
    gate.set()
    await asyncio.gather(held, *written)
    assert statements.count("COMMIT") <= 2


async def test_a_write_that_fails_leaves_nothing_and_takes_no_other_with_it(database: Database) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        add_store("half")(connection)
        raise LookupError("no such thing")

    written = [database.write(job) for job in (add_store("one"), fail, add_store("two"))]
    with pytest.raises(LookupError):
        await written[1]
    await asyncio.gather(written[0], written[2])
    assert await database.read(stores) == ["one", "two"]


async def test_a_caller_that_left_does_not_stop_the_others(database: Database) -> None:
    written = [database.write(add_store(name)) for name in ("one", "two")]
    written[0].cancel()
    await written[1]
    assert await database.read(stores) == ["one", "two"]


async def test_closing_finishes_what_is_queued(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "test.db")
    written = [database.write(add_store(f"store-{number}")) for number in range(100)]
    await database.close()
    await asyncio.gather(*written)
    reopened = await Database.open(tmp_path / "test.db")
    assert len(await reopened.read(stores)) == 100
    await reopened.close()


async def test_closing_goes_on_when_its_caller_is_cancelled(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "test.db")
    gate = threading.Event()
    held = database.write(lambda connection: gate.wait())
    written = database.write(add_store("bank"))
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    gate.set()
    await asyncio.gather(held, written)
    await database.close()
    reopened = await Database.open(tmp_path / "test.db")
    assert await reopened.read(stores) == ["bank"]
    await reopened.close()


async def test_opening_that_is_cancelled_gives_the_file_free_once_nobody_is_at_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, go_on = threading.Event(), threading.Event()
    migrate = schema.migrate

    def migrate_slowly(connection: sqlite3.Connection, version: int) -> None:
        started.set()
        go_on.wait()
        migrate(connection, version)

    with monkeypatch.context() as slow:
        slow.setattr(schema, "migrate", migrate_slowly)
        opening = asyncio.create_task(Database.open(tmp_path / "test.db"))
        await asyncio.to_thread(started.wait)
        opening.cancel()
        await asyncio.sleep(0)
        with pytest.raises(DatabaseInUseError):
            await Database.open(tmp_path / "test.db")
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await opening
    await (await Database.open(tmp_path / "test.db")).close()


async def test_a_closed_database_says_so(database: Database) -> None:
    await database.close()
    await database.close()
    with pytest.raises(NotRunningError, match="closed"):
        await database.read(stores)
    with pytest.raises(NotRunningError, match="closed"):
        await database.write(add_store("late"))


async def test_a_file_is_durable_by_default(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "test.db")
    synchronous, journal = await database.write(
        lambda c: (
            c.execute("PRAGMA synchronous").fetchone()[0],
            c.execute("PRAGMA journal_mode").fetchone()[0],
        )
    )
    await database.close()
    assert (synchronous, journal) == (2, "wal")


async def test_readers_cannot_write(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "test.db")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await database.read(add_store("bank"))
    await database.close()


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader, this is no database at all, and it is long enough to be read as one." * 20)
    before = path.read_bytes()
    with pytest.raises(NotAChronicleDatabaseError, match="no SQLite database"):
        await Database.open(path)
    assert path.read_bytes() == before


async def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE songs (title TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(NotAChronicleDatabaseError, match="another application"):
        await Database.open(path)
    assert path.read_bytes() == before


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    await (await Database.open(path)).close()
    newer = len(schema.migrations()) + 1
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {newer}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(NewerDatabaseError, match=f"schema version {newer}"):
        await Database.open(path)
    assert path.read_bytes() == before


async def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"nowhere.*test\.db"):
        await Database.open(tmp_path / "nowhere" / "test.db")


async def test_a_second_process_is_told_that_the_file_is_in_use(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    database = await Database.open(path)
    script = (
        "import asyncio, pathlib, sys\n"
        "from chronicle.kernel.storage.database import Database\n"
        "from chronicle.errors import DatabaseInUseError\n"
        "try:\n"
        "    asyncio.run(Database.open(pathlib.Path(sys.argv[1])))\n"
        "except DatabaseInUseError as error:\n"
        "    print(error)\n"
    )
    second = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    assert "open in another process" in second.stdout
    await database.close()


async def test_a_file_can_be_opened_once_in_a_process(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "test.db")
    (tmp_path / "link").symlink_to(tmp_path)
    for path in (tmp_path / "test.db", tmp_path / "link" / "test.db"):
        with pytest.raises(DatabaseInUseError, match="open in this process already"):
            await Database.open(path)
    await database.close()
    await (await Database.open(tmp_path / "test.db")).close()


async def test_another_event_loop_of_the_same_process_is_told_so(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "test.db")
    with pytest.raises(DatabaseInUseError, match="open in this process already"):
        await asyncio.to_thread(lambda: asyncio.run(Database.open(tmp_path / "test.db")))
    await database.close()


def test_every_migration_has_the_next_number() -> None:
    folder = Path(schema.__file__).parent / "migrations"
    numbers = [int(path.name.partition("_")[0]) for path in sorted(folder.glob("*.sql"))]
    assert numbers == list(range(1, len(schema.migrations()) + 1))


def test_a_migration_that_fails_leaves_the_version_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    monkeypatch.setattr(
        schema, "migrations", lambda: ["CREATE TABLE a (b);", "CREATE TABLE c (d); CREATE TABLE a (b);"]
    )
    with pytest.raises(sqlite3.OperationalError):
        schema.migrate(connection, 0)
    connection.execute("ROLLBACK")
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 1
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 1
