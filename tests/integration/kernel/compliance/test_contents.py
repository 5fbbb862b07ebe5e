"""Contents encrypted and released in one namespace (events.md 13.2 and 13.3)."""

import asyncio
import json
import logging
from decimal import Decimal
from typing import Any

import pytest

from chronicle.kernel.compliance import (
    Compliance,
    CompliancePropertyNotFoundInSchema,
    PersonalDataErased,
    Stored,
)
from chronicle.kernel.compliance.envelopes import Envelope, sealed_value
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.schemas import content_of, text_of

MARK = {"compliance": [{"metadataType": "PII", "details": ""}]}


def schema(**properties: Any) -> str:
    return json.dumps({"type": "object", "properties": properties})


TEXT = {"type": "string"}
PERSON = schema(name=TEXT | MARK, city=TEXT, age={"type": "integer", "format": "int32"} | MARK)
PLAIN = schema(name=TEXT)


@pytest.fixture
async def compliance(kernel: Kernel) -> Compliance:
    store = await kernel.event_stores.ensure("bank")
    return (await store.namespace("Default")).compliance


async def stored(compliance: Compliance, schema: str, subject: str, content: dict[str, Any]) -> str:
    return text_of(await compliance.encrypt(schema, subject, content))


async def read(compliance: Compliance, schema: str, subject: str, text: str) -> dict[str, Any]:
    return content_of(await compliance.release(schema, subject, text))


async def test_personal_values_are_envelopes_and_others_are_as_they_were(compliance: Compliance) -> None:
    content = {"name": "Alice", "city": "Oslo", "age": 41}

    encrypted = await compliance.encrypt(PERSON, "alice", content)

    assert content == {"name": "Alice", "city": "Oslo", "age": 41}, "the content given is not touched"
    assert encrypted["city"] == "Oslo"
    assert isinstance(sealed_value(encrypted["name"]), Envelope)
    assert isinstance(sealed_value(encrypted["age"]), Envelope)
    assert await read(compliance, PERSON, "alice", text_of(encrypted)) == content


async def test_content_of_a_schema_without_marks_passes_as_it_is(
    compliance: Compliance, kernel: Kernel
) -> None:
    content = {"name": "Alice", "undeclared": 1}
    text = '{ "name": "Alice" }'

    assert await compliance.encrypt(PLAIN, "alice", content) is content
    assert await compliance.release(PLAIN, "alice", text) is text


@pytest.mark.row("E167")
@pytest.mark.parametrize("content", [{}, {"name": None}, {"city": "Oslo", "age": None}])
async def test_without_a_personal_value_no_key_is_made(
    compliance: Compliance, kernel: Kernel, content: dict[str, Any]
) -> None:
    assert await compliance.encrypt(PERSON, "alice", content) == content
    scopes = kernel.event_stores.key_scopes("Default")
    assert [await kernel.event_stores.encryption_keys.find(scope, {"alice"}) for scope in scopes] == [
        {} for _ in scopes
    ]


@pytest.mark.row("E107", "E166")
@pytest.mark.parametrize(
    ("described", "value"),
    [
        (TEXT, "Åse"),
        (TEXT, ""),
        (TEXT, '{"looks": "like JSON"}'),
        ({"type": "boolean"}, True),
        ({"type": "boolean"}, False),
        ({"type": "integer"}, 12),
        ({"type": "integer", "format": "int64"}, -(2**63)),
        ({"type": "number"}, Decimal("1.5")),
        ({"type": "number", "format": "decimal"}, Decimal("12.500")),
        ({"type": "integer", "enum": [0, 1], "x-enumNames": ["a", "b"]}, 1),
        ({"type": "string", "format": "guid"}, "018f0000-0000-7000-8000-000000000001"),
        ({"type": "string", "format": "date"}, "2024-02-29"),
        ({"type": "array", "items": TEXT}, ["a", None, "b"]),
        ({"type": "array", "items": TEXT}, []),
        ({"type": "object", "additionalProperties": {}}, {"a": {"b": [1]}}),
        ({"type": "object", "format": "point"}, {"type": "Point", "coordinates": [1, 2]}),
    ],
)
async def test_values_of_any_type_come_back_and_are_empty_after_an_erasure(
    compliance: Compliance, kernel: Kernel, described: dict[str, Any], value: Any
) -> None:
    marked = schema(value=described | MARK)

    text = await stored(compliance, marked, "alice", {"value": value})

    assert isinstance(json.loads(text)["value"], str)
    assert await read(compliance, marked, "alice", text) == {"value": value}
    await erase(kernel, "alice")
    blank = [] if isinstance(value, list) else {} if isinstance(value, dict) else ""
    assert await read(compliance, marked, "alice", text) == {"value": blank}


async def erase(kernel: Kernel, subject: str, namespace: str = "Default") -> None:
    await kernel.event_stores.encryption_keys.erase(kernel.event_stores.key_scopes(namespace), subject)


async def allow(kernel: Kernel, subject: str) -> None:
    await kernel.event_stores.encryption_keys.allow_new(kernel.event_stores.key_scopes("Default"), subject)


