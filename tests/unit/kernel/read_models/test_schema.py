"""What is kept of a document and how it is given out (projections-and-read-models.md 3.3 and 3.7)."""

import json
from typing import Any

import pytest

from chronicle.kernel.read_models import InvalidReadModel, InvalidReadModelState, ReadModelSchema

ENUM = {"type": "integer", "enum": [0, 1, 5], "x-enumNames": ["open", "closed", "lost"]}


def schema(**properties: Any) -> ReadModelSchema:
    return ReadModelSchema(json.dumps({"type": "object", "properties": properties}))


def render(compiled: ReadModelSchema, document: str) -> Any:
    return json.loads(compiled.rendered(document, last_handled=3))


@pytest.mark.row("P228")
@pytest.mark.parametrize(
    ("format_", "stored", "given_out"),
    [
        ("date", "2024-01-15", "2024-01-15T12:00:00"),
        ("time", "12:30:00", "0001-01-01T12:30:00"),
        ("time", "12:30", "0001-01-01T12:30:00"),
        ("time", "12:30:00.1200000", "0001-01-01T12:30:00.12"),
        ("duration", "-1.02:03:04.5000000", "-1.02:03:04.5000000"),
        ("date-time", "2024-01-15T12:30:00.1234567", "2024-01-15T12:30:00.1234567"),
        ("date-time", "2024-01-15T12:30:00.1000000Z", "2024-01-15T12:30:00.1Z"),
        ("date-time", "2024-01-15T12:30:00", "2024-01-15T12:30:00"),
        ("date-time-offset", "2024-01-15T12:30:00.0000000+02:00", "2024-01-15T12:30:00+02:00"),
        ("date-time-offset", "2024-01-15T12:30:00Z", "2024-01-15T12:30:00+00:00"),
        ("date-time-offset", "2024-01-15T12:30:00", "2024-01-15T12:30:00+00:00"),
        ("date-time-offset", "2024-01-15T12:30:00-05:30", "2024-01-15T12:30:00-05:30"),
        ("guid", "00112233-4455-6677-8899-AABBCCDDEEFF", "00112233-4455-6677-8899-aabbccddeeff"),
        ("UUID", "00112233-4455-6677-8899-AABBCCDDEEFF", "00112233-4455-6677-8899-aabbccddeeff"),
        ("byte-array", "AQID", "AQID"),
        ("decimal", 10, 10),
        ("unheard-of", "as it is", "as it is"),
        ("date", 7, 7),
        ("date-time", "soon", "soon"),
    ],
)
def test_single_values_have_the_form_of_their_format(format_: str, stored: Any, given_out: Any) -> None:
    compiled = schema(value={"type": "string", "format": format_})
    assert render(compiled, json.dumps({"value": stored})) == {"value": given_out}


@pytest.mark.parametrize(
    "number", ["10.50", "0.1000000000000000000001", "123456789012345678901234567890", "1E+3", "-0.0"]
)
def test_numbers_keep_every_digit(number: str) -> None:
    compiled = schema(value={"type": "number", "format": "decimal"})
    assert compiled.rendered(f'{{"value":{number}}}', last_handled=0) == f'{{"value":{number}}}'


@pytest.mark.row("P142")
@pytest.mark.parametrize(
    ("described", "default"),
    [
        ({"type": "integer"}, 0),
        ({"type": "number", "format": "decimal"}, 0),
        ({"type": "boolean"}, False),
        ({"type": "string", "format": "guid"}, "00000000-0000-0000-0000-000000000000"),
        ({"type": "string", "format": "date-time-offset"}, "0001-01-01T00:00:00+00:00"),
        ({"type": "string", "format": "date"}, "0001-01-01T12:00:00"),
        ({"type": "string", "format": "duration"}, "00:00:00"),
        (ENUM, "open"),
    ],
)
def test_a_scalar_that_cannot_be_null_has_its_default_when_unset(described: Any, default: Any) -> None:
    assert render(schema(value=described), "{}") == {"value": default}
    assert render(schema(value=described), '{"value":null}') == {"value": default}


