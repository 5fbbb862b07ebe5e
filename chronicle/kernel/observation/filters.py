"""Which live events an observer leaves out although it wants their type (observation.md 5.1)."""

from dataclasses import dataclass
from typing import Final

import msgspec

from chronicle.kernel.storage.events import StoredEvent
from chronicle.values import ALL_STREAM_TYPE

_decode_tags: Final = msgspec.json.Decoder(list[str]).decode


@dataclass(frozen=True, slots=True)
class ObserverFilters:
    """What an event must be like; nothing given lets everything through."""

    tags: frozenset[str] = frozenset()
    """At least one of them, when there are any."""
    event_source_type: str = ""
    event_stream_type: str = ALL_STREAM_TYPE

    @property
    def is_open(self) -> bool:
        """Whether everything passes."""
        return self == NO_FILTERS

    def let_pass(self, event: StoredEvent) -> bool:
        """Whether an event may be delivered; compared exactly, every given category must match."""
        if self.event_source_type and event.event_source_type != self.event_source_type:
            return False
        if self.event_stream_type not in (ALL_STREAM_TYPE, event.event_stream_type):
            return False
        return not self.tags or (
            event.tags is not None and not self.tags.isdisjoint(_decode_tags(event.tags))
        )


NO_FILTERS: Final = ObserverFilters()
