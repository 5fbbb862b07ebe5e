"""Streams that take no more events, in the database. Every function runs inside a job (see `database`)."""

import sqlite3
from typing import Final

from chronicle.kernel.storage.queries import load

_QUERIES: Final = load("closed_streams")


def close(connection: sqlite3.Connection, sequence: int, stream_type: str, stream_id: str) -> bool:
    """Closes a stream for good; returns whether it was open."""
    cursor = connection.execute(_QUERIES["close"], _key(sequence, stream_type, stream_id))
    return cursor.rowcount == 1


def is_closed(connection: sqlite3.Connection, sequence: int, stream_type: str, stream_id: str) -> bool:
    """Whether the stream was closed."""
    row = connection.execute(_QUERIES["is_closed"], _key(sequence, stream_type, stream_id)).fetchone()
    return bool(row[0])


def _key(sequence: int, stream_type: str, stream_id: str) -> dict[str, int | str]:
    return {"sequence": sequence, "event_stream_type": stream_type, "event_stream_id": stream_id}
