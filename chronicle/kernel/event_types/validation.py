"""What must hold for a registration of an event type (events.md 3.2 and 3.6).

Each check raises, or returns nothing.
"""

from collections.abc import Iterable

from chronicle.kernel.errors import (
    EventTypeSchemaChanged,
    InvalidEventType,
    InvalidMigrationForEventType,
    InvalidMigrationPropertyForEventType,
    MissingEventTypeMigrators,
    MissingFirstGenerationForEventType,
    MissingMigrationForEventTypeGeneration,
)
from chronicle.kernel.event_types import schemas
from chronicle.kernel.event_types.definitions import (
    NO_SCHEMA,
    EventTypeDefinition,
    EventTypeRegistration,
)
from chronicle.kernel.event_types.operations import Operations


def check_form(registration: EventTypeRegistration) -> None:
    """An event type has an id, and its schemas are JSON objects."""
    if not registration.id.strip():
        raise InvalidEventType("An event type without an id cannot be registered. Send Type.Id.")
    for generation, schema in {
        registration.generation: registration.schema,
        **registration.described,
    }.items():
        try:
            schemas.parsed(schema)
        except ValueError as error:
            raise InvalidEventType(
                f"The schema of event type '{registration.id}' with generation {generation} "
                f"is not the text of a JSON object: {error}"
            ) from error


def check_migration_chain(registration: EventTypeRegistration) -> None:
    """Every step from the first generation to the latest has a migration."""
    if registration.generation < 2:
        return
    if not registration.migrations:
        raise MissingEventTypeMigrators(registration.id, registration.generation)
    begun = {migration.from_generation for migration in registration.migrations}
    if 1 not in begun:
        raise MissingFirstGenerationForEventType(registration.id, registration.generation)
    for generation in range(2, registration.generation):
        if generation not in begun:
            raise MissingMigrationForEventTypeGeneration(registration.id, generation)


def check_schemas_unchanged(registration: EventTypeRegistration, stored: EventTypeDefinition) -> None:
    """No generation that is stored comes with another schema.

    A registration with nothing but its latest schema is not compared. Neither is one that says nothing of a
    generation, as that of an application that only knows the migration from it.
    """
    for generation, schema in registration.generations.items():
        known = stored.schemas.get(generation)
        if schema != NO_SCHEMA and known is not None and not schemas.are_equal(known, schema):
            raise EventTypeSchemaChanged(registration.id, generation)


def check_migration_properties(registration: EventTypeRegistration) -> None:
    """Migrations name only properties of the generations between which they lead."""
    for migration in registration.migrations:
        lower, upper = migration.from_generation, migration.to_generation
        for direction, expression, source, target in (
            ("upcast", migration.upcast, lower, upper),
            ("downcast", migration.downcast, upper, lower),
        ):
            try:
                operations = Operations.of(expression)
            except ValueError as error:
                raise InvalidMigrationForEventType(
                    registration.id, lower, upper, direction, str(error)
                ) from error
            _check_names(registration, target, operations.targets, direction)
            _check_names(registration, source, operations.sources, direction)


def _check_names(
    registration: EventTypeRegistration, generation: int, names: Iterable[str], direction: str
) -> None:
    known = schemas.properties(registration.described.get(generation, "{}"))
    # A generation that is not described has no properties to compare with.
    if not known:
        return
    for name in names:
        if name not in known:
            raise InvalidMigrationPropertyForEventType(registration.id, name, generation, direction)
