"""Streams of an event sequence: completing them, and who may still append to them (events.md 8).

A stream is a stream type and a stream id, whatever the event source. The default one takes events for ever.
"""

import sqlite3
from collections.abc import Sequence
from enum import Enum
from functools import partial
from typing import Final, NamedTuple, Protocol

from chronicle.kernel.constraints.violations import ConstraintType, ConstraintViolation
from chronicle.kernel.storage import closed_streams, events
from chronicle.kernel.storage.database import Database
from chronicle.values import ALL_STREAM_TYPE, DEFAULT_STREAM_ID

CLOSED_STREAM: Final = "closed-stream"
"""The name that the refusal of an event has where the names of constraints stand."""


class Stream(NamedTuple):
    """A stream of an event sequence."""

    type: str
    id: str

    def __str__(self) -> str:
        return f"{self.type}/{self.id}"


DEFAULT_STREAM: Final = Stream(ALL_STREAM_TYPE, DEFAULT_STREAM_ID)


class CompletionRefusal(Enum):
    """Why a stream cannot be completed; the values are the contract's."""

    ALREADY_COMPLETED = 0
    DEFAULT_STREAM = 1


class Completion(NamedTuple):
    """What became of completing a stream."""

    tail: int | None = None
    """The newest event of the whole sequence, once the stream is completed; `None` when there is none."""
    refusal: CompletionRefusal | None = None


class EventInStream(Protocol):
    """An event, as far as streams are concerned."""

    @property
    def event_type(self) -> str: ...
    @property
    def event_stream_type(self) -> str: ...
    @property
    def event_stream_id(self) -> str: ...


def closed_stream_violations(
    connection: sqlite3.Connection, sequence: int, events_to_append: Sequence[EventInStream]
) -> dict[int, ConstraintViolation]:
    """Which events, by their index, go to a completed stream.

    To be called inside the write job that stores them, and before it does.
    """
    # Nearly every event goes to the default stream, and is spared the look-up.
    streams = {
        Stream(event.event_stream_type, event.event_stream_id)
        for event in events_to_append
        if event.event_stream_id != DEFAULT_STREAM_ID or event.event_stream_type != ALL_STREAM_TYPE
    }
    closed = {
        stream for stream in streams if closed_streams.is_closed(connection, sequence, stream.type, stream.id)
    }
    if not closed:
        return {}
    return {
        index: _violation(event.event_type, stream)
        for index, event in enumerate(events_to_append)
        if (stream := Stream(event.event_stream_type, event.event_stream_id)) in closed
    }


def complete(connection: sqlite3.Connection, sequence: int, stream: Stream) -> Completion:
    """Completes a stream. To be called inside a write job: no append comes between it and the tail."""
    if stream == DEFAULT_STREAM:
        return Completion(refusal=CompletionRefusal.DEFAULT_STREAM)
    if not closed_streams.close(connection, sequence, stream.type, stream.id):
        return Completion(refusal=CompletionRefusal.ALREADY_COMPLETED)
    return Completion(tail=events.tail(connection, sequence))


class Streams:
    """The streams of all event sequences of one namespace."""

    def __init__(self, database: Database, *, namespace_id: int) -> None:
        self._database = database
        self._namespace_id = namespace_id

    async def complete(self, event_sequence: str, stream: Stream) -> Completion:
        """Completes a stream, which need not have any events; the sequence is made if need be."""
        return await self._database.write(
            partial(self._complete, event_sequence=event_sequence, stream=stream)
        )

    def _complete(self, connection: sqlite3.Connection, event_sequence: str, stream: Stream) -> Completion:
        sequence = events.ensure_sequence(connection, self._namespace_id, event_sequence)
        return complete(connection, sequence, stream)


def _violation(event_type: str, stream: Stream) -> ConstraintViolation:
    return ConstraintViolation(
        event_type,
        ConstraintType.STREAM_CLOSED,
        CLOSED_STREAM,
        f"Stream '{stream}' is closed and cannot accept new events",
    )
