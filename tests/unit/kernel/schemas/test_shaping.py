"""Content as it is stored (events.md 16)."""

import json
from decimal import Decimal
from typing import Any

import pytest

from chronicle.kernel.schemas import Schema, ShapingError, content_of, text_of


def schema(**properties: Any) -> Schema:
    return Schema.of(json.dumps({"type": "object", "properties": properties}))


def shaped(schema: Schema, text: str) -> Any:
    return json.loads(text_of(schema.shape(content_of(text))))


TEXT = {"type": "string"}
NUMBER = {"type": "integer", "format": "int32"}


@pytest.mark.row("E27")
def test_what_is_not_declared_goes_at_every_level() -> None:
    declared = schema(
        a={"type": "object", "properties": {"b": TEXT}},
        c={"type": "array", "items": {"properties": {"b": TEXT}}},
    )

    assert shaped(declared, '{"a":{"b":"x","z":1},"c":[{"b":"y","z":1}],"z":{}}') == {
        "a": {"b": "x"},
        "c": [{"b": "y"}],
    }


@pytest.mark.row("E140")
def test_names_are_found_in_any_casing_and_written_as_declared() -> None:
    declared = schema(firstName=TEXT, address={"type": "object", "properties": {"City": TEXT}})

    assert shaped(declared, '{"FIRSTNAME":"A","Address":{"city":"Oslo"}}') == {
        "firstName": "A",
        "address": {"City": "Oslo"},
    }


def test_the_declared_casing_wins_over_others() -> None:
    assert shaped(schema(name=TEXT), '{"NAME":"other","name":"declared","Name":"another"}') == {
        "name": "declared"
    }
    assert shaped(schema(name=TEXT, Name=TEXT), '{"NAME":"x","Name":"y"}') == {"name": "x", "Name": "y"}


@pytest.mark.row("E139")
@pytest.mark.parametrize(
    ("declared", "default"),
    [
        ({"type": "integer"}, 0),
        ({"type": "integer", "format": "int64"}, 0),
        ({"type": "number"}, 0),
        ({"type": "number", "format": "decimal"}, 0),
        ({"type": "boolean"}, False),
        ({"type": "string", "format": "guid"}, "00000000-0000-0000-0000-000000000000"),
        ({"type": "string", "format": "UUID"}, "00000000-0000-0000-0000-000000000000"),
        ({"type": "string", "format": "date-time"}, "0001-01-01T00:00:00"),
        ({"type": "string", "format": "date-time-offset"}, "0001-01-01T00:00:00+00:00"),
        ({"type": "string", "format": "date"}, "0001-01-01"),
        ({"type": "string", "format": "time"}, "00:00:00"),
        ({"type": "string", "format": "duration"}, "00:00:00"),
        ({"$ref": "#/properties/other"}, 0),
        ({"type": "integer", "enum": [0, 1], "x-enumNames": ["A", "B"]}, 0),
    ],
    ids=str,
)
def test_an_absent_value_that_cannot_be_null_becomes_its_types_default(
    declared: dict[str, Any], default: object
) -> None:
    assert shaped(schema(a=declared, other=NUMBER), '{"other":1}') == {"a": default, "other": 1}


@pytest.mark.row("E139")
@pytest.mark.parametrize(
    "declared",
    [
        TEXT,
        {"type": "string", "format": "byte-array"},
        {"type": "string", "format": "unknown"},
        {"type": "object", "properties": {"b": NUMBER}},
        {"type": "array", "items": NUMBER},
        {"type": "object", "format": "point"},
        {"type": "object", "format": "dynamic"},
        {},
        {"type": ["integer", "null"], "format": "int32"},
        {"type": "integer", "format": "int32?"},
        {"type": "boolean", "format": "?"},
        {"oneOf": [{"type": "null"}, NUMBER]},
        {"anyOf": [TEXT, NUMBER]},
        {"type": "integer", "enum": [1, 2], "x-enumNames": ["A", "B"]},
    ],
    ids=str,
)
def test_others_stay_absent_and_null_is_as_good_as_absent(declared: dict[str, Any]) -> None:
    assert shaped(schema(a=declared), "{}") == {}
    assert shaped(schema(a=declared), '{"a":null}') == {}


