"""Events and their sequences in the database. Every function runs inside a job (see `database`)."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, NamedTuple, Self

from chronicle.kernel.storage import generations, revisions
from chronicle.kernel.storage.generations import GenerationContent
from chronicle.kernel.storage.queries import load
from chronicle.kernel.storage.revisions import Revision

_QUERIES: Final = load("events")

# Each has as many parameters as the table has columns, of which a statement may have tens of thousands.
_MOST_ROWS_AT_ONCE: Final = 64

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


class GenerationalEvent(StoredEvent):
    """An event that is stored in several generations.

    What it says itself is the one it was appended in, when it has just been appended, and the highest one
    when it was read.
    """

    others: tuple[GenerationContent, ...] = ()
    """Its content in all other generations."""

    @classmethod
    def of(cls, event: StoredEvent, others: tuple[GenerationContent, ...]) -> Self:
        """The event with its content in other generations."""
        made = cls(*event)
        made.others = others
        return made

    def _replace(self, **changes: Any) -> Self:
        return self.of(super()._replace(**changes), self.others)

    def in_highest(self) -> Self:
        """The same event as it is read."""
        highest = max(self.others)
        if highest.generation < self.generation:
            return self
        lower = GenerationContent(self.generation, self.content, self.hash)
        others = (*(other for other in self.others if other is not highest), lower)
        return self.of(super()._replace(**highest._asdict()), others)


class RevisedEvent(GenerationalEvent):
    """An event that was revised: content, generation and hash are those of its latest revision.

    What it was before is among the `others`, also when a revision has the same generation.
    """

    revisions: tuple[Revision, ...] = ()
    """Oldest first."""

    @classmethod
    def revised(cls, event: StoredEvent, revisions: tuple[Revision, ...]) -> Self:
        """The event as it is read after these revisions."""
        others = event.others if isinstance(event, GenerationalEvent) else ()
        own = GenerationContent(event.generation, event.content, event.hash)
        latest = revisions[-1]
        row = StoredEvent(*event)._replace(
            generation=latest.generation, content=latest.content, hash=latest.hash
        )
        made = cls.of(row, (*others, own))
        made.revisions = revisions
        return made

    @property
    def original_content(self) -> str:
        """The content in the first generation that is stored, before any revision."""
        return min(self.others).content

    def _replace(self, **changes: Any) -> Self:
        made = super()._replace(**changes)
        made.revisions = self.revisions
        return made


_generation: Final = itemgetter(StoredEvent._fields.index("generation"))


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What narrows a read or a tail; nothing given is everything (events.md 9)."""

    event_source_id: str | None = None
    event_source_type: str | None = None
    event_stream_type: str | None = None
    event_stream_id: str | None = None
    event_types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def is_only_source(self) -> bool:
        """Whether it is the event source that narrows, and nothing else."""
        return self.event_source_id is not None and not (
            self.event_source_type
            or self.event_stream_type
            or self.event_stream_id
            or self.event_types
            or self.tags
        )

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


def insert(connection: sqlite3.Connection, sequence: int, events: Sequence[StoredEvent]) -> None:
    """Stores events under the numbers that they have, in all generations that they have."""
    if GenerationalEvent in map(type, events):
        events = [as_read(event) for event in events]
        others = [
            (event.number, other)
            for event in events
            if type(event) is GenerationalEvent
            for other in event.others
        ]
        generations.add(connection, sequence, others)
    for start in range(0, len(events), _MOST_ROWS_AT_ONCE):
        rows = events[start : start + _MOST_ROWS_AT_ONCE]
        connection.execute(_insert_rows(len(rows)), [value for event in rows for value in (sequence, *event)])


@lru_cache(_MOST_ROWS_AT_ONCE)
def _insert_rows(count: int) -> str:
    # One statement for all: each waits for the interpreter's lock, which a busy event loop is slow to give.
    statement = _QUERIES["insert"]
    row = statement[statement.rindex("(") :]
    return ", ".join([statement, *[row] * (count - 1)])


def tail(
    connection: sqlite3.Connection, sequence: int, narrowing: EventFilter = EVERYTHING, *, after: int = -1
) -> int | None:
    """The highest number beyond `after` that matches, `None` when nothing does. Tags do not narrow a tail."""
    if narrowing == EVERYTHING:
        row = connection.execute(_QUERIES["tail"], {"sequence": sequence}).fetchone()
        return None if row[0] is None or row[0] <= after else int(row[0])
    after = min(after, _LAST_NUMBER)
    if narrowing.is_only_source:
        source = (sequence, narrowing.event_source_id, after)
        row = connection.execute(_QUERIES["tail_of_whole_source"], source).fetchone()
    else:
        query = "tail_filtered" if narrowing.event_source_id is None else "tail_of_source"
        parameters = {"sequence": sequence, "after": after, **narrowing.parameters()}
        row = connection.execute(_QUERIES[query], parameters).fetchone()
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
    return complete(connection, sequence, [StoredEvent._make(row) for row in rows])


def complete(
    connection: sqlite3.Connection, sequence: int, events: Sequence[StoredEvent]
) -> Sequence[StoredEvent]:
    """Events as their rows say, with their other generations, in their latest revision."""
    events = with_generations(connection, sequence, events)
    if not revisions.are_there(connection, sequence):
        return events
    revised = revisions.of_events(connection, sequence, [event.number for event in events])
    return [
        RevisedEvent.revised(event, revised[event.number]) if event.number in revised else event
        for event in events
    ]


def with_generations(
    connection: sqlite3.Connection, sequence: int, events: Sequence[StoredEvent]
) -> Sequence[StoredEvent]:
    """Events as their rows say, with what is stored of them in other generations.

    Rows have the highest one, so that there is nothing to look for beside the first.
    """
    if max(map(_generation, events), default=1) <= 1:
        return events
    numbers = [event.number for event in events if event.generation > 1]
    others = generations.of_events(connection, sequence, numbers)
    return [
        GenerationalEvent.of(event, others[event.number]) if event.number in others else event
        for event in events
    ]


def as_read(event: StoredEvent) -> StoredEvent:
    """An event as it is read: in its highest generation, whichever it was appended in."""
    return event.in_highest() if type(event) is GenerationalEvent else event
