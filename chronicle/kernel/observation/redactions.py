"""Which redacted events an observer gets (observation.md 3.2)."""

from collections.abc import Sequence
from typing import Final

import msgspec

from chronicle.kernel.storage.events import StoredEvent
from chronicle.values import EVENT_REDACTED


class _Redaction(msgspec.Struct, rename="camel"):
    """What matters here of a redacted event's content."""

    original_event_type: str = ""


_decode: Final = msgspec.json.Decoder(_Redaction).decode


def without_foreign(events: Sequence[StoredEvent], event_types: frozenset[str]) -> Sequence[StoredEvent]:
    """Events without those redacted ones that the observer has not taken before either.

    Whoever observes redacted events and nothing else gets all of them.
    """
    if EVENT_REDACTED not in event_types or len(event_types) == 1:
        return events
    return [event for event in events if event.event_type != EVENT_REDACTED or _was(event, event_types)]


def _was(event: StoredEvent, event_types: frozenset[str]) -> bool:
    return _decode(event.content).original_event_type in event_types
