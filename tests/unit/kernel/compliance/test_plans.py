"""Where personal data stands in content, by the schema (events.md 13.1 and 13.2)."""

import json
from decimal import Decimal
from typing import Any

import pytest

from chronicle.kernel.compliance.errors import CompliancePropertyNotFoundInSchema
from chronicle.kernel.compliance.plans import Plan, plan_of, text_of
from chronicle.kernel.schemas import InvalidSchema

MARK = {"compliance": [{"metadataType": "PII", "details": "why"}]}
TEXT = {"type": "string"}
PERSONAL = TEXT | MARK


def plan(properties: dict[str, Any], **root: Any) -> Plan:
    found = plan_of(json.dumps({"type": "object", "properties": properties, **root}))
    assert found is not None
    return found


def paths(plan: Plan, content: dict[str, Any]) -> list[str]:
    return [finding.path for finding in plan.find(content, "alice")]


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "properties": {"name": TEXT}},
        {"type": "object", "properties": {"compliance": TEXT}},
        {"properties": {"name": TEXT | {"compliance": []}}},
        {"properties": {"name": TEXT | {"compliance": [{"metadataType": "PII"}]}}},
        {"properties": {"name": TEXT | {"compliance": [{"metadataType": "PII", "details": 1}]}}},
        {"properties": {"name": TEXT | {"compliance": [{"metadataType": "other", "details": ""}]}}},
        {"properties": {"name": TEXT | {"compliance": "PII"}}},
    ],
)
def test_a_schema_without_a_mark_that_counts_has_no_plan(schema: dict[str, Any]) -> None:
    assert plan_of(json.dumps(schema)) is None


@pytest.mark.parametrize("schema", ["", "{}"])
def test_no_schema_at_all_has_no_plan(schema: str) -> None:
    assert plan_of(schema) is None


@pytest.mark.parametrize("schema", ["[]", "null", "{", '["compliance"]'])
def test_a_schema_that_is_no_object_is_refused(schema: str) -> None:
    with pytest.raises(InvalidSchema):
        plan_of(schema)


def test_marked_properties_are_found_and_others_are_not() -> None:
    found = paths(plan({"name": PERSONAL, "city": TEXT}), {"name": "Alice", "city": "Oslo"})

    assert found == ["name"]


def test_null_is_not_personal() -> None:
    assert paths(plan({"name": PERSONAL, "city": TEXT}), {"name": None, "other": None}) == []


def test_marks_are_found_inside_objects_and_items() -> None:
    address = {"type": "object", "properties": {"street": PERSONAL, "city": TEXT}}
    people = plan(
        {
            "home": address,
            "others": {"type": "array", "items": address},
            "phones": {"type": "array", "items": PERSONAL},
        }
    )
    home = {"street": "Main Street", "city": "Oslo"}

    found = paths(people, {"home": home, "others": [home, home], "phones": ["1", None, "2"]})

    assert found == ["home.street", "others[0].street", "others[1].street", "phones[0]", "phones[2]"]


def test_a_mark_on_an_array_takes_it_as_a_whole() -> None:
    assert paths(plan({"notes": {"type": "array", "items": TEXT} | MARK}), {"notes": ["a", "b"]}) == ["notes"]


def test_a_mark_on_an_object_with_properties_is_one_on_each_of_them() -> None:
    inner = {"type": "object", "properties": {"a": TEXT, "b": {"type": "array", "items": TEXT}}}
    found = paths(plan({"whole": inner | MARK}), {"whole": {"a": "1", "b": ["2"]}})

    assert found == ["whole.a", "whole.b"]


def test_a_mark_on_the_root_is_one_on_everything() -> None:
    assert paths(plan({"a": TEXT, "b": TEXT}, **MARK), {"a": "1", "b": "2"}) == ["a", "b"]


def test_a_mark_on_an_object_without_properties_takes_it_as_a_whole() -> None:
    assert paths(plan({"free": {"type": "object"} | MARK}), {"free": {"any": {"thing": 1}}}) == ["free"]


def test_marks_stand_behind_references_and_beside_them() -> None:
    schema = {
        "properties": {
            "home": {"oneOf": [{"$ref": "#/$defs/Address"}, {"type": "null"}]},
            "work": {"$ref": "#/$defs/Plain", **MARK},
        },
        "$defs": {
            "Address": {"type": "object", "properties": {"street": PERSONAL}},
            "Plain": {"type": "object", "properties": {"street": TEXT}},
        },
    }
    found = plan_of(json.dumps(schema))
    assert found is not None

    content = {"home": {"street": "Main Street"}, "work": {"street": "Side Street"}}
    assert paths(found, content) == ["home.street", "work.street"]


