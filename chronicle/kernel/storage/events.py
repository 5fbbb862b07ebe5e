"""Events and their sequences in the database. Every function runs inside a job (see `database`)."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from chronicle.kernel.storage.queries import load

_QUERIES: Final = load("events")

# SQLite's integers are signed; no sequence ever comes near.
_LAST_NUMBER: Final = 2**63 - 1


class StoredEvent(NamedTuple):
    """An event in the forms that storage keeps; the fields are the columns, in their order."""

    number: int
    event_source_id: str
    event_source_type: str
    event_stream_type: str
    event_stream_id: str
    event_type: str
    generation: int
    occurred: int
    """Ticks, see `chronicle.values`."""
    correlation_id: bytes
    """`UUID.bytes`."""
    causation: bytes
    """The chain in the wire's own encoding, see `services.events`."""
    caused_by: str
    """JSON array of identity ids."""
    tags: str | None
    """JSON array of texts."""
    subject: str | None
    content: str
    """JSON object, as it arrived."""
    hash: str


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What narrows a read or a tail; nothing given is everything (events.md 9)."""

    event_source_id: str | None = None
    event_source_type: str | None = None
    event_stream_type: str | None = None
    event_stream_id: str | None = None
    event_types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def parameters(self) -> dict[str, str | None]:
        """The filter as the queries' named parameters."""
        return {
            "event_source_id": self.event_source_id,
            "event_source_type": self.event_source_type,
            "event_stream_type": self.event_stream_type,
            "event_stream_id": self.event_stream_id,
            "event_types": json.dumps(self.event_types) if self.event_types else None,
            "tags": json.dumps(self.tags) if self.tags else None,
        }


EVERYTHING: Final = EventFilter()


def find_sequence(connection: sqlite3.Connection, namespace_id: int, name: str) -> int | None:
    """The row id of a sequence, if it was used before."""
    row = connection.execute(_QUERIES["sequence_id"], {"namespace_id": namespace_id, "name": name}).fetchone()
    return None if row is None else int(row[0])


def ensure_sequence(connection: sqlite3.Connection, namespace_id: int, name: str) -> int:
    """The row id of a sequence, which is made if it does not exist."""
    known = find_sequence(connection, namespace_id, name)
    if known is not None:
        return known
    cursor = connection.execute(_QUERIES["add_sequence"], {"namespace_id": namespace_id, "name": name})
    return int(cursor.lastrowid or 0)


def sequence_names(connection: sqlite3.Connection, namespace_id: int) -> list[str]:
    """The names of the sequences that were used."""
    return [
        name for (name,) in connection.execute(_QUERIES["sequence_names"], {"namespace_id": namespace_id})
    ]


def insert(connection: sqlite3.Connection, sequence: int, events: Iterable[StoredEvent]) -> None:
    """Stores events under the numbers that they have."""
    connection.executemany(_QUERIES["insert"], [(sequence, *event) for event in events])


def tail(
    connection: sqlite3.Connection, sequence: int, narrowing: EventFilter = EVERYTHING, *, after: int = -1
) -> int | None:
    """The highest number beyond `after` that matches, `None` when nothing does. Tags do not narrow a tail."""
    if narrowing == EVERYTHING:
        row = connection.execute(_QUERIES["tail"], {"sequence": sequence}).fetchone()
        return None if row[0] is None or row[0] <= after else int(row[0])
    query = "tail_filtered" if narrowing.event_source_id is None else "tail_of_source"
    row = connection.execute(
        _QUERIES[query], {"sequence": sequence, "after": min(after, _LAST_NUMBER), **narrowing.parameters()}
    ).fetchone()
    return None if row is None else int(row[0])


def has_events_of_source(connection: sqlite3.Connection, sequence: int, event_source_id: str) -> bool:
    """Whether the source has any event, redacted ones included."""
    row = connection.execute(
        _QUERIES["has_events_of_source"], {"sequence": sequence, "event_source_id": event_source_id}
    ).fetchone()
    return bool(row[0])


def read(
    connection: sqlite3.Connection,
    sequence: int,
    narrowing: EventFilter = EVERYTHING,
    *,
    first: int = 0,
    last: int | None = None,
    limit: int = -1,
) -> Sequence[StoredEvent]:
    """Events in the order of their numbers, `first` and `last` included; a negative limit is none."""
    query = "read" if narrowing.event_source_id is None else "read_source"
    rows = connection.execute(
        _QUERIES[query],
        {
            "sequence": sequence,
            "first": first,
            "last": _LAST_NUMBER if last is None else min(last, _LAST_NUMBER),
            "limit": limit,
            **narrowing.parameters(),
        },
    )
    return [StoredEvent._make(row) for row in rows]