@pytest.mark.row("E107")
async def test_nested_values_come_back(compliance: Compliance) -> None:
    person = {"type": "object", "properties": {"name": TEXT | MARK, "city": TEXT}}
    nested = schema(
        home={"type": "object", "properties": {"street": TEXT, "number": {"type": "integer"}}} | MARK,
        people={"type": "array", "items": person},
        phones={"type": "array", "items": TEXT | MARK},
        where={"type": "object", "format": "point"},
    )
    content = {
        "home": {"street": "Main Street", "number": 7},
        "people": [{"name": "Bob", "city": "Oslo"}, {"name": None, "city": "Rome"}],
        "phones": ["1", "2"],
        "where": {"type": "Point", "coordinates": [1, 2]},
    }

    text = await stored(compliance, nested, "alice", content)

    assert "Main Street" not in text
    assert "Bob" not in text
    assert "Rome" in text
    assert await read(compliance, nested, "alice", text) == content


@pytest.mark.row("E108")
async def test_an_undeclared_property_is_refused_before_a_key_is_made(
    compliance: Compliance, kernel: Kernel
) -> None:
    with pytest.raises(CompliancePropertyNotFoundInSchema, match="'other' of 'alice'"):
        await compliance.encrypt(PERSON, "alice", {"name": "Alice", "other": 1})

    scope = kernel.event_stores.key_scopes("Default")[0]
    assert await kernel.event_stores.encryption_keys.find(scope, {"alice"}) == {}


@pytest.mark.row("E111")
async def test_what_was_erased_is_empty_and_nothing_personal_can_be_stored(
    compliance: Compliance, kernel: Kernel
) -> None:
    of_alice = await stored(compliance, PERSON, "alice", {"name": "Alice", "city": "Oslo"})
    of_bob = await stored(compliance, PERSON, "bob", {"name": "Bob", "city": "Rome"})

    await erase(kernel, "alice")

    assert await read(compliance, PERSON, "alice", of_alice) == {"name": "", "city": "Oslo"}
    assert await read(compliance, PERSON, "bob", of_bob) == {"name": "Bob", "city": "Rome"}
    with pytest.raises(PersonalDataErased) as refused:
        await compliance.encrypt(PERSON, "alice", {"name": "Alice"})
    assert str(refused.value).startswith(
        "Failed to apply compliance metadata for property 'name' of 'alice'."
    )
    assert await compliance.encrypt(PERSON, "alice", {"city": "Oslo"}) == {"city": "Oslo"}


@pytest.mark.row("E114")
async def test_after_a_new_key_old_values_stay_empty(
    compliance: Compliance, kernel: Kernel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    old = await stored(compliance, PERSON, "alice", {"name": "Alice", "age": 41})
    await erase(kernel, "alice")
    await allow(kernel, "alice")

    new = await stored(compliance, PERSON, "alice", {"name": "Alice again"})

    assert await read(compliance, PERSON, "alice", new) == {"name": "Alice again"}
    assert await read(compliance, PERSON, "alice", old) == {"name": "", "age": ""}
    assert "2 values were encrypted with other keys" in caplog.text
    assert "alice" not in caplog.text


@pytest.mark.row("E115")
@pytest.mark.parametrize("name", ["Alice", "QWxpY2U=", "Q0VO"])
async def test_what_is_not_encrypted_is_released_as_it_is(compliance: Compliance, name: str) -> None:
    text = json.dumps({"name": name})

    assert await compliance.release(PERSON, "alice", text) is text


async def test_contents_of_many_subjects_are_released_together(compliance: Compliance) -> None:
    subjects = [f"subject-{number}" for number in range(5)]
    plan = compliance.plan_of(PERSON)
    texts = [await stored(compliance, PERSON, subject, {"name": subject}) for subject in subjects]

    released = await compliance.release_all(
        [Stored(plan, subject, text) for subject, text in zip(subjects, texts, strict=True)]
    )

    assert [content_of(text)["name"] for text in released] == subjects


async def test_encryption_and_erasure_side_by_side_never_fail_otherwise(
    compliance: Compliance, kernel: Kernel
) -> None:
    async def write() -> str | None:
        try:
            return await stored(compliance, PERSON, "alice", {"name": "Alice"})
        except PersonalDataErased:
            return None

    writing = [asyncio.create_task(write()) for _ in range(10)]
    await erase(kernel, "alice")

    for text in await asyncio.gather(*writing):
        if text is not None:
            assert await read(compliance, PERSON, "alice", text) == {"name": ""}


async def test_a_state_of_a_read_model_goes_on_without_what_was_erased(
    compliance: Compliance, kernel: Kernel
) -> None:
    document = json.dumps({"name": "Alice", "city": "Oslo", "other": 1})
    encrypted = await compliance.encrypt_state(PERSON, "alice", document)
    assert "Alice" not in encrypted
    assert await read(compliance, PERSON, "alice", encrypted) == json.loads(document)

    await erase(kernel, "alice")

    assert json.loads(await compliance.encrypt_state(PERSON, "alice", document)) == {
        "name": "",
        "city": "Oslo",
        "other": 1,
    }
