"""Event types: what an event store knows of them, and what it takes to register them (events.md 3)."""

from chronicle.kernel.event_types.definitions import (
    EventTypeDefinition,
    EventTypeMigration,
    EventTypeRegistration,
)
from chronicle.kernel.event_types.event_types import AddedGeneration, EventTypes

__all__ = [
    "AddedGeneration",
    "EventTypeDefinition",
    "EventTypeMigration",
    "EventTypeRegistration",
    "EventTypes",
]
