"""An event type as the kernel keeps it, and as it arrives in a registration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

NO_SCHEMA: Final = "{}"
"""The schema that says nothing, so every object fits it."""

HIGHEST_GENERATION: Final = 2**31 - 1
"""The contract counts generations to 2^32 - 1, and has no place in `GenerationalContent` for half of them."""


class EventTypeMigration(NamedTuple):
    """The way between two generations; each expression is the text of a JSON object (events.md 3.6)."""

    from_generation: int
    to_generation: int
    upcast: str
    downcast: str


@dataclass(frozen=True, slots=True)
class EventTypeRegistration:
    """What an application says about an event type: its latest generation, and what it knows of others."""

    id: str
    generation: int
    schema: str = NO_SCHEMA
    tombstone: bool = False
    generations: Mapping[int, str] = field(default_factory=dict)
    """Schemas by generation; empty means the latest only."""
    migrations: tuple[EventTypeMigration, ...] = ()
    """Those that lead from a generation to itself have no effect and are left out."""

    @property
    def described(self) -> Mapping[int, str]:
        """The schemas that the registration carries, by generation."""
        return self.generations or {self.generation: self.schema}


@dataclass(frozen=True, slots=True)
class EventTypeDefinition:
    """An event type with all its generations."""

    id: str
    tombstone: bool
    schemas: Mapping[int, str]
    """JSON Schema texts by generation, ascending; there is at least one."""
    migrations: tuple[EventTypeMigration, ...]

    @property
    def generations(self) -> tuple[int, ...]:
        """The generations, ascending."""
        return tuple(self.schemas)

    @property
    def latest(self) -> int:
        """The highest generation."""
        return max(self.schemas)

    def described(self, generation: int) -> int:
        """The generation whose schema counts: the first for one that was not registered (events.md 4.2)."""
        return generation if generation in self.schemas else next(iter(self.schemas))

    def schema(self, generation: int) -> str:
        """The schema of a generation, see `described`."""
        return self.schemas[self.described(generation)]

    def merged_with(self, registration: EventTypeRegistration) -> "EventTypeDefinition":
        """What a registration makes of it.

        Other generations stay, so do schemas of which it says nothing, and migrations unless it brings some.
        """
        described = {
            generation: schema
            for generation, schema in registration.described.items()
            if schema != NO_SCHEMA or generation not in self.schemas
        }
        return EventTypeDefinition(
            self.id,
            registration.tombstone,
            dict(sorted({**self.schemas, **described}.items())),
            registration.migrations or self.migrations,
        )


def defined_by(registration: EventTypeRegistration) -> EventTypeDefinition:
    """The event type that a first registration makes."""
    return EventTypeDefinition(
        registration.id,
        registration.tombstone,
        dict(sorted(registration.described.items())),
        registration.migrations,
    )
