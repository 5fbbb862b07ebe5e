"""When two schemas count as the same (events.md 3.2)."""

import json
from typing import Any

import pytest

from chronicle.kernel.event_types import schemas


def schema(**properties: Any) -> str:
    return json.dumps({"type": "object", "properties": properties})


PERSONAL = {"metadataType": "pii", "details": ""}
OTHER = {"metadataType": "other", "details": "x"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"type": "object", "title": "A"}', '{"title":"A","type":"object"}'),
        (schema(amount={"format": "int32?"}), schema(amount={"format": "int32"})),
        (
            schema(a={"properties": {"b": {"format": "guid?"}}}),
            schema(a={"properties": {"b": {"format": "guid"}}}),
        ),
        (schema(a={"compliance": []}), schema(a={})),
        (schema(a={"compliance": [PERSONAL, OTHER]}), schema(a={"compliance": [OTHER, PERSONAL]})),
    ],
)
def test_equal(one: str, other: str) -> None:
    assert schemas.are_equal(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (schema(amount={"type": "integer"}), schema(amount={"type": "string"})),
        (schema(amount={"format": "int32??"}), schema(amount={"format": "int32"})),
        (schema(a={"compliance": [PERSONAL]}), schema(a={})),
        (schema(a={"type": ["string", "null"]}), schema(a={"type": ["null", "string"]})),
        ("{}", schema(a={})),
    ],
)
def test_different(one: str, other: str) -> None:
    assert not schemas.are_equal(one, other)


def test_a_property_named_format_is_a_property() -> None:
    assert not schemas.are_equal(schema(format={"type": "string"}), schema(format={"type": "integer"}))


@pytest.mark.parametrize("declared", ["5", "true", '"name"', '[["name"]]', "null"])
def test_properties_that_are_no_object_are_none(declared: str) -> None:
    assert schemas.properties(f'{{"properties": {declared}}}') == frozenset()
