"""What must hold for a registration of an event type (events.md 3.2 and 3.6).

Each check raises, or returns nothing.
"""

from collections import Counter
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
    HIGHEST_GENERATION,
    NO_SCHEMA,
    EventTypeDefinition,
    EventTypeRegistration,
)
from chronicle.kernel.event_types.operations import Operations
from chronicle.kernel.schemas import InvalidSchema, Schema


def check_form(registration: EventTypeRegistration, stored: EventTypeDefinition | None) -> None:
    """An event type has an id, its schemas can be used, and there is one migration between generations."""
    if not registration.id.strip():
        raise InvalidEventType("An event type without an id cannot be registered. Send Type.Id.")
    known = stored.schemas if stored else {}
    for generation, schema in {
        registration.generation: registration.schema,
        **registration.described,
    }.items():
        if generation > HIGHEST_GENERATION:
            raise InvalidEventType(
                f"Event type '{registration.id}' cannot have a generation {generation}. The first one is 1."
            )
        # What an application registers whenever it starts is nearly always stored already.
        if schema == known.get(generation):
            continue
        try:
            Schema.of(schema)
        except InvalidSchema as error:
            raise InvalidEventType(
                f"The schema of event type '{registration.id}' with generation {generation} "
                f"cannot be used: {error}"
            ) from error
    ways = Counter((one.from_generation, one.to_generation) for one in registration.migrations)
    for (step_from, step_to), number in ways.items():
        if number > 1:
            raise InvalidEventType(
                f"Event type '{registration.id}' has {number} migrations from generation {step_from} to "
                f"{step_to}. Send one."
            )


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
