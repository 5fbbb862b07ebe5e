"""An event on its way into a sequence."""

from typing import NamedTuple, Self

from chronicle.values import ALL_STREAM_TYPE, DEFAULT_SOURCE_TYPE, DEFAULT_STREAM_ID


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

    @classmethod
    def by_default(
        cls,
        event_source_id: str,
        event_type: str,
        content: str,
        *,
        occurred: int,
        correlation_id: bytes,
        causation: bytes = b"",
        tags: str | None = None,
    ) -> Self:
        """An event of the first generation, in the default stream, of a source of the default type."""
        return cls(
            event_source_id=event_source_id,
            event_source_type=DEFAULT_SOURCE_TYPE,
            event_stream_type=ALL_STREAM_TYPE,
            event_stream_id=DEFAULT_STREAM_ID,
            event_type=event_type,
            generation=1,
            occurred=occurred,
            correlation_id=correlation_id,
            causation=causation,
            tags=tags,
            subject=None,
            content=content,
        )
