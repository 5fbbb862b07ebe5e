"""Who an observer delivers to, for as long as that lasts (observation.md 2.4 and 3.3)."""

from dataclasses import dataclass, field

from chronicle.kernel.observation.definitions import ObserverDefinition
from chronicle.kernel.observation.filters import NO_FILTERS, ObserverFilters
from chronicle.kernel.observation.subscriber import Subscriber
from chronicle.kernel.observation.targets import Targets


@dataclass
class Subscription:
    """An observer's subscriber, and the client streams behind it. Once closed it stays closed."""

    definition: ObserverDefinition
    targets: Targets
    subscriber: Subscriber
    filters: ObserverFilters = NO_FILTERS
    purpose: str = ""
    """What else must be alike for two clients to share the work: the read model of a reducer."""
    is_open: bool = field(default=True, init=False)

    def is_like(self, other: "Subscription") -> bool:
        """Whether the clients of both may share the work (observation.md 3.3)."""
        return self._likeness() == other._likeness()

    def close(self) -> None:
        """Ends it. What is outstanding is answered as disconnected; the streams stay open, and silent."""
        self.is_open = False
        self.targets.clear()

    def _likeness(self) -> tuple[object, ...]:
        definition = self.definition
        versions = {(event_type.id, event_type.generation) for event_type in definition.event_types}
        return definition.type, definition.event_sequence, versions, self.filters, self.purpose
