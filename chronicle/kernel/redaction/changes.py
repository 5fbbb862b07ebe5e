"""Changes of stored events, each a write job: what a request changes, and what has to be replayed for it.

A job that is run again, for a request that was done before, changes nothing and asks for no replay: so a
request may come again after a crash.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from chronicle.kernel.redaction.contents import redacted
from chronicle.kernel.redaction.requests import RedactEvent, RedactEventSource, ReviseEvent
from chronicle.kernel.schemas import content_of, event_hash
from chronicle.kernel.storage import events, redaction, revisions
from chronicle.kernel.storage.events import StoredEvent
from chronicle.kernel.storage.redaction import Place, ReplayRequest
from chronicle.kernel.storage.revisions import Revision
from chronicle.values import EVENT_REDACTED, SYSTEM_SEQUENCE

# What a job looks at and changes at most: some ten milliseconds, in which appends wait.
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
    goes_on_at: int | None = None
    """The number from which on more is to be done, by another job; `None` when that was all."""


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
    connection: sqlite3.Connection, place: Place, event: StoredEvent, request: RedactEventSource, first: int
) -> Change:
    """Redacts what is asked for among the next events of a source, those from the number `first` on."""
    sequence = events.find_sequence(connection, place.namespace_id, place.event_sequence)
    if sequence is None:
        return Change()
    found = redaction.events_of_source(
        connection,
        sequence,
        request.event_source_id,
        first=first,
        limit=MOST_CHANGED,
    )
    types = {event_type.id for event_type in request.event_types}
    wanted = [
        one for one in found if one.event_type != EVENT_REDACTED and (not types or one.event_type in types)
    ]
    change = _redact(connection, place, sequence, wanted, event, request.reason) if wanted else Change()
    return change._replace(goes_on_at=found[-1].number + 1 if len(found) == MOST_CHANGED else None)


def revise_event(
    connection: sqlite3.Connection, place: Place, event: StoredEvent, request: ReviseEvent, occurred: int
) -> Change:
    """Gives an event another content; raises `InvalidContent` when that is none."""
    sequence = events.find_sequence(connection, place.namespace_id, place.event_sequence)
    found = _find(connection, sequence, request.sequence_number)
    if sequence is None or found is None:
        return _refused(connection, place, event, f"there is no event {request.sequence_number}")
    event_type = request.of_type
    if found.event_type != event_type.id:
        reason = f"event {found.number} is of type '{found.event_type}', the revision of '{event_type.id}'"
        return _refused(connection, place, event, reason)
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
    revised = revisions.of_events(connection, sequence, [original.number for original in found])
    # What an event was revised to is also in the log of what was asked for.
    _empty(connection, place, [one.request for its_own in revised.values() for one in its_own])
    for original in found:
        first_hash = redaction.first_generation_hash(connection, sequence, original)
        redaction.replace(connection, sequence, redacted(original, event, reason, first_hash))
    replays = redaction.request_replays(
        connection,
        place,
        partition=found[0].event_source_id,
        event_types={original.event_type for original in found},
    )
    return Change(len(found), replays)


def _refused(connection: sqlite3.Connection, place: Place, event: StoredEvent, reason: str) -> Change:
    """Refuses a revision, and drops it: a redaction of the event would not find what was asked for."""
    _empty(connection, place, [event.number])
    return Change(refusal=reason)


def _empty(connection: sqlite3.Connection, place: Place, requests: Sequence[int]) -> None:
    system = events.find_sequence(connection, place.namespace_id, SYSTEM_SEQUENCE)
    if system is not None and requests:
        redaction.empty_revision_requests(connection, system, requests)


def _first(ids_json: str) -> str:
    return f"{ids_json.partition(',')[0].rstrip(']')}]"
