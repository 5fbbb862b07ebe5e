"""Content and its schema: what is refused, what is made of it, and its hash (events.md 3.5, 11 and 16)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.values import UNAVAILABLE
from tests.conformance.raw import RawStore

TEXT = {"type": "string"}
NUMBER = {"type": "number", "format": "double"}
INTEGER = {"type": "integer", "format": "int32"}
FLAG = {"type": "boolean"}
NULLABLE = {"type": ["string", "null"]}


async def declare(raw: RawStore, properties: Mapping[str, Any], **schema: Any) -> None:
    """Registers the event type `declared`."""
    await raw.register("declared", schema=json.dumps({"type": "object", "properties": properties, **schema}))


async def violations(raw: RawStore, content: str | Mapping[str, Any]) -> Sequence[pb.ConstraintViolation]:
    """What is wrong with a content, of which nothing is stored then; nothing when it is accepted."""
    before = await raw.tail()
    response = await raw.append("declared", content)
    assert list(response.Errors) == []
    if response.ConstraintViolations:
        assert response.SequenceNumber == UNAVAILABLE
        assert await raw.tail() == before
    return response.ConstraintViolations


async def wrong(raw: RawStore, content: str | Mapping[str, Any]) -> list[tuple[str, str]]:
    """The paths of the violations, and of what kind they are."""
    return [(each.Details["path"], each.Details["kind"]) for each in await violations(raw, content)]


async def kept(raw: RawStore, content: str | Mapping[str, Any]) -> dict[str, Any]:
    """What is read of a content that is accepted."""
    response = await raw.append("declared", content)
    assert not response.ConstraintViolations
    assert list(response.Errors) == []
    (event,) = await raw.read(response.SequenceNumber)
    read: dict[str, Any] = json.loads(event.Content)
    return read


@pytest.mark.row("E19", "E20")
async def test_given_a_required_property_when_it_is_missing_then_it_is_violated_unless_it_may_be_null(
    raw: RawStore,
) -> None:
    properties = {"name": TEXT, "nickname": NULLABLE, "age": {"type": "integer", "format": "int32?"}}
    await declare(raw, properties, required=["name", "nickname", "age"])
    (violation,) = await violations(raw, {"nickname": "x"})
    assert violation.ConstraintType == pb.CONSTRAINT_TYPE_Schema
    assert violation.ConstraintName == "SchemaValidation"
    assert violation.SequenceNumber == UNAVAILABLE
    assert violation.EventTypeId == "declared"
    assert violation.Message == "Property 'name' is required."
    assert dict(violation.Details) == {"path": "name", "kind": "PropertyRequired"}
    assert await wrong(raw, {"name": "x"}) == []


@pytest.mark.row("E21", "E22", "E23")
@pytest.mark.parametrize(
    ("declared", "value", "got"),
    [
        (INTEGER, "1", "string"),
        (TEXT, 1, "number"),
        (FLAG, "true", "string"),
        (INTEGER, 1.5, "number"),
        (TEXT, None, "null"),
        (INTEGER, [1], "array"),
    ],
)
async def test_given_a_value_of_another_type_then_it_is_violated_in_these_words(
    raw: RawStore, declared: Mapping[str, Any], value: Any, got: str
) -> None:
    await declare(raw, {"value": declared})
    (violation,) = await violations(raw, {"value": value})
    assert dict(violation.Details) == {"path": "value", "kind": "WrongPropertyType"}
    assert violation.Message == f"Property 'value' expected {declared['type']} but got {got}."


@pytest.mark.row("E22", "E23")
async def test_given_values_that_fit_then_they_are_accepted(raw: RawStore) -> None:
    await declare(raw, {"count": INTEGER, "note": NULLABLE, "rate": NUMBER})
    assert await kept(raw, {"count": 1, "rate": 2}) == {"count": 1, "rate": 2}
    assert await wrong(raw, {"count": 1, "note": None}) == []
    # The validator takes it, and shaping cannot.
    response = await raw.append("declared", '{"count": 1.0}')
    assert not response.ConstraintViolations
    assert len(response.Errors) == 1


@pytest.mark.row("E24")
async def test_given_a_wrong_type_within_something_then_the_path_leads_there(raw: RawStore) -> None:
    address = {"type": "object", "properties": {"street": TEXT}}
    properties = {
        "address": address,
        "numbers": {"type": "array", "items": INTEGER},
        "other": {"$ref": "#/properties/address"},
        "list": {"type": "array", "items": address},
    }
    await declare(raw, properties)
    content = {
        "address": {"street": 1},
        "numbers": [1, "2"],
        "other": {"street": False},
        "list": [{"street": "x"}, {"street": 2}],
    }
    found = await wrong(raw, content)
    assert {path for path, _ in found} == {"address.street", "numbers[1]", "other.street", "list[1].street"}
    assert {kind for _, kind in found} == {"WrongPropertyType"}


@pytest.mark.row("E25")
@pytest.mark.parametrize("value", [{"deep": [1]}, [{"a": 1}]])
async def test_given_a_property_without_a_type_then_objects_and_arrays_are_kept_in_it(
    raw: RawStore, value: Any
) -> None:
    await declare(raw, {"anything": {}, "name": TEXT})
    assert await kept(raw, {"anything": value, "name": "x"}) == {"anything": value, "name": "x"}
    assert await wrong(raw, {"anything": "a single value"}) == []


@pytest.mark.row("E27")
async def test_given_a_property_that_is_not_declared_then_it_is_gone(raw: RawStore) -> None:
    await declare(raw, {"name": TEXT})
    assert await kept(raw, {"name": "x", "unheard": {"of": 1}}) == {"name": "x"}


@pytest.mark.row("E138")
@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ({"type": "string", "format": "guid"}, "no guid"),
        ({"type": "string", "format": "date-time-offset"}, "yesterday"),
        ({"type": "string", "format": "byte-array"}, "not base64!"),
        (INTEGER, 2**31),
        ({"type": "integer", "format": "byte"}, -1),
        ({"type": "integer"}, 2**31),
    ],
)
async def test_given_a_value_that_its_format_cannot_hold_then_the_append_fails_without_a_violation(
    raw: RawStore, declared: Mapping[str, Any], value: Any
) -> None:
    await declare(raw, {"value": declared})
    response = await raw.append("declared", {"value": value})
    assert len(response.Errors) == 1
    assert not response.ConstraintViolations
    assert response.SequenceNumber == UNAVAILABLE
    assert await raw.tail() == UNAVAILABLE


@pytest.mark.row("E139")
async def test_given_absent_properties_then_values_get_their_default_and_all_others_stay_absent(
    raw: RawStore,
) -> None:
    await declare(
        raw,
        {
            "count": INTEGER,
            "flag": FLAG,
            "id": {"type": "string", "format": "guid"},
            "maybe": {"type": ["integer", "null"], "format": "int32?"},
            "name": TEXT,
            "list": {"type": "array", "items": TEXT},
        },
    )
    assert await kept(raw, {}) == {"count": 0, "flag": False, "id": "00000000-0000-0000-0000-000000000000"}


@pytest.mark.row("E140")
async def test_given_a_property_in_another_casing_then_it_gets_that_of_the_schema_unless_it_is_required(
    raw: RawStore,
) -> None:
    await declare(raw, {"firstName": TEXT, "lastName": TEXT}, required=["lastName"])
    assert await kept(raw, {"FirstName": "Ada", "lastName": "L"}) == {"firstName": "Ada", "lastName": "L"}
    assert await wrong(raw, {"firstName": "Ada", "LastName": "L"}) == [("lastName", "PropertyRequired")]


@pytest.mark.row("E141")
async def test_given_an_enumeration_then_its_numbers_are_kept_and_its_names_are_refused(
    raw: RawStore,
) -> None:
    await declare(raw, {"color": {"type": "integer", "enum": [0, 7], "x-enumNames": ["Red", "Blue"]}})
    assert await kept(raw, {"color": 7}) == {"color": 7}
    assert await wrong(raw, {"color": "Blue"}) == [("color", "WrongPropertyType")]


@pytest.mark.row("E142")
async def test_given_an_open_object_then_all_that_it_holds_is_kept(raw: RawStore) -> None:
    await declare(raw, {"shape": {"type": "object"}})
    shape = {"_derivedTypeId": "circle", "radius": 1.5, "center": {"x": 1, "y": 2}, "Tags": ["a", {"b": 1}]}
    assert await kept(raw, {"shape": shape}) == {"shape": shape}


@pytest.mark.row("E143")
async def test_given_several_branches_then_one_of_the_kind_must_be_there_and_only_a_lone_one_is_looked_into(
    raw: RawStore,
) -> None:
    one, other = ({"type": "object", "properties": {"a": each}} for each in (INTEGER, TEXT))
    await declare(raw, {"value": {"anyOf": [TEXT, one]}, "unclear": {"anyOf": [one, other]}})
    assert await wrong(raw, {"value": 1}) == [("value", "WrongPropertyType")]
    assert await wrong(raw, {"value": {"a": "x"}}) == [("value.a", "WrongPropertyType")]
    assert await wrong(raw, {"unclear": {"a": False}}) == []


@pytest.mark.row("E95")
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{}", "Xt/WvAkQEIOex8k9F8n0dSxZOKpL6Sz5m6Vzim2tHyo="),
        ('{"zebra":"z", "alpha":"a","middle":"m"}', "rHOIBN28B9DSuXCHaXotl60N/ZFcUZQGucM20BvD7Ck="),
        (
            '{"name":"John","address":{"street":"Main Street","city":"Oslo"}}',
            "JL6IQGhxi6G7CjVh/67ZnGDVRasAmUBYt3t/pHBatzU=",
        ),
        (
            '{"items":[{"value":1},{"value":2}],"numbers":[3,1,2],"tags":["developer","architect","lead"]}',
            "Sfv9UsNRwwC5j0vK3ggUk7d5SrqK/pqqlEeAgVkODPU=",
        ),
        (
            '{"quote":"he said \\"hi\\" & left","emoji":"\\uD83D\\uDE80✨","japanese":"日本語",'
            '"norwegian":"blåbærsyltetøy"}',
            "FbS6mzc4fVrOq6WRIfDBprtpnxMMwyiZzm3yarjPz+Q=",
        ),
    ],
)
async def test_given_content_then_its_hash_is_that_of_every_kernel(
    raw: RawStore, content: str, expected: str
) -> None:
    await raw.register("the-event-type")
    await raw.append("the-event-type", content, "the-event-source")
    await raw.append("the-event-type", content, "another-source")
    await raw.append("happened", content, "the-event-source")
    await raw.append("the-event-type", {"something": "else"}, "the-event-source")
    first, *others = [event.Context.Hash for event in await raw.read()]
    assert first == expected
    assert len({first, *others}) == 4
