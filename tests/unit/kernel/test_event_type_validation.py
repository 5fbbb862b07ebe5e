"""What a registration of an event type must fulfil (events.md 3.2 and 3.6)."""

import json

import pytest

from chronicle.errors import ChronicleError
from chronicle.kernel.errors import (
    EventTypeSchemaChanged,
    InvalidEventType,
    InvalidMigrationForEventType,
    InvalidMigrationPropertyForEventType,
    MissingEventTypeMigrators,
    MissingFirstGenerationForEventType,
    MissingMigrationForEventTypeGeneration,
)
from chronicle.kernel.event_types import EventTypeMigration, EventTypeRegistration, validation
from chronicle.kernel.event_types.definitions import defined_by


def step(lower: int, upper: int, upcast: str = "{}", downcast: str = "{}") -> EventTypeMigration:
    return EventTypeMigration(lower, upper, upcast, downcast)


def registration(generation: int, *migrations: EventTypeMigration, **schemas: str) -> EventTypeRegistration:
    """`_1="a b"` describes generation 1 with the properties `a` and `b`."""
    described = {
        int(name.removeprefix("_")): json.dumps({"properties": {one: {} for one in properties.split()}})
        for name, properties in schemas.items()
    }
    return EventTypeRegistration("opened", generation, generations=described, migrations=migrations)


def nested_schema(levels: int) -> str:
    return '{"items": ' * levels + "{}" + "}" * levels


@pytest.mark.parametrize(
    "complete",
    [
        registration(1),
        registration(2, step(1, 2)),
        registration(3, step(2, 3), step(1, 2)),
    ],
)
def test_a_complete_chain_passes(complete: EventTypeRegistration) -> None:
    validation.check_migration_chain(complete)


@pytest.mark.parametrize(
    ("broken", "error", "named"),
    [
        (registration(2), MissingEventTypeMigrators, "'opened' with generation 2 has no migrators defined"),
        (registration(3, step(2, 3)), MissingFirstGenerationForEventType, "'opened' with generation 3"),
        (registration(3, step(1, 2)), MissingMigrationForEventTypeGeneration, "from generation 2 to 3"),
        (registration(4, step(1, 2), step(3, 4)), MissingMigrationForEventTypeGeneration, "2 to 3"),
    ],
)
def test_a_broken_chain_is_refused(
    broken: EventTypeRegistration, error: type[ChronicleError], named: str
) -> None:
    with pytest.raises(error, match=named):
        validation.check_migration_chain(broken)


def test_the_chain_reaches_to_the_type_and_not_to_the_generations_described() -> None:
    validation.check_migration_chain(registration(1, _1="a", _2="a b"))


def test_a_stored_schema_must_stay_as_it_is() -> None:
    stored = defined_by(registration(1, _1="a"))
    validation.check_schemas_unchanged(registration(2, _1="a", _2="b"), stored)
    with pytest.raises(EventTypeSchemaChanged, match="'opened' with generation 1"):
        validation.check_schemas_unchanged(registration(2, _1="c", _2="b"), stored)


def test_a_registration_with_only_its_latest_schema_is_not_compared() -> None:
    stored = defined_by(registration(1, _1="a"))
    validation.check_schemas_unchanged(EventTypeRegistration("opened", 1, '{"type":"object"}'), stored)


@pytest.mark.parametrize(
    "operation",
    [
        '{"full": {"$combine": {"sources": ["first", "last"], "separator": " "}}}',
        '{"full": {"$rename": "first"}}',
        '{"full": {"$split": {"source": "first", "separator": " ", "part": 0}}}',
        '{"full": "@.first"}',
        '{"anything": {"$defaultValue": 1}}',
        '{"full": {"$rename": "first", "other": 1}}',
        '{"full": null}',
    ],
)
def test_migrations_between_properties_that_exist_pass(operation: str) -> None:
    validation.check_migration_properties(registration(2, step(1, 2, operation), _1="first last", _2="full"))
    validation.check_migration_properties(
        registration(2, step(1, 2, "{}", operation), _2="first last", _1="full")
    )


@pytest.mark.parametrize(
    ("operation", "named"),
    [
        ('{"name": {"$rename": "first"}}', "'name' in the upcast of event type 'opened' .* generation 2"),
        ('{"full": {"$rename": "name"}}', "'name' in the upcast of event type 'opened' .* generation 1"),
        ('{"full": {"$split": {"source": "name"}}}', "'name' .* generation 1"),
        ('{"full": {"$combine": {"sources": ["first", "name"]}}}', "'name' .* generation 1"),
        ('{"full": "@.name"}', "'name' .* generation 1"),
    ],
)
def test_a_property_that_does_not_exist_is_named(operation: str, named: str) -> None:
    with pytest.raises(InvalidMigrationPropertyForEventType, match=named):
        validation.check_migration_properties(registration(2, step(1, 2, operation), _1="first", _2="full"))


def test_a_downcast_leads_the_other_way() -> None:
    downcast = step(1, 2, "{}", '{"full": {"$rename": "first"}}')
    with pytest.raises(InvalidMigrationPropertyForEventType, match=r"'full' in the downcast .* generation 1"):
        validation.check_migration_properties(registration(2, downcast, _1="first", _2="full"))


def test_generations_that_are_not_described_are_not_checked() -> None:
    rename = step(1, 2, '{"full": {"$rename": "first"}}')
    validation.check_migration_properties(registration(2, rename, _2="full"))
    validation.check_migration_properties(registration(2, rename, _1="", _2="full"))


@pytest.mark.parametrize("expression", ["", "{", "[]", "{name: name}"])
def test_an_expression_that_is_no_json_object_is_refused(expression: str) -> None:
    with pytest.raises(InvalidMigrationForEventType, match="between generations 1 and 2"):
        validation.check_migration_properties(registration(2, step(1, 2, expression)))


@pytest.mark.parametrize(
    ("refused", "named"),
    [
        (EventTypeRegistration(" ", 1), "without an id"),
        (EventTypeRegistration("opened", 1, "[]"), "'opened' with generation 1"),
        (EventTypeRegistration("opened", 2, generations={1: "{}", 2: "{"}), "'opened' with generation 2"),
        (EventTypeRegistration("opened", 1, '{"maximum": NaN}'), "'opened' with generation 1"),
        (EventTypeRegistration("opened", 1, nested_schema(300)), "nested deeper than 256 levels"),
        (EventTypeRegistration("opened", 1, nested_schema(100_000)), "'opened' with generation 1"),
        (registration(2, step(1, 2), step(1, 2)), "2 migrations from generation 1 to 2"),
    ],
)
def test_an_event_type_has_an_id_and_schemas_and_migrations_that_can_be_used(
    refused: EventTypeRegistration, named: str
) -> None:
    with pytest.raises(InvalidEventType, match=named):
        validation.check_form(refused, None)