def test_nested_objects_are_given_their_defaults_when_they_are_there() -> None:
    assert shaped(schema(a={"type": "object", "properties": {"b": NUMBER}}), '{"a":{}}') == {"a": {"b": 0}}


@pytest.mark.row("E22", "E138")
@pytest.mark.parametrize(
    ("declared", "right", "wrong"),
    [
        ("integer:", ["0", "-2147483648", "2147483647"], ["2147483648", "1.0", "1e2", "-2147483649"]),
        ("integer:byte", ["0", "255"], ["-1", "256"]),
        ("integer:int16", ["-32768", "32767"], ["32768"]),
        ("integer:int32", ["-2147483648"], ["2147483648", "1.0"]),
        ("integer:uint32", ["4294967295"], ["4294967296", "-1"]),
        ("integer:int64", ["-9223372036854775808", "9223372036854775807"], ["9223372036854775808"]),
        ("integer:uint64", ["18446744073709551615"], ["18446744073709551616", "-1"]),
        ("number:", ["1", "1.5", "-0.25", "18446744073709551616", "1e300"], ["1e400", "1" + "0" * 310]),
        ("number:double", ["1.7976931348623157e308"], ["1.8e308"]),
        ("number:float", ["3.4028235e38", "-1.5", "3"], ["3.5e38", "1e400"]),
        (
            "number:decimal",
            ["79228162514264337593543950335", "-0.1234567890123456789", "7.9e28", "1e-50"],
            ["79228162514264337593543950336", "1e29", "-1e999999999"],
        ),
        ("number:int32", ["1"], ["1.5"]),
        (
            "string:guid",
            ['"0a0b0c0d-0000-0000-0000-00000000abcd"'],
            ['"0a0b0c0d0000000000000000000000ab"', '""', '"{0a0b0c0d-0000-0000-0000-00000000abcd}"'],
        ),
        (
            "string:date-time-offset",
            [
                '"2024-01-02T03:04:05+00:00"',
                '"2024-01-02T03:04:05.1234567-14:00"',
                '"2024-01-02T03:04Z"',
                '"2024-01-02T03:04:05"',
                '"2024-02-29"',
                '"9999-12-31T23:59:59.9999999"',
                '"0001-01-01T00:00:00"',
            ],
            [
                '"tomorrow"',
                '"2024-02-30T00:00:00Z"',
                '"2024-01-02T24:00:00Z"',
                '"2024-01-02T03:04:05+14:01"',
                '"2024-01-02 03:04:05"',
                '"20240102T030405"',
                '"0001-01-01T00:00:00+01:00"',
                '"9999-12-31T23:59:59-01:00"',
                '"٢٠٢٤-01-02"',
                '"0000-01-01"',
            ],
        ),
        (
            "string:date-time",
            ['"2024-01-02T03:04:05Z"', '"2024-01-02T03:04:05.1"'],
            ['"2024-13-01T00:00:00"'],
        ),
        ("string:date", ['"2024-02-29"'], ['"2023-02-29"', '"2024-W01-1"', '"2024-01-02T00:00:00"', '""']),
        (
            "string:time",
            ['"23:59"', '"12:30:00"', '"12:30:00.1234567"'],
            ['"24:00"', '"12"', '"12:30:00.12345678"'],
        ),
        (
            "string:duration",
            ['"00:00:00"', '"-1.02:03:04.5000000"', '"1:02:03"', '"10675199.02:48:05.4775807"'],
            ['"PT1H"', '"24:00:00"', '"10675199.02:48:06"', '"10675200.00:00:00"', '"1"'],
        ),
        ("string:byte-array", ['""', '"//4A"', '"AA=="'], ['"AA"', '"A A="', '"é"', '"AA==AA=="']),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_value_must_be_readable_from_its_format(declared: str, right: list[str], wrong: list[str]) -> None:
    type_, _, format_ = declared.partition(":")
    for given in (format_, f"{format_}?"):
        place = schema(a={"type": type_, "format": given})
        for text in right:
            content = content_of(f'{{"a":{text}}}')
            assert shaped(place, f'{{"a":{text}}}') == {"a": json.loads(text)}
            assert place.validate(content) == []
        for text in wrong:
            content = content_of(f'{{"a":{text}}}')
            assert place.validate(content) == [] or type_ == "integer"
            with pytest.raises(ShapingError, match=r"^Property 'a' cannot be read as .+: "):
                place.shape(content)


def test_a_guid_becomes_lower_case() -> None:
    declared = schema(a={"type": "string", "format": "guid"})

    assert shaped(declared, '{"a":"0A0B0C0D-0000-0000-0000-00000000ABCD"}') == {
        "a": "0a0b0c0d-0000-0000-0000-00000000abcd"
    }


def test_a_decimal_keeps_its_digits_and_a_double_those_that_a_double_has() -> None:
    declared = schema(exact={"type": "number", "format": "decimal"}, real={"type": "number"})
    content = '{"exact":12345678901234567890.12345678901234567890,"real":0.10000000000000000001}'

    assert text_of(declared.shape(content_of(content))) == (
        '{"exact":12345678901234567890.12345678901234567890,"real":0.1}'
    )


def test_an_error_names_the_place_and_the_value_shortened() -> None:
    declared = schema(a={"type": "array", "items": {"properties": {"b": {"type": "array", "items": NUMBER}}}})

    with pytest.raises(ShapingError) as caught:
        declared.shape(content_of('{"a":[{"b":[1]},{"b":[1,"' + "x" * 100 + '"]}]}'))
    assert caught.value.path == "a[1].b[1]"
    assert str(caught.value) == f"Property 'a[1].b[1]' cannot be read as int32: \"{'x' * 56}..."


@pytest.mark.row("E141")
def test_an_enumeration_is_its_number_whether_declared_or_not() -> None:
    """Undeclared numbers are kept: the real kernel would store another or none (docs/deviations.md)."""
    level = schema(a={"type": "integer", "enum": [1, 2], "x-enumNames": ["LOW", "HIGH"]})

    assert shaped(level, '{"a":2}') == {"a": 2}
    assert shaped(level, '{"a":3}') == {"a": 3}
    assert [v.kind.value for v in level.validate({"a": "HIGH"})] == ["WrongPropertyType"]


@pytest.mark.row("E142", "E25")
@pytest.mark.parametrize(
    "declared",
    [
        {"type": "object"},
        {"type": "object", "properties": {}},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": "object", "additionalProperties": False},
        {"type": "object", "format": "dynamic"},
        {"type": "object", "format": "point", "properties": {"type": TEXT}},
        {"type": ["object", "null"], "format": "LineString?"},
        {},
        {
            "anyOf": [
                {"type": "object", "properties": {"b": TEXT}},
                {"type": "object", "properties": {"c": TEXT}},
            ]
        },
    ],
    ids=str,
)
def test_open_places_keep_everything(declared: dict[str, Any]) -> None:
    text = (
        '{"a":{"_derivedTypeId":"x","Extra":{"deep":[1.50,null,{"n":null}]},"big":99999999999999999999999}}'
    )

    assert text_of(schema(a=declared).shape(content_of(text))) == text


@pytest.mark.parametrize("text", ["{}", "", '{"type":"object"}', '{"type":"object","properties":{}}'])
def test_a_schema_without_properties_keeps_everything(text: str) -> None:
    content = content_of('{"a":null,"b":[1.0,null],"C":{"d":"x"}}')

    assert Schema.of(text).shape(content) == content


def test_shaping_leaves_what_it_is_given_alone() -> None:
    content = content_of('{"A":1,"b":{"c":"x"}}')
    before = content_of('{"A":1,"b":{"c":"x"}}')

    assert Schema.of("{}").shape(content) is not content
    assert schema(a=NUMBER, b={"properties": {"d": TEXT}}).shape(content) == {"a": 1, "b": {}}
    assert content == before


def test_a_null_among_items_that_may_be_null_stays() -> None:
    assert shaped(schema(a={"type": "array", "items": {"type": ["integer", "null"]}}), '{"a":[1,null]}') == {
        "a": [1, None]
    }


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ({"type": ["integer", "string"], "format": "int32"}, '"text"'),
        ({"type": ["string", "integer"], "format": "guid"}, "5"),
        ({"type": "string", "format": "int32"}, '"5 or so"'),
        ({"type": ["object", "string"], "properties": {"b": NUMBER}}, '"text"'),
        ({"type": ["array", "string"], "items": NUMBER}, '"text"'),
    ],
    ids=str,
)
def test_a_format_speaks_of_values_of_its_own_type(declared: dict[str, Any], text: str) -> None:
    assert shaped(schema(a=declared), f'{{"a":{text}}}') == {"a": json.loads(text)}