def test_a_type_that_holds_itself_is_followed_as_deep_as_the_content_goes() -> None:
    node = plan({"name": PERSONAL, "child": {"$ref": "#"}, "more": {"type": "array", "items": {"$ref": "#"}}})

    content = {"name": "a", "child": {"name": "b", "child": {"name": "c"}}, "more": [{"name": "d"}]}

    assert paths(node, content) == ["name", "child.name", "child.child.name", "more[0].name"]


def test_geospatial_values_are_not_entered() -> None:
    point = {"type": "object", "format": "Point?"}
    places = plan({"name": PERSONAL, "where": point, "hidden": point | MARK})
    geo = {"type": "Point", "coordinates": [1, 2]}

    assert paths(places, {"name": "a", "where": geo, "hidden": geo}) == ["name", "hidden"]


@pytest.mark.row("E108")
@pytest.mark.parametrize(
    ("content", "path"),
    [
        ({"undeclared": 1}, "undeclared"),
        ({"Name": "Alice"}, "Name"),
        ({"dictionary": {"a": "b"}}, "dictionary.a"),
        ({"list": [{"a": 1}]}, "list[0].a"),
        ({"value": {"a": 1}}, "value.a"),
    ],
)
def test_what_the_schema_does_not_declare_is_refused(content: dict[str, Any], path: str) -> None:
    personal = plan(
        {
            "name": PERSONAL,
            "dictionary": {"type": "object", "additionalProperties": TEXT},
            "list": {"type": "array"},
            "value": {},
        }
    )

    with pytest.raises(CompliancePropertyNotFoundInSchema) as refused:
        personal.find(content, "alice")

    assert str(refused.value).startswith(
        f"Could not apply compliance metadata for property '{path}' of 'alice'"
    )
    assert personal.find(content, "alice", is_strict=False) == []


def test_an_empty_dictionary_and_plain_items_are_let_through() -> None:
    personal = plan({"name": PERSONAL, "dictionary": {"type": "object"}, "list": {"type": "array"}})

    assert paths(personal, {"dictionary": {}, "list": [1, "a", None, []]}) == []


def test_marks_of_described_additional_properties_count() -> None:
    personal = plan({"phones": {"type": "object", "additionalProperties": PERSONAL}})

    assert paths(personal, {"phones": {"home": "1", "work": "2"}}) == ["phones.home", "phones.work"]


VALUES: list[tuple[dict[str, Any], Any, str]] = [
    ({"type": "string"}, "Åse", "Åse"),
    ({"type": "string"}, "12", "12"),
    ({"type": "boolean"}, True, "true"),
    ({"type": "integer"}, 12, "12"),
    ({"type": "integer", "format": "int32"}, 12, "12"),
    ({"type": ["integer", "null"], "format": "int64?"}, 2**63 - 1, "9223372036854775807"),
    ({"type": "number", "format": "decimal"}, Decimal("12.50"), "12.50"),
    ({"type": "integer", "enum": [0, 1]}, 1, "1"),
    ({"type": "string", "format": "guid"}, "018f", "018f"),
    ({"type": "array", "items": TEXT}, ["a", "b"], '["a","b"]'),
    ({"type": "object", "additionalProperties": {}}, {"a": [1, None]}, '{"a":[1,null]}'),
]


@pytest.mark.parametrize(("schema", "value", "text"), VALUES)
def test_values_have_a_text_form_and_are_restored_from_it(
    schema: dict[str, Any], value: Any, text: str
) -> None:
    (finding,) = plan({"value": schema | MARK}).find({"value": value}, "alice")

    assert text_of(value) == text
    assert finding.place.restored(text) == value


@pytest.mark.parametrize(
    ("schema", "blank"),
    [(TEXT, ""), ({"type": "integer"}, ""), ({"type": ["array", "null"]}, []), ({"type": "object"}, {})],
)
def test_what_nobody_can_read_is_blank(schema: dict[str, Any], blank: Any) -> None:
    (finding,) = plan({"value": schema | MARK}).find({"value": "whatever"}, "alice")

    assert finding.place.blank == blank


def test_a_text_that_is_no_value_of_its_type_stays_a_text_and_a_container_is_blank() -> None:
    findings = plan({"a": {"type": "integer"} | MARK, "b": {"type": "array"} | MARK}).find(
        {"a": "x", "b": "x"}, "alice"
    )

    assert [finding.place.restored("twelve") for finding in findings] == ["twelve", []]
