"""Events out of nothing."""

from chronicle.kernel.storage.events import StoredEvent
from chronicle.values import ALL_STREAM_TYPE, DEFAULT_SOURCE_TYPE, DEFAULT_STREAM_ID, NO_GUID


def stored_event(
    number: int,
    source: str = "A",
    *,
    tags: str | None = None,
    source_type: str = DEFAULT_SOURCE_TYPE,
    stream_type: str = ALL_STREAM_TYPE,
) -> StoredEvent:
    return StoredEvent(
        number=number,
        event_source_id=source,
        event_source_type=source_type,
        event_stream_type=stream_type,
        event_stream_id=DEFAULT_STREAM_ID,
        event_type="happened",
        generation=1,
        occurred=0,
        correlation_id=NO_GUID.bytes,
        causation=b"",
        caused_by="[]",
        tags=tags,
        subject=None,
        content="{}",
        hash="",
    )


def events_of(sources: str, *, first: int = 0) -> list[StoredEvent]:
    """One event for each letter, which is its source."""
    return [stored_event(number, source) for number, source in enumerate(sources, first)]
