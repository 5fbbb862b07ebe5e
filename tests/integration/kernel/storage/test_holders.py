"""Holders of unique values: looked up together, written together, each in its place."""

import hashlib
import sqlite3
from collections.abc import AsyncIterator

import pytest

from chronicle.kernel.storage import constraints
from chronicle.kernel.storage.constraints import Holder, Holders, Place
from chronicle.kernel.storage.database import Database

SEQUENCE, OTHER_SEQUENCE = 1, 2


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    database = await Database.open(None)
    await database.write(prepare)
    yield database
    await database.close()


def prepare(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO event_stores (id, name) VALUES (1, 'bank')")
    connection.execute("INSERT INTO namespaces (id, event_store_id, name) VALUES (1, 1, 'Default')")
    for sequence in (SEQUENCE, OTHER_SEQUENCE):
        row = (sequence, f"sequence-{sequence}")
        connection.execute("INSERT INTO event_sequences (id, namespace_id, name) VALUES (?, 1, ?)", row)
    assert constraints.add(connection, 1, [("email", "{}"), ("phone", "{}")]) == [1, 2]


def place(value: str, *, constraint: int = 1, scope: str = "") -> Place:
    return Place(constraint, scope, hashlib.sha256(value.encode()).digest())


PLACES = [place(f"value-{number}", constraint=1 + number % 2, scope=f"{number % 3}") for number in range(100)]


def hold_all(connection: sqlite3.Connection) -> None:
    holders = Holders(connection, SEQUENCE)
    for number, one in enumerate(PLACES):
        holders.set(one, Holder(f"source-{number}", number, number))
    holders.write()


async def test_many_are_found_at_once_each_by_its_place(database: Database) -> None:
    await database.write(hold_all)
    statements: list[str] = []

    def look(connection: sqlite3.Connection) -> list[Holder | None]:
        holders = Holders(connection, SEQUENCE)
        connection.set_trace_callback(statements.append)
        holders.look_up([*PLACES, place("unknown")])
        found = [holders.get(one) for one in [*PLACES, place("unknown")]]
        connection.set_trace_callback(None)
        return found

    expected = [Holder(f"source-{number}", number, number) for number in range(100)]
    assert await database.write(look) == [*expected, None]
    # One for each constraint and scope, however many values.
    assert sum("unique_values" in statement for statement in statements) == 7


async def test_a_place_has_all_its_parts(database: Database) -> None:
    def hold_and_look(connection: sqlite3.Connection) -> list[Holder | None]:
        holders = Holders(connection, SEQUENCE)
        holders.set(place("a@b.c"), Holder("alice", 3, 3))
        holders.write()
        again, elsewhere = Holders(connection, SEQUENCE), Holders(connection, OTHER_SEQUENCE)
        return [
            again.get(place("a@b.c")),
            again.get(place("a@b.d")),
            again.get(place("a@b.c", constraint=2)),
            again.get(place("a@b.c", scope="est:Person")),
            elsewhere.get(place("a@b.c")),
        ]

    assert await database.write(hold_and_look) == [Holder("alice", 3, 3), None, None, None, None]


async def test_what_is_set_is_known_at_once_and_stored_when_it_is_written(database: Database) -> None:
    await database.write(hold_all)
    taken = Holder("bob", 100, 100)

    def take(connection: sqlite3.Connection, *, writes: bool) -> Holder | None:
        holders = Holders(connection, SEQUENCE)
        holders.set(PLACES[0], taken)
        if writes:
            holders.write()
        return holders.get(PLACES[0])

    def stored(connection: sqlite3.Connection) -> Holder | None:
        return Holders(connection, SEQUENCE).get(PLACES[0])

    assert await database.write(lambda connection: take(connection, writes=False)) == taken
    assert await database.read(stored) == Holder("source-0", 0, 0)
    assert await database.write(lambda connection: take(connection, writes=True)) == taken
    assert await database.read(stored) == taken
