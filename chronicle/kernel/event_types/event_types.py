"""The event types of one event store, in memory and in the database."""

import asyncio
import sqlite3
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final, NamedTuple

from chronicle.kernel.changes import Changes
from chronicle.kernel.completion import to_the_end
from chronicle.kernel.errors import UnknownEventType
from chronicle.kernel.event_types import validation
from chronicle.kernel.event_types.definitions import (
    EventTypeDefinition,
    EventTypeMigration,
    EventTypeRegistration,
    defined_by,
)
from chronicle.kernel.event_types.marks import protecting
from chronicle.kernel.storage import event_types as storage
from chronicle.kernel.storage import generations as generation_storage
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.event_types import StoredGeneration, StoredMigration


class AddedGeneration(NamedTuple):
    """A generation that a registration has added; `is_first` when the event type is new with it."""

    event_type: str
    generation: int
    schema: str
    is_first: bool


class EventTypes:
    """What one event store knows of event types. Questions are answered from memory."""

    def __init__(
        self,
        database: Database,
        *,
        event_store_id: int,
        event_store: str,
        stored: Iterable[EventTypeDefinition],
    ) -> None:
        self.changes: Final = Changes()
        self.registering: Final = asyncio.Lock()
        """Held while event types change, and by whoever relies on them staying as they are for a while."""
        self._database = database
        self._event_store_id = event_store_id
        self._event_store = event_store
        self._definitions = {definition.id: definition for definition in stored}
        self._protecting: dict[str, tuple[EventTypeDefinition, EventTypeDefinition]] = {}

    def knows(self, event_type: str) -> bool:
        """Whether the event type is registered, in any generation."""
        return event_type in self._definitions

    def find(self, event_type: str) -> EventTypeDefinition | None:
        """The event type, if it is registered."""
        return self._definitions.get(event_type)

    def get(self, event_type: str) -> EventTypeDefinition:
        """The event type; raises `UnknownEventType`."""
        definition = self._definitions.get(event_type)
        if definition is None:
            raise UnknownEventType(event_type, self._event_store)
        return definition

    def protecting(self, event_type: str) -> EventTypeDefinition:
        """As `get`, for those who handle contents: what any generation marks as personal all of them do."""
        definition = self.get(event_type)
        known = self._protecting.get(event_type)
        if known is None or known[0] is not definition:
            known = self._protecting[event_type] = definition, protecting(definition)
        return known[1]

    def schema(self, event_type: str, generation: int) -> str:
        """The JSON Schema text of a generation, that of the first for one that is not registered.

        Raises `UnknownEventType`.
        """
        return self.get(event_type).schema(generation)

    def generations(self, event_type: str) -> tuple[int, ...]:
        """The generations of an event type, ascending; raises `UnknownEventType`."""
        return self.get(event_type).generations

    def all(self) -> Sequence[EventTypeDefinition]:
        """All event types, by id."""
        return [self._definitions[id_] for id_ in sorted(self._definitions)]

    async def register(
        self, registrations: Sequence[EventTypeRegistration], *, validate: bool = True
    ) -> Sequence[AddedGeneration]:
        """Registers event types, all or none (events.md 3.2); returns the generations that are new.

        `validate=False` leaves out the chain of migrations and whether stored schemas stay as they are.

        Raises `InvalidEventType`, `MissingEventTypeMigrators`, `MissingFirstGenerationForEventType`,
        `MissingMigrationForEventTypeGeneration`, `EventTypeSchemaChanged`, `InvalidMigrationForEventType` or
        `InvalidMigrationPropertyForEventType`; then nothing is stored.
        """
        return await to_the_end(self._register(registrations, validate))

    async def _register(
        self, registrations: Sequence[EventTypeRegistration], validate: bool
    ) -> Sequence[AddedGeneration]:
        async with self.registering:
            for registration in registrations:
                known = self._definitions.get(registration.id)
                validation.check_form(registration, known)
                if validate:
                    validation.check_migration_chain(registration)
                    if known:
                        validation.check_schemas_unchanged(registration, known)
            for registration in registrations:
                validation.check_migration_properties(registration)
            registered = self._merged(registrations)
            changed = [one for one in registered.values() if one != self._definitions.get(one.id)]
            added = [generation for one in changed for generation in self._added(one)]
            if changed:
                await self._database.write(partial(self._store, changed=changed))
                self._definitions.update((definition.id, definition) for definition in changed)
                self.changes.notify()
            return added

    def _merged(self, registrations: Sequence[EventTypeRegistration]) -> dict[str, EventTypeDefinition]:
        merged: dict[str, EventTypeDefinition] = {}
        for registration in registrations:
            known = merged.get(registration.id) or self._definitions.get(registration.id)
            merged[registration.id] = known.merged_with(registration) if known else defined_by(registration)
        return merged

    def _added(self, definition: EventTypeDefinition) -> list[AddedGeneration]:
        known = self._definitions.get(definition.id)
        return [
            AddedGeneration(definition.id, generation, schema, is_first=known is None)
            for generation, schema in definition.schemas.items()
            if known is None or generation not in known.schemas
        ]

    def _store(self, connection: sqlite3.Connection, changed: Sequence[EventTypeDefinition]) -> None:
        """Writes what differs from what is known; runs in a write job."""
        for definition in changed:
            known = self._definitions.get(definition.id)
            stored = set(_stored_generations(self._event_store_id, known)) if known else set()
            generations = _stored_generations(self._event_store_id, definition)
            storage.set_generations(connection, [one for one in generations if one not in stored])
            if known is not None and definition.schemas.keys() != known.schemas.keys():
                generation_storage.mark_for_rewrite(connection, self._event_store_id, definition.id)
            if known is None or definition.migrations != known.migrations:
                migrations = [
                    StoredMigration(self._event_store_id, definition.id, *migration)
                    for migration in definition.migrations
                ]
                storage.replace_migrations(connection, self._event_store_id, definition.id, migrations)


def definitions_by_store(
    generations: Iterable[StoredGeneration], migrations: Iterable[StoredMigration]
) -> dict[int, list[EventTypeDefinition]]:
    """The event types of all event stores as stored, by the event store's row id."""
    schemas: dict[tuple[int, str], dict[int, str]] = {}
    tombstones: dict[tuple[int, str], bool] = {}
    ways: dict[tuple[int, str], list[EventTypeMigration]] = {}
    for stored in generations:
        key = (stored.event_store_id, stored.event_type)
        schemas.setdefault(key, {})[stored.generation] = stored.schema
        tombstones[key] = stored.tombstone
    for store, event_type, *way in migrations:
        ways.setdefault((store, event_type), []).append(EventTypeMigration._make(way))
    by_store: dict[int, list[EventTypeDefinition]] = {}
    for (store, event_type), by_generation in schemas.items():
        key = (store, event_type)
        definition = EventTypeDefinition(event_type, tombstones[key], by_generation, tuple(ways.get(key, ())))
        by_store.setdefault(store, []).append(definition)
    return by_store


def _stored_generations(event_store_id: int, definition: EventTypeDefinition) -> list[StoredGeneration]:
    return [
        StoredGeneration(event_store_id, definition.id, generation, definition.tombstone, schema)
        for generation, schema in definition.schemas.items()
    ]
