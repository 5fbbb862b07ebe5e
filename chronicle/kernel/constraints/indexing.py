"""Indexing: the values of events that are older than a constraint (events.md 7.5).

It goes through the events of all sequences, a range at a time, while appends go on. From before it begins
they index their own events under the new constraint too, so it ends where each sequence ended then.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, NamedTuple, TypeAlias

from chronicle.kernel.constraints.claims import look_up
from chronicle.kernel.constraints.ledger import Ledger
from chronicle.kernel.constraints.rules import Rules, claims_of
from chronicle.kernel.schemas import content_of
from chronicle.kernel.storage import events
from chronicle.kernel.storage.constraints import SequenceToIndex
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.events import EventFilter, StoredEvent

Release: TypeAlias = Callable[[str, Sequence[StoredEvent]], Awaitable[Sequence[str] | None]]
"""Gives the contents of events of a namespace, given by name, in the clear, with what was erased empty.

`None` when all are as they are stored.
"""

# Some ten milliseconds of the writer's time.
RANGE: Final = 2_000


async def nothing_to_release(namespace: str, found: Sequence[StoredEvent]) -> None:
    """For where nothing is encrypted."""


class _Readable(NamedTuple):
    """An event and its content in the clear."""

    event: StoredEvent
    content: str


async def index(
    database: Database, sequences: Sequence[SequenceToIndex], rules: Rules, release: Release
) -> None:
    """Indexes the events of these sequences, up to and including their tails."""
    if not rules:
        return
    narrowing = EventFilter(event_types=tuple(rules))
    for sequence in sequences:
        for first in range(0, sequence.tail + 1, RANGE):
            found = await database.read(
                partial(
                    events.read,
                    sequence=sequence.id,
                    narrowing=narrowing,
                    first=first,
                    last=min(first + RANGE - 1, sequence.tail),
                )
            )
            if found:
                contents = await release(sequence.namespace, found) or [event.content for event in found]
                readable = list(map(_Readable, found, contents))
                await database.write(partial(_index, sequence=sequence.id, rules=rules, readable=readable))


def _index(
    connection: sqlite3.Connection, sequence: int, rules: Rules, readable: Sequence[_Readable]
) -> None:
    ledger = Ledger(connection, sequence)
    claims = [(event, claims_of(rules, event, content_of(content))) for event, content in readable]
    look_up(ledger, [claim for _, of_event in claims for claim in of_event])
    for event, of_event in claims:
        for claim in of_event:
            claim.apply_again(ledger, event.number)
    ledger.holders.write()
