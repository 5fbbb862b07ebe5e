"""How SQLite goes about our statements: without statistics it prefers the key to an index that is better."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from chronicle.kernel.storage import queries, schema


class AnyParameters(dict[str, object]):
    """Null for whatever a statement asks for."""

    def __missing__(self, name: str) -> object:
        return None


def plan(statement: str) -> list[str]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(connection, 0)
    parameters = (None,) * statement.count("?") or AnyParameters()
    rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
    connection.close()
    return [detail for *_, detail in rows]


def statements() -> Iterator[tuple[str, str, str]]:
    for path in sorted((Path(queries.__file__).parent / "sql").glob("*.sql")):
        for name, statement in queries.load(path.stem).items():
            lines = [line for line in statement.splitlines() if not line.startswith("--")]
            if lines[0].startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
                yield path.stem, name, statement


OF_A_SOURCE = [
    pytest.param(statement, id=f"{file}-{name}")
    for file, name, statement in statements()
    if " events" in statement and "event_source_id = " in statement and "INSERT INTO" not in statement
]


@pytest.mark.parametrize("statement", OF_A_SOURCE)
def test_events_of_a_source_are_found_by_the_index_of_sources(statement: str) -> None:
    assert any(
        "events_by_source (event_sequence_id=? AND event_source_id=?" in step for step in plan(statement)
    )


def test_no_statement_goes_through_a_table_that_grows() -> None:
    growing = ("events", "event_generations", "event_revisions", "unique_values", "identities")
    going_through = [
        (file, name)
        for file, name, statement in statements()
        for step in plan(statement)
        if step.startswith("SCAN ") and step.split()[1] in growing
    ]
    assert going_through == []


def test_identities_are_found_by_an_index() -> None:
    found = queries.load("identities")
    for name, index in (("by_subject", "subject"), ("by_user_name", "user_name")):
        assert f"identities_by_{index} (namespace_id=? AND {index}" in " ".join(plan(found[name]))
