"""Content in all generations of its event type (events.md 3.6)."""

import json
from decimal import Decimal
from typing import Any

import pytest

from chronicle.kernel.errors import GenerationNotRegistered, MigrationFailed
from chronicle.kernel.event_types import EventTypeDefinition, EventTypeMigration
from chronicle.kernel.event_types.migrating import Generations
from chronicle.kernel.event_types.operations import OperationFailed, Operations
from chronicle.kernel.schemas import content_of

TEXT = {"type": "string"}
COUNT = {"type": "integer", "format": "int32"}


def applied(operations: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    return Operations.of(json.dumps(operations)).apply(content)


def split(source: str = "name", separator: str = " ", part: int = 0) -> dict[str, Any]:
    return {"$split": {"source": source, "separator": separator, "part": part}}


def combine(*sources: str, separator: str = " ") -> dict[str, Any]:
    return {"$combine": {"sources": list(sources), "separator": separator}}


def generations(*schemas: dict[str, Any] | None, **migrations: dict[str, Any]) -> Generations:
    """Schemas from generation 1 on; `up1={...}` leads from 1 to 2, `down1={...}` back."""
    steps = {int(name.lstrip("updown")) for name in migrations}
    return Generations(
        EventTypeDefinition(
            "person-named",
            tombstone=False,
            schemas={
                number: "{}" if properties is None else json.dumps({"properties": properties})
                for number, properties in enumerate(schemas, 1)
            },
            migrations=tuple(
                EventTypeMigration(
                    step,
                    step + 1,
                    json.dumps(migrations.get(f"up{step}", {})),
                    json.dumps(migrations.get(f"down{step}", {})),
                )
                for step in sorted(steps, reverse=True)
            ),
        )
    )


@pytest.mark.row("E147")
@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (split(part=0), "Ada"),
        (split(part=1), "Lovelace"),
        (split(part=2), ""),
        (split(part=-1), ""),
        (split(separator=""), "Ada Lovelace"),
        (split("absent"), ""),
        (split("nothing"), ""),
        (combine("name", "title"), "Ada Lovelace Countess"),
        (combine("absent", "name", "nothing", "title", separator=", "), "Ada Lovelace, Countess"),
        (combine("absent"), ""),
        (combine(), ""),
        ({"$rename": "age"}, 36),
        ({"$rename": "absent"}, None),
        ({"$defaultValue": {"nested": [1]}}, {"nested": [1]}),
    ],
)
def test_each_operation_makes_its_property(operation: dict[str, Any], expected: object) -> None:
    content = {"name": "Ada Lovelace", "title": "Countess", "age": 36, "nothing": None}
    assert applied({"made": operation}, content) == {**content, "made": expected}
    assert "made" not in content


@pytest.mark.row("E147")
@pytest.mark.parametrize("operation", [split("age"), combine("name", "age")])
def test_what_is_no_text_can_be_neither_split_nor_combined(operation: dict[str, Any]) -> None:
    with pytest.raises(OperationFailed, match="'age'") as failure:
        applied({"made": operation}, {"name": "Ada", "age": 36})
    assert "36" not in str(failure.value)


@pytest.mark.row("E98")
@pytest.mark.parametrize(
    ("content", "expected"), [({}, "none"), ({"nick": "Al"}, "Al"), ({"nick": None}, None)]
)
def test_a_default_fills_what_is_absent_and_nothing_else(content: dict[str, Any], expected: object) -> None:
    assert applied({"nick": {"$defaultValue": "none"}}, content) == {"nick": expected}


def test_the_numbers_of_a_default_keep_their_digits() -> None:
    assert Operations.of('{"rate": {"$defaultValue": 1.10}}').apply({}) == {"rate": Decimal("1.10")}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('{"full": "name"}', {"full": "Ada"}),
        ('{"full": "@.name"}', {"full": None}),
        ('{"full": true}', {"full": None}),
        ('{"both": ["name", "age"], "in": {"it": "name"}}', {"both": ["Ada", 36], "in": {"it": "Ada"}}),
        ('{"caf\u00e9": "na\\u006de"}', {"caf\u00e9": "Ada"}),
        ('{"full": {"$rename": "name", "more": "age"}}', {"full": {"$rename": "Ada", "more": 36}}),
        # None of these is in the language: then the content stays.
        ('{"full": 1}', {"name": "Ada", "age": 36}),
        ('{"full": {}}', {"name": "Ada", "age": 36}),
    ],
)
def test_what_is_no_built_in_operation_is_read_as_jmespath(expression: str, expected: object) -> None:
    assert Operations.of(expression).apply({"name": "Ada", "age": 36}) == expected


