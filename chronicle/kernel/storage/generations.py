"""The generations in which events are stored beside the highest one, which stands in the table of events.

Every function runs inside a job (see `database`).
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from chronicle.kernel.storage.queries import load

_QUERIES: Final = load("generations")


class GenerationContent(NamedTuple):
    """An event's content in one generation."""

    generation: int
    content: str
    """JSON object, as it is stored."""
    hash: str
    """Empty when it was made after the event was appended."""


class PendingRewrite(NamedTuple):
    """An event type of which stored events lack a generation from this number on."""

    event_type: str
    next_number: int


def add(
    connection: sqlite3.Connection, sequence: int, contents: Iterable[tuple[int, GenerationContent]]
) -> None:
    """Stores contents of events, each with its event's number."""
    connection.executemany(_QUERIES["add"], [(sequence, number, *content) for number, content in contents])


def of_events(
    connection: sqlite3.Connection, sequence: int, numbers: Sequence[int]
) -> dict[int, tuple[GenerationContent, ...]]:
    """What is stored of these events beside their highest generation; those without more are left out."""
    found: dict[int, tuple[GenerationContent, ...]] = {}
    parameters = {"sequence": sequence, "numbers": json.dumps(numbers)}
    for number, *content in connection.execute(_QUERIES["of_events"], parameters):
        found[number] = (*found.get(number, ()), GenerationContent._make(content))
    return found


def remove(connection: sqlite3.Connection, sequence: int, number: int) -> None:
    """Removes what is stored of an event beside its highest generation, for example when it is redacted."""
    connection.execute(_QUERIES["remove"], (sequence, number))


def raise_to(connection: sqlite3.Connection, sequence: int, number: int, content: GenerationContent) -> None:
    """Puts a generation in the place of the highest one so far, which is kept beside it."""
    connection.execute(_QUERIES["keep_highest"], (sequence, number))
    connection.execute(
        _QUERIES["replace_highest"],
        {"sequence": sequence, "number": number, **content._asdict()},
    )


def mark_for_rewrite(connection: sqlite3.Connection, event_store_id: int, event_type: str) -> None:
    """Notes that all stored events of a type lack a generation."""
    connection.execute(_QUERIES["mark_for_rewrite"], (event_store_id, event_type))


def pending_rewrites(connection: sqlite3.Connection, event_store_id: int) -> list[PendingRewrite]:
    """What was noted, and how far it has come."""
    rows = connection.execute(_QUERIES["pending_rewrites"], (event_store_id,))
    return [PendingRewrite._make(row) for row in rows]


def event_stores_to_rewrite(connection: sqlite3.Connection) -> frozenset[int]:
    """The row ids of the event stores that something was noted for."""
    return frozenset(store for (store,) in connection.execute(_QUERIES["event_stores_to_rewrite"]))


def next_number(connection: sqlite3.Connection, event_store_id: int, event_type: str) -> int | None:
    """How far the rewriting of an event type has come; `None` when nothing is left to do."""
    row = connection.execute(_QUERIES["next_number"], (event_store_id, event_type)).fetchone()
    return None if row is None else int(row[0])


def move_rewrite(connection: sqlite3.Connection, event_store_id: int, pending: PendingRewrite) -> None:
    """Notes how far the rewriting of an event type has come."""
    connection.execute(_QUERIES["move_rewrite"], (pending.next_number, event_store_id, pending.event_type))


def end_rewrite(connection: sqlite3.Connection, event_store_id: int, event_type: str) -> None:
    """Notes that all stored events of a type have been looked at."""
    connection.execute(_QUERIES["end_rewrite"], (event_store_id, event_type))
