"""Content against its schema, as the kernel checks it (events.md 3.5)."""

import json
from typing import Any

import pytest

from chronicle.kernel.schemas import Schema, SchemaViolation, content_of


def schema(**properties: Any) -> Schema:
    return Schema.of(json.dumps({"type": "object", "properties": properties}))


def violations(schema: Schema, text: str) -> list[tuple[str, str]]:
    return [(violation.path, violation.kind.value) for violation in schema.validate(content_of(text))]


@pytest.mark.row("E19", "E20")
@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        ({"type": "string"}, [("owner", "PropertyRequired")]),
        ({}, [("owner", "PropertyRequired")]),
        ({"$ref": "#/definitions/name"}, [("owner", "PropertyRequired")]),
        ({"type": ["string", "null"]}, []),
        ({"type": "integer", "format": "int32?"}, []),
        ({"oneOf": [{"type": "null"}, {"$ref": "#/definitions/name"}]}, []),
    ],
)
def test_a_required_property_may_be_absent_only_if_it_may_be_null(
    owner: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    text = {
        "type": "object",
        "properties": {"owner": owner},
        "required": ["owner"],
        "definitions": {"name": {"type": "string"}},
    }

    assert violations(Schema.of(json.dumps(text)), "{}") == expected


def test_a_violation_says_where_what_and_why() -> None:
    required = Schema.of('{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}')
    nested = schema(a={"type": "object", "properties": {"b": {"type": ["integer", "null"]}}})

    assert required.validate({}) == [SchemaViolation("a", "PropertyRequired", "Property 'a' is required.")]  # type: ignore[arg-type]  # StrEnum
    assert [v.message for v in nested.validate({"a": {"b": "x"}})] == [
        "Property 'a.b' expected integer or null but got string."
    ]
    assert [v.message for v in Schema.of('{"type":"array"}').validate({})] == [
        "Expected array but got object."
    ]


def test_the_name_of_a_required_property_is_case_sensitive() -> None:
    owner = Schema.of('{"type":"object","properties":{"Owner":{"type":"string"}},"required":["Owner"]}')

    assert violations(owner, '{"owner":"x"}') == [("Owner", "PropertyRequired")]


def test_required_counts_at_the_root_alone() -> None:
    inner = {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]}

    assert violations(schema(a=inner), '{"a":{}}') == []


@pytest.mark.row("E21", "E22", "E23")
@pytest.mark.parametrize(
    ("type_", "right", "wrong"),
    [
        (
            "integer",
            ["1", "-5", "1.0", "1e3", "12345678901234567890123"],
            ["1.5", '"1"', "true", "null", "{}"],
        ),
        ("number", ["1", "1.5", "1e400"], ['"1"', "false", "[]", "null"]),
        ("string", ['""', '"1"'], ["1", "true", "null", "[]"]),
        ("boolean", ["true", "false"], ["0", '"true"', "null"]),
        ("object", ["{}"], ["[]", '"{}"', "null"]),
        ("array", ["[]", '[1,"a"]'], ["{}", '"[]"', "null"]),
        ("null", ["null"], ["0", "false", '""']),
        (["integer", "string"], ["1", '"1"'], ["1.5", "null", "true"]),
        (["string", "null"], ["null", '""'], ["1"]),
        (["nonsense"], ["1", "null", "{}"], []),
    ],
    ids=str,
)
def test_a_value_must_be_of_the_declared_type(type_: Any, right: list[str], wrong: list[str]) -> None:
    declared = schema(a={"type": type_})

    assert [text for text in right if violations(declared, f'{{"a":{text}}}')] == []
    assert [
        text for text in wrong if violations(declared, f'{{"a":{text}}}') != [("a", "WrongPropertyType")]
    ] == []


@pytest.mark.row("E23")
def test_a_question_mark_after_the_format_lets_null_in() -> None:
    assert violations(schema(a={"type": "integer", "format": "int32?"}), '{"a":null}') == []


