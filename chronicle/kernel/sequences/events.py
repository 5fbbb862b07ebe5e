"""An event on its way into a sequence."""

from typing import NamedTuple


class EventToAppend(NamedTuple):
    """An event as it asks to be appended; the fields are those of `StoredEvent` that the caller decides."""

    event_source_id: str
    event_source_type: str
    event_stream_type: str
    event_stream_id: str
    event_type: str
    generation: int
    occurred: int
    correlation_id: bytes
    causation: bytes
    tags: str | None
    subject: str | None
    content: str
