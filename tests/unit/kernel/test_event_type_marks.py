"""What one generation of an event type marks as personal, in the schemas of all others."""

import json
from typing import Any

import pytest

from chronicle.kernel.compliance import plan_of
from chronicle.kernel.event_types import EventTypeDefinition, EventTypeMigration
from chronicle.kernel.event_types.marks import protecting

MARK = {"compliance": [{"metadataType": "PII", "details": "why"}]}
TEXT: dict[str, Any] = {"type": "string"}
PERSONAL = TEXT | MARK


def event_type(*schemas: dict[str, Any], **migrations: dict[str, str]) -> EventTypeDefinition:
    """Schemas from generation 1 on; `up1={"new": "old"}` renames on the way from 1 to 2, `down1` back."""
    return EventTypeDefinition(
        "person-named",
        tombstone=False,
        schemas={generation: json.dumps(schema) for generation, schema in enumerate(schemas, 1)},
        migrations=tuple(
            EventTypeMigration(
                step,
                step + 1,
                *(
                    json.dumps(
                        {
                            target: {"$rename": source}
                            for target, source in migrations.get(f"{way}{step}", {}).items()
                        }
                    )
                    for way in ("up", "down")
                ),
            )
            for step in sorted({int(name.lstrip("updown")) for name in migrations})
        ),
    )


def personal(definition: EventTypeDefinition, generation: int, content: dict[str, Any]) -> list[str]:
    plan = plan_of(protecting(definition).schema(generation))
    return [] if plan is None else [found.path for found in plan.find(content, "alice")]


def properties(**schemas: Any) -> dict[str, Any]:
    return {"type": "object", "properties": schemas}


@pytest.mark.parametrize("marked", [1, 2, 3])
def test_a_mark_in_any_generation_counts_in_all(marked: int) -> None:
    schemas = [properties(name=TEXT, city=TEXT) for _ in range(3)]
    schemas[marked - 1] = properties(name=PERSONAL, city=TEXT)
    definition = event_type(*schemas)
    for generation in (1, 2, 3):
        assert personal(definition, generation, {"name": "Alice", "city": "Oslo"}) == ["name"]


@pytest.mark.parametrize("way", ["up1", "down1"])
def test_a_mark_follows_a_property_to_its_other_name(way: str) -> None:
    renamed = {"full": "name"} if way == "up1" else {"name": "full"}
    definition = event_type(
        properties(name=TEXT), properties(full=TEXT), properties(full=PERSONAL), **{way: renamed}
    )
    assert personal(definition, 1, {"name": "Alice"}) == ["name"]
    assert personal(definition, 2, {"full": "Alice"}) == ["full"]


@pytest.mark.parametrize(
    ("plain", "marked", "content", "found"),
    [
        (properties(a=properties(b=TEXT)), properties(a=properties(b=PERSONAL)), {"a": {"b": "x"}}, ["a.b"]),
        (
            properties(a={"type": "array", "items": TEXT}),
            properties(a={"type": "array", "items": PERSONAL}),
            {"a": ["x", "y"]},
            ["a[0]", "a[1]"],
        ),
        (
            properties(a={"type": "object", "additionalProperties": TEXT}),
            properties(a={"type": "object", "additionalProperties": PERSONAL}),
            {"a": {"b": "x"}},
            ["a.b"],
        ),
        (properties(a=TEXT, b=TEXT), properties(a=TEXT) | MARK, {"a": "x"}, ["a"]),
        (
            properties(a={"$ref": "#/$defs/Name"}) | {"$defs": {"Name": properties(first=TEXT)}},
            properties(a=properties(first=PERSONAL)),
            {"a": {"first": "x"}},
            ["a.first"],
        ),
        (
            properties(a={"$ref": "#"}, b=TEXT),
            properties(a={"$ref": "#"}, b=PERSONAL),
            {"a": {"b": "x"}, "b": "y"},
            ["a.b", "b"],
        ),
    ],
)
def test_marks_are_carried_to_wherever_they_stand(
    plain: dict[str, Any], marked: dict[str, Any], content: dict[str, Any], found: list[str]
) -> None:
    assert personal(event_type(plain, marked), 1, content) == found


@pytest.mark.parametrize(
    "schemas", [[properties(name=PERSONAL)], [properties(name=TEXT), properties(name=TEXT)]]
)
def test_where_there_is_nothing_to_carry_it_stays_the_same(schemas: list[dict[str, Any]]) -> None:
    definition = event_type(*schemas)
    assert protecting(definition) is definition


def test_a_mark_for_something_that_is_not_there_is_left_out() -> None:
    definition = event_type({}, properties(name=PERSONAL), properties(name=True))
    assert personal(definition, 1, {"name": "Alice"}) == []
    assert personal(definition, 3, {"name": "Alice"}) == []