@pytest.mark.row("E24")
def test_objects_arrays_and_references_are_looked_into() -> None:
    number = {"type": "integer"}
    text = {
        "type": "object",
        "properties": {
            "a": {"type": "object", "properties": {"b": number}},
            "list": {"type": "array", "items": {"type": "object", "properties": {"c": number}}},
            "numbers": {"type": "array", "items": number},
            "behind": {"$ref": "#/$defs/x~1y"},
        },
        "$defs": {"x/y": {"type": "object", "properties": {"d": number}}},
    }
    content = '{"a":{"b":"x"},"list":[{"c":1},{"c":"x"}],"numbers":[1,"x"],"behind":{"d":true}}'

    assert [path for path, _ in violations(Schema.of(json.dumps(text)), content)] == [
        "a.b",
        "list[1].c",
        "numbers[1]",
        "behind.d",
    ]


def test_a_type_inside_itself_is_looked_into_at_every_level() -> None:
    text = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "parent": {"oneOf": [{"$ref": "#"}, {"type": "null"}]},
            "children": {"type": "array", "items": {"$ref": "#"}},
        },
    }
    content = '{"parent":{"parent":null,"name":1},"children":[{"children":[{"name":2}]}]}'

    assert [path for path, _ in violations(Schema.of(json.dumps(text)), content)] == [
        "parent.name",
        "children[0].children[0].name",
    ]


@pytest.mark.row("E25")
@pytest.mark.parametrize("text", ["1", "null", '"x"', "[1]", '{"b":[null]}'])
def test_a_property_without_a_type_takes_anything(text: str) -> None:
    assert violations(schema(a={}), f'{{"a":{text}}}') == []
    assert violations(schema(a=True), f'{{"a":{text}}}') == []


def test_what_is_not_declared_is_not_looked_at() -> None:
    assert violations(schema(a={"type": "string"}), '{"A":1,"b":2}') == []
    assert violations(Schema.of("{}"), '{"b":{"c":null}}') == []
    assert violations(Schema.of(""), '{"b":1}') == []


def test_formats_enumerations_and_ranges_are_not_looked_at() -> None:
    declared = schema(
        id={"type": "string", "format": "guid"}, level={"type": "integer", "enum": [1], "maximum": 1}
    )

    assert violations(declared, '{"id":"no guid","level":7}') == []


@pytest.mark.row("E143")
@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", [("a", "WrongPropertyType")]),
        ("null", []),
        ('"x"', []),
        ('{"b":"no number"}', [("a.b", "WrongPropertyType")]),
        ('["any","thing"]', []),
    ],
)
def test_of_several_choices_the_one_of_the_values_kind_counts(
    keyword: str, text: str, expected: list[tuple[str, str]]
) -> None:
    numbers = {"type": "array", "items": {"type": "integer"}}
    choices = [
        {"type": "null"},
        {"anyOf": [{"type": "string"}, {"type": "object", "properties": {"b": {"type": "integer"}}}]},
        numbers,
        {"type": "array", "items": {"type": "boolean"}},
    ]

    assert violations(schema(a={keyword: choices}), f'{{"a":{text}}}') == expected


def test_no_fitting_choice_names_the_types_of_all() -> None:
    choice = schema(a={"anyOf": [{"type": "string"}, {"type": ["array", "null"]}]})

    assert [violation.message for violation in choice.validate({"a": 1})] == [
        "Property 'a' expected array or null or string but got number."
    ]


def test_choices_that_lead_to_themselves_end() -> None:
    text = {
        "type": "object",
        "properties": {
            "a": {"anyOf": [{"$ref": "#/properties/b"}, {"type": "integer"}]},
            "b": {"anyOf": [{"$ref": "#/properties/a"}, {"type": "string"}]},
        },
    }
    declared = Schema.of(json.dumps(text))

    assert violations(declared, '{"a":"x","b":1}') == []
    assert violations(declared, '{"a":[]}') == [("a", "WrongPropertyType")]


def test_properties_of_all_parts_count() -> None:
    text = {
        "type": "object",
        "allOf": [{"$ref": "#/$defs/base"}, {"properties": {"b": {"type": "integer"}}}],
        "properties": {"c": {"type": "integer"}},
        "$defs": {"base": {"properties": {"a": {"type": "integer"}}}},
    }

    assert [path for path, _ in violations(Schema.of(json.dumps(text)), '{"a":"","b":"","c":""}')] == [
        "a",
        "b",
        "c",
    ]


def test_a_schema_that_holds_itself_says_what_it_says_besides() -> None:
    text = {"allOf": [{"$ref": "#"}], "properties": {"a": {"type": "integer"}}}
    assert violations(Schema.of(json.dumps(text)), '{"a":"x"}') == [("a", "WrongPropertyType")]