@pytest.mark.row("P142")
@pytest.mark.parametrize(
    "described",
    [
        {"type": "string"},
        {"type": "string", "format": "byte-array"},
        {"type": "string", "format": "date-time?"},
        {"type": ["integer", "null"]},
        {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        {"type": "array", "items": {"type": "integer"}},
        {"type": "object", "properties": {"a": {"type": "integer"}}},
        {**ENUM, "type": ["integer", "null"]},
        {**ENUM, "enum": [1, 5, 7]},
    ],
)
def test_everything_else_is_left_out_when_unset(described: Any) -> None:
    assert render(schema(value=described), '{"value":null}') == {}


@pytest.mark.row("P229")
def test_an_enum_is_given_out_by_name_and_an_unknown_value_as_if_it_were_unset() -> None:
    nullable = {**ENUM, "type": ["integer", "null"]}
    assert render(schema(value=ENUM), '{"value":5}') == {"value": "lost"}
    assert render(schema(value=ENUM), '{"value":"closed"}') == {"value": "closed"}
    assert render(schema(value=ENUM), '{"value":7}') == {"value": "open"}
    assert render(schema(value=ENUM), '{"value":[]}') == {"value": "open"}
    assert render(schema(value=nullable), '{"value":7}') == {}


def test_members_are_those_of_the_schema_in_its_spelling_and_order() -> None:
    compiled = schema(firstName={"type": "string"}, Age={"type": "integer"})
    rendered = compiled.rendered('{"age":7,"secret":1,"FIRSTNAME":"Anna"}', last_handled=0)
    assert rendered == '{"firstName":"Anna","Age":7}'


def test_nested_values_are_given_out_by_their_own_schema() -> None:
    line = {"type": "object", "properties": {"day": {"type": "string", "format": "date"}, "state": ENUM}}
    compiled = schema(lines={"type": "array", "items": line}, last=line)
    document = '{"lines":[{"Day":"2024-01-15","state":1},{"x":1}],"last":{"state":5}}'
    assert render(compiled, document) == {
        "lines": [
            {"day": "2024-01-15T12:00:00", "state": "closed"},
            {"day": "0001-01-01T12:00:00", "state": "open"},
        ],
        "last": {"day": "0001-01-01T12:00:00", "state": "lost"},
    }


@pytest.mark.parametrize(
    "described",
    [
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": "object", "additionalProperties": False},
        {"type": "object", "format": "point", "properties": {"type": {"type": "string"}}},
        {"type": "object", "format": "dynamic"},
        {"type": "object"},
        {},
        True,
    ],
)
def test_dictionaries_geometry_and_open_objects_are_given_out_as_they_are(described: Any) -> None:
    value = {"type": "Point", "coordinates": [1.5, 2], "n": None}
    assert render(schema(value=described), json.dumps({"value": value})) == {"value": value}


def test_a_type_may_hold_itself() -> None:
    text = json.dumps(
        {
            "properties": {
                "name": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#"}},
                "first": {"$ref": "#/properties/children/items"},
            }
        }
    )
    document = '{"children":[{"Name":"a","children":[{"NAME":"b"}]}],"first":{"name":"c","x":1}}'
    assert render(ReadModelSchema(text), document) == {
        "children": [{"name": "a", "children": [{"name": "b"}]}],
        "first": {"name": "c"},
    }


def test_a_reference_that_leads_nowhere_lets_everything_pass() -> None:
    compiled = schema(a={"$ref": "#/nowhere"}, b={"$ref": "#/properties/b"}, c={"$ref": "elsewhere.json"})
    assert render(compiled, '{"a":1,"b":2,"c":3}') == {"a": 1, "b": 2, "c": 3}


@pytest.mark.parametrize("text", ["", "{}", '{"type":"object"}'])
def test_without_properties_everything_passes(text: str) -> None:
    compiled = ReadModelSchema(text)
    document = '{"a": 1, "B": {"c": null}}'
    assert compiled.document(document, "key") == document
    assert render(compiled, document) == {"a": 1, "B": {"c": None}}


def test_the_number_of_the_last_event_is_given_out_when_asked_for_or_declared() -> None:
    name = "__lastHandledEventSequenceNumber"
    assert schema(a={"type": "string"}).rendered("{}", last_handled=3) == "{}"
    asked_for = schema(a={"type": "string"}).rendered("{}", last_handled=3, with_last_handled=True)
    assert json.loads(asked_for) == {name: 3}
    assert render(schema(**{name: {"type": "integer"}}), "{}") == {name: 3}


def test_a_document_without_anything_to_change_is_kept_byte_for_byte() -> None:
    text = '{ "a" : 1.50, "b": {"c": [1,  2]} }'
    assert schema(a={"type": "number"}, b={"type": "object"}).document(text, "key") == text


@pytest.mark.parametrize("name", ["id", "Id"])
def test_the_key_is_filled_in_where_the_schema_has_a_place_for_it(name: str) -> None:
    compiled = schema(**{name: {"type": "string"}, "a": {"type": "integer"}})
    assert json.loads(compiled.document('{"a":1}', "key")) == {name: "key", "a": 1}
    assert json.loads(compiled.document(f'{{"{name}":null}}', "key")) == {name: "key"}
    assert json.loads(compiled.document(f'{{"{name}":"own"}}', "key")) == {name: "own"}


def test_what_is_stored_is_shown_with_its_key_unless_it_holds_it() -> None:
    outside, inside = schema(a={"type": "integer"}), schema(id={"type": "string"})
    number = "__lastHandledEventSequenceNumber"
    assert json.loads(outside.raw('{"a":1}', key="k", last_handled=3)) == {"_id": "k", "a": 1, number: 3}
    assert json.loads(inside.raw('{"id":"k"}', key="k", last_handled=3)) == {"id": "k", number: 3}


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ('{"a":1}', '{ "a": 1 }', True),
        ('{"a":1.0}', '{"a":1.00}', True),
        ('{"a":1}', '{"a":2}', False),
        ('{"a":1}', "{}", False),
    ],
)
def test_documents_are_compared_by_what_they_say(first: str, second: str, is_same: bool) -> None:
    assert schema().is_same(first, second) is is_same


@pytest.mark.parametrize("text", ["[]", "1", "{", "nonsense"])
def test_a_schema_or_a_state_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(InvalidReadModel, match="schema of a read model"):
        ReadModelSchema(text)
    with pytest.raises(InvalidReadModelState, match="state of a read model"):
        schema(a={}).document(text, "key")
