"""What a subscription to another event store is (observation.md 10)."""

from dataclasses import dataclass
from typing import Final, Self

import msgspec

from chronicle.kernel.observation import ObservedEventType
from chronicle.kernel.storage.subscriptions import StoredSubscription

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(tuple[ObservedEventType, ...]).decode


@dataclass(frozen=True)
class EventStoreSubscription:
    """What an event store gets from the outbox of another one."""

    identifier: str
    source_event_store: str
    """It need not be there yet."""
    event_types: tuple[ObservedEventType, ...]
    """Nothing else is forwarded, and nothing at all when there are none."""

    def is_like(self, other: "EventStoreSubscription") -> bool:
        """Whether both have the same source, and the same event types in whatever order."""
        return self._likeness() == other._likeness()

    @classmethod
    def from_stored(cls, stored: StoredSubscription) -> Self:
        """The subscription as the database has it."""
        return cls(stored.identifier, stored.source_event_store, _decode(stored.event_types))

    def stored_event_types(self) -> str:
        """The event types as the database has them."""
        return _encode(self.event_types).decode()

    def _likeness(self) -> tuple[object, ...]:
        return self.source_event_store, {(one.id, one.generation) for one in self.event_types}