PII = [{"metadataType": "PII", "details": ""}]


@pytest.mark.parametrize(
    "declared",
    [
        {"type": "integer", "format": "int32", "compliance": PII},
        {"type": "string", "format": "guid", "compliance": PII},
        {"type": "array", "items": NUMBER, "compliance": PII},
        {"$ref": "#/properties/other", "compliance": PII},
    ],
    ids=str,
)
def test_what_is_protected_holds_ciphertext_whatever_its_type(declared: dict[str, Any]) -> None:
    assert shaped(schema(a=declared, other=NUMBER), '{"a":"Q0VOVg==","other":1}') == {
        "a": "Q0VOVg==",
        "other": 1,
    }


def test_protection_of_an_object_is_that_of_its_members() -> None:
    person = {"type": "object", "properties": {"age": NUMBER, "name": TEXT}, "compliance": PII}

    assert shaped(schema(a=person), '{"a":{"age":"Q0VOVg==","Name":"Q0VOVg==","z":1}}') == {
        "a": {"age": "Q0VOVg==", "name": "Q0VOVg=="}
    }


def test_an_entry_without_details_protects_nothing() -> None:
    declared = schema(a={"type": "integer", "compliance": [{"metadataType": "PII"}]})

    with pytest.raises(ShapingError):
        declared.shape({"a": "text"})


