"""Changes of stored events, each a write job: what a request changes, and what has to be replayed for it.

A job that is run again, for a request that was done before, changes nothing and asks for no replay: so a
request may come again after a crash.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from chronicle.kernel.event_types.kernel_owned import EVENT_REVISED
from chronicle.kernel.redaction.contents import redacted
from chronicle.kernel.redaction.requests import RedactEvent, RedactEventSource, ReviseEvent
from chronicle.kernel.schemas import content_of, event_hash
from chronicle.kernel.storage import events, redaction, revisions
from chronicle.kernel.storage.events import StoredEvent
from chronicle.kernel.storage.redaction import Place, ReplayRequest
from chronicle.kernel.storage.revisions import Revision
from chronicle.values import EVENT_REDACTED, SYSTEM_SEQUENCE

# What a job changes at most: some ten milliseconds, in which appends wait.
MOST_CHANGED: Final = 200

# SQLite's integers are signed; no sequence ever comes near.
_LAST_NUMBER: Final = 2**63 - 1


class Change(NamedTuple):
    """What a job has done."""

    changed: int = 0
    """How many events are other than before."""
    replays: Sequence[ReplayRequest] = ()
    refusal: str = ""
    """Why nothing was done, and never will be."""


def redact_event(
    connection: sqlite3.Connection, place: Place, event: StoredEvent, request: RedactEvent
) -> Change:
    """Redacts one event; `event` is the one that carries the request."""
    sequence = events.find_sequence(connection, place.namespace_id, place.event_sequence)
    found = _find(connection, sequence, request.sequence_number)
    if sequence is None or found is None:
        return Change(refusal=f"there is no event {request.sequence_number}")
    if found.event_type == EVENT_REDACTED:
        return Change()
    return _redact(connection, place, sequence, [found], event, request.reason)


def redact_source(
    connection: sqlite3.Connection, place: Place, event: StoredEvent, request: RedactEventSource
) -> Change:
    """Redacts the next events of a source, `MOST_CHANGED` of them if there are as many."""
    sequence = events.find_sequence(connection, place.namespace_id, place.event_sequence)
    if sequence is None:
        return Change()
    found = redaction.events_of_source(
        connection,
        sequence,
        request.event_source_id,
        event_types=[event_type.id for event_type in request.event_types],
        except_type=EVENT_REDACTED,
        limit=MOST_CHANGED,
    )
    return _redact(connection, place, sequence, found, event, request.reason) if found else Change()


def revise_event(
    connection: sqlite3.Connection, place: Place, event: StoredEvent, request: ReviseEvent, occurred: int
) -> Change:
    """Gives an event another content; raises `InvalidContent` when that is none."""
    sequence = events.find_sequence(connection, place.namespace_id, place.event_sequence)
    found = _find(connection, sequence, request.sequence_number)
    if sequence is None or found is None:
        return Change(refusal=f"there is no event {request.sequence_number}")
    event_type = request.of_type
    if found.event_type != event_type.id:
        return Change(
            refusal=f"event {found.number} is of type '{found.event_type}', and the revision of type "
            f"'{event_type.id}'"
        )
    revision = Revision(
        request=event.number,
        generation=event_type.generation or found.generation,
        occurred=occurred,
        correlation_id=event.correlation_id,
        causation=event.causation,
        caused_by=_first(event.caused_by),
        content=request.content,
        hash=event_hash(event_type.id, found.event_source_id, content_of(request.content)),
    )
    if not revisions.add(connection, sequence, found.number, revision):
        return Change()
    replays = redaction.request_replays(
        connection, place, partition=found.event_source_id, event_types=[found.event_type]
    )
    return Change(1, replays)


def _find(connection: sqlite3.Connection, sequence: int | None, number: int) -> StoredEvent | None:
    if sequence is None or number > _LAST_NUMBER:
        return None
    return redaction.event(connection, sequence, number)


def _redact(
    connection: sqlite3.Connection,
    place: Place,
    sequence: int,
    found: Sequence[StoredEvent],
    event: StoredEvent,
    reason: str,
) -> Change:
    """Redacts events of one source."""
    for original in found:
        first_hash = redaction.first_generation_hash(connection, sequence, original)
        redaction.replace(connection, sequence, redacted(original, event, reason, first_hash))
    system = events.find_sequence(connection, place.namespace_id, SYSTEM_SEQUENCE)
    if system is not None:
        # What an event was revised to is also in the log of what was asked for.
        redaction.empty_revision_requests(
            connection,
            system,
            event_sequence=place.event_sequence,
            event_type=EVENT_REVISED,
            numbers=[original.number for original in found],
            before=event.number,
        )
    replays = redaction.request_replays(
        connection,
        place,
        partition=found[0].event_source_id,
        event_types={original.event_type for original in found},
    )
    return Change(len(found), replays)


def _first(ids_json: str) -> str:
    return f"{ids_json.partition(',')[0].rstrip(']')}]"