def test_built_in_operations_come_after_what_jmespath_has_made_and_read_the_content_before_it() -> None:
    operations = {"full": "name", "age": {"$rename": "years"}, "full2": {"$defaultValue": 1}}
    assert applied(operations, {"name": "Ada", "years": 36}) == {"full": "Ada", "age": 36, "full2": 1}


def test_no_operations_let_a_content_through() -> None:
    content = {"name": "Ada"}
    assert applied({}, content) is content


@pytest.mark.parametrize(
    "malformed",
    [
        {"made": {"$split": "name"}},
        {"made": {"$split": {"separator": " ", "part": 0}}},
        {"made": {"$split": {"source": "name", "separator": 1, "part": 0}}},
        {"made": {"$split": {"source": "name", "separator": " ", "part": "0"}}},
        {"made": {"$split": {"source": "name", "separator": " ", "part": True}}},
        {"made": {"$combine": {"sources": "name"}}},
        {"made": {"$combine": {"sources": [1]}}},
        {"made": {"$combine": {"sources": ["a"], "separator": None}}},
        {"made": {"$rename": ["name"]}},
    ],
)
def test_an_operation_that_no_content_could_go_through_is_refused(malformed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="'made'"):
        Operations.of(json.dumps(malformed))


NAMES = generations(
    {"name": TEXT},
    {"first": TEXT, "last": TEXT},
    up1={"first": split(part=0), "last": split(part=1)},
    down1={"name": combine("first", "last")},
)


@pytest.mark.row("E96")
def test_either_generation_is_made_of_the_other() -> None:
    one, two = {"name": "Ada Lovelace"}, {"first": "Ada", "last": "Lovelace"}
    assert NAMES.contents(1, one) == {1: one, 2: two}
    assert NAMES.contents(2, two) == {1: one, 2: two}


@pytest.mark.row("E97")
@pytest.mark.parametrize("appended", [1, 2, 3])
def test_a_chain_leads_up_and_down_from_any_generation(appended: int) -> None:
    three = generations(
        {"a": TEXT},
        {"b": TEXT},
        {"c": TEXT},
        up1={"b": {"$rename": "a"}},
        down1={"a": {"$rename": "b"}},
        up2={"c": {"$rename": "b"}},
        down2={"b": {"$rename": "c"}},
    )
    name = "abc"[appended - 1]
    assert three.contents(appended, {name: "x"}) == {1: {"a": "x"}, 2: {"b": "x"}, 3: {"c": "x"}}


def test_a_step_goes_on_with_what_the_one_before_has_made_and_not_with_what_the_schema_left_of_it() -> None:
    three = generations(
        {"a": TEXT, "kept": TEXT}, {"b": TEXT}, {"kept": TEXT}, up1={"b": {"$rename": "a"}}, up2={}
    )
    contents = three.contents(1, {"a": "x", "kept": "k"})
    assert contents[2] == {"b": "x"}
    assert contents[3] == {"kept": "k"}


def test_what_comes_out_is_cut_and_completed_by_the_schema_unless_it_has_no_properties() -> None:
    content = {"name": "Ada"}
    assert generations({"name": TEXT}, {"age": COUNT}, up1={}).contents(1, content)[2] == {"age": 0}
    assert generations({"name": TEXT}, None, up1={}).contents(1, content)[2] == content


@pytest.mark.row("E146")
def test_a_generation_that_is_not_registered_has_no_way_to_the_others() -> None:
    with pytest.raises(GenerationNotRegistered, match=r"'person-named' has no generation 7.*: 1, 2"):
        NAMES.contents(7, {})


def test_a_generation_without_a_migration_stands_alone() -> None:
    assert generations({"a": TEXT}, {"b": TEXT}).contents(1, {"a": "x"}) == {1: {"a": "x"}}


def test_a_content_that_does_not_go_through_says_between_which_generations() -> None:
    with pytest.raises(MigrationFailed, match=r"'person-named' .* from generation 1 to 2: property 'name'"):
        NAMES.contents(1, {"name": 5})
    counted = generations({"n": TEXT}, {"n": COUNT}, up1={})
    with pytest.raises(MigrationFailed, match="from generation 1 to 2: Property 'n'"):
        counted.contents(1, {"n": "many"})


def test_what_is_stored_beside_a_content_has_its_own_hash() -> None:
    (other,) = NAMES.others(1, content_of('{"name": "Ada Lovelace"}'), lambda content: "|".join(content))
    assert other == (2, '{"first":"Ada","last":"Lovelace"}', "first|last")