def test_a_type_inside_itself_is_shaped_at_every_level() -> None:
    text = {
        "type": "object",
        "properties": {
            "size": NUMBER,
            "parent": {"oneOf": [{"$ref": "#"}, {"type": "null"}]},
            "children": {"type": "array", "items": {"$ref": "#"}},
            "nested": {"type": "array", "items": {"$ref": "#/properties/nested"}},
        },
    }
    declared = Schema.of(json.dumps(text))

    assert shaped(
        declared, '{"parent":{"z":1},"children":[{"Size":2,"children":[{}]}],"nested":[[],[[]]]}'
    ) == {
        "size": 0,
        "parent": {"size": 0},
        "children": [{"size": 2, "children": [{"size": 0}]}],
        "nested": [[], [[]]],
    }


def test_numbers_arrive_as_other_layers_make_them_too() -> None:
    """Migrations and tests hand in plain floats."""
    declared = schema(a={"type": "number"}, b={"type": "number", "format": "decimal"}, c=NUMBER)

    assert declared.shape({"a": 1.5, "b": 2.5, "c": 1}) == {"a": 1.5, "b": 2.5, "c": 1}
    assert type(declared.shape({"a": Decimal("1.5")})["a"]) is float
    with pytest.raises(ShapingError):
        declared.shape({"a": float("nan")})
