"""Personal data by the contract: encrypted at rest, readable for readers, gone once erased (events.md 13).

A key is deleted in a namespace of all event stores, so every test has subjects of its own.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from uuid import uuid4

import grpc.aio
import pytest

from chronicle.contracts import compliance_pb2 as pb
from chronicle.contracts import event_sequences_pb2 as sequences
from chronicle.contracts.compliance_pb2_grpc import ComplianceStub
from tests.conformance.observing import Connection, connected
from tests.conformance.raw import RawStore, Stubs, to_append
from tests.waiting import eventually

MARK = {"compliance": [{"metadataType": "PII", "details": "why"}]}
TEXT = {"type": "string"}
PERSON = {"name": TEXT | MARK, "city": TEXT}


def schema_of(properties: dict[str, Any], **more: Any) -> str:
    return json.dumps({"type": "object", "properties": properties, **more})


class PersonalData:
    """The service, for one event store in one namespace."""

    def __init__(self, channel: grpc.aio.Channel, store: RawStore) -> None:
        self._stub = ComplianceStub(channel)
        self.place = {"EventStore": store.name, "Namespace": store.namespace}

    async def erase(self, subject: str) -> None:
        await self._stub.DeleteEncryptionKey(pb.DeleteEncryptionKeyRequest(**self.place, Identifier=subject))

    async def allow(self, subject: str) -> None:
        await self._stub.AllowNewEncryptionKey(
            pb.AllowNewEncryptionKeyRequest(**self.place, Identifier=subject)
        )

    async def release(self, subject: str, schema: str, payload: str) -> pb.ReleaseResponse:
        return await self._stub.Release(
            pb.ReleaseRequest(**self.place, Subject=subject, Schema=schema, Payload=payload)
        )


@pytest.fixture
def personal(channel: grpc.aio.Channel, raw: RawStore) -> PersonalData:
    return PersonalData(channel, raw)


@pytest.fixture
async def people(raw: RawStore) -> RawStore:
    """An event store whose event type `registered` has a personal name."""
    await raw.register("registered", schema=schema_of(PERSON))
    return raw


@pytest.fixture
def alice() -> str:
    return f"alice-{uuid4().hex}"


@pytest.fixture
def bob() -> str:
    return f"bob-{uuid4().hex}"


async def contents(store: RawStore, first: int = 0) -> list[dict[str, Any]]:
    return [json.loads(event.Content) for event in await store.read(first)]


def stored(event: sequences.AppendedEvent) -> dict[str, Any]:
    """What is kept of an event, as it is kept."""
    content: dict[str, Any] = json.loads(event.GenerationalContent[1])
    return content


def is_envelope(value: str) -> bool:
    return base64.b64decode(value, validate=True).startswith(b"CENV\x01")


@pytest.mark.row("E105")
async def test_personal_data_is_readable_and_stored_encrypted_the_rest_in_the_clear(
    people: RawStore, alice: str
) -> None:
    await people.append("registered", {"name": "Alice", "city": "Oslo"}, alice)

    (event,) = await people.read()

    assert json.loads(event.Content) == {"name": "Alice", "city": "Oslo"}
    assert is_envelope(stored(event)["name"])
    assert stored(event)["city"] == "Oslo"
    (of_alice,) = await people.read_for(alice)
    assert json.loads(of_alice.Content) == {"name": "Alice", "city": "Oslo"}


@pytest.mark.parametrize("last", ['"Bob"', "null"])
async def test_of_personal_data_that_is_said_twice_nothing_is_stored_in_the_clear(
    raw: RawStore, alice: str, last: str
) -> None:
    await raw.register("noted", schema=schema_of({"name": {"type": ["string", "null"]} | MARK}))
    await raw.append("noted", '{"name":"Alice","name":' + last + "}", alice)

    (event,) = await raw.read()

    assert "Alice" not in event.Content
    assert "Alice" not in event.GenerationalContent[1]


@pytest.mark.row("E106", "E168", "S50")
async def test_a_key_belongs_to_the_subject_or_else_to_the_event_source(
    people: RawStore, personal: PersonalData, alice: str, bob: str
) -> None:
    carol = f"carol-{uuid4().hex}"
    response = await people.append_many(
        [
            to_append("registered", {"name": "Alice"}, "source", Subject=alice),
            to_append("registered", {"name": "Bob"}, "source", Subject=bob),
            to_append("registered", {"name": "Carol"}, carol, Subject=""),
        ]
    )
    assert list(response.Errors) == []

    await personal.erase(alice)
    await personal.erase(f"source-of-nobody-{alice}")
    assert [one["name"] for one in await contents(people)] == ["", "Bob", "Carol"]
    await personal.erase(carol)

    assert [one["name"] for one in await contents(people)] == ["", "Bob", ""]


@pytest.mark.row("E107")
async def test_personal_data_anywhere_in_content_comes_back(raw: RawStore, alice: str) -> None:
    person = {"type": "object", "properties": PERSON}
    await raw.register(
        "registered",
        schema=schema_of(
            {
                "where": {"type": "object", "format": "point"},
                "home": {"type": "object", "format": "point"} | MARK,
                "self": person,
                "friends": {"type": "array", "items": person},
                "phones": {"type": "array", "items": TEXT | MARK},
                "notes": {"type": "array", "items": TEXT} | MARK,
            }
        ),
    )
    point = {"type": "Point", "coordinates": [1.5, 2.5]}
    content = {
        "where": point,
        "home": point,
        "self": {"name": "Alice", "city": "Oslo"},
        "friends": [{"name": "Bob", "city": "Rome"}],
        "phones": ["1", "2"],
        "notes": ["a", "b"],
    }

    response = await raw.append("registered", content, alice)

    assert list(response.Errors) == []
    (event,) = await raw.read()
    assert json.loads(event.Content) == content
    for secret in ("Alice", "Bob", '"1"', '"b"'):
        assert secret not in event.GenerationalContent[1]
    assert stored(event)["where"] == point


@pytest.mark.row("E108")
@pytest.mark.parametrize("content", [{"undeclared": 1}, {"NAME": "Alice"}, {"free": {"a": 1}}])
async def test_what_is_not_declared_beside_personal_data_is_refused(
    raw: RawStore, alice: str, content: dict[str, Any]
) -> None:
    await raw.register("registered", schema=schema_of(PERSON | {"free": {"type": "object"}}))
    (path,) = content if "free" not in content else ("free.a",)

    response = await raw.append("registered", {"name": "Alice", **content}, alice)

    (error,) = response.Errors
    assert error.startswith(f"Could not apply compliance metadata for property '{path}' of '{alice}'")
    assert await raw.read() == []


@pytest.mark.row("E26")
async def test_content_that_violates_its_schema_is_rejected_before_a_key_is_made(
    people: RawStore, personal: PersonalData, alice: str
) -> None:
    # A subject that was erased would be refused with an error, if anything were encrypted.
    await personal.erase(alice)

    response = await people.append("registered", {"name": "Alice", "city": 1}, alice)

    assert [one.ConstraintName for one in response.ConstraintViolations] == ["SchemaValidation"]
    assert list(response.Errors) == []


@pytest.mark.row("E109")
@pytest.mark.parametrize("name", ["", "A", "x" * 300, "much " * 3_000])
async def test_values_of_any_length_come_back(people: RawStore, alice: str, name: str) -> None:
    await people.append("registered", {"name": name}, alice)

    assert await contents(people) == [{"name": name}]


@pytest.mark.row("E110")
async def test_appends_that_are_the_first_of_a_subject_at_once_are_all_readable(
    people: RawStore, alice: str
) -> None:
    await asyncio.gather(
        *(people.append("registered", {"name": f"Alice {number}"}, alice) for number in range(8))
    )

    assert {one["name"] for one in await contents(people)} == {f"Alice {number}" for number in range(8)}


@pytest.mark.row("E111")
async def test_an_erased_subject_reads_empty_and_takes_no_personal_data(
    people: RawStore, personal: PersonalData, alice: str, bob: str
) -> None:
    await people.append("registered", {"name": "Alice", "city": "Oslo"}, alice)
    await people.append("registered", {"name": "Bob", "city": "Rome"}, bob)

    await personal.erase(alice)

    assert await contents(people) == [{"name": "", "city": "Oslo"}, {"name": "Bob", "city": "Rome"}]
    refused = await people.append("registered", {"name": "Alice"}, alice)
    (error,) = refused.Errors
    assert error.startswith(f"Failed to apply compliance metadata for property 'name' of '{alice}'.")
    assert not (await people.append("registered", {"city": "Oslo"}, alice)).Errors
    assert not (await people.append("registered", {"name": "Bob"}, bob)).Errors


@pytest.mark.row("E112")
async def test_an_erasure_is_for_one_namespace_of_all_event_stores(
    channel: grpc.aio.Channel, people: RawStore, stubs: Stubs, alice: str
) -> None:
    other_store = RawStore(stubs, f"{people.name}-b")
    await other_store.ensure()
    await other_store.register("registered", schema=schema_of(PERSON))
    acme = people.within(namespace="acme")
    for store in (people, acme, other_store):
        await store.append("registered", {"name": "Alice"}, alice)

    await PersonalData(channel, other_store).erase(alice)

    assert [(await contents(store))[0]["name"] for store in (people, acme, other_store)] == ["", "Alice", ""]


@pytest.mark.row("E113")
async def test_a_subject_erased_before_its_first_event_is_erased(
    people: RawStore, personal: PersonalData, alice: str
) -> None:
    await personal.erase(alice)
    assert (await people.append("registered", {"name": "Alice"}, alice)).Errors

    await personal.allow(alice)

    assert not (await people.append("registered", {"name": "Alice"}, alice)).Errors
    assert await contents(people) == [{"name": "Alice"}]


@pytest.mark.row("E114")
async def test_with_a_new_key_new_values_are_readable_and_old_ones_are_not(
    people: RawStore, personal: PersonalData, alice: str
) -> None:
    await people.append("registered", {"name": "before"}, alice)
    await personal.erase(alice)
    await personal.allow(alice)

    await people.append("registered", {"name": "after"}, alice)

    assert await contents(people) == [{"name": ""}, {"name": "after"}]


VALUES: Sequence[tuple[dict[str, Any], Any]] = [
    ({"type": "boolean"}, True),
    ({"type": "integer", "enum": [0, 1], "x-enumNames": ["open", "closed"]}, 1),
    ({"type": "string", "format": "guid"}, "018f0000-0000-7000-8000-000000000001"),
    ({"type": "string", "format": "date"}, "2024-02-29"),
    ({"type": "integer"}, 12),
    ({"type": "number"}, 1.5),
    ({"type": "integer", "format": "int32"}, 12),
    ({"type": "number", "format": "double"}, 1.5),
]


@pytest.mark.row("E166")
@pytest.mark.parametrize(("described", "value"), VALUES)
async def test_values_keep_their_type_and_are_empty_texts_once_erased(
    raw: RawStore, personal: PersonalData, alice: str, described: dict[str, Any], value: Any
) -> None:
    await raw.register("registered", schema=schema_of({"value": described | MARK}))
    response = await raw.append("registered", {"value": value}, alice)
    assert list(response.Errors) == []

    (read,) = await contents(raw)
    may_be_text = described["type"] in ("integer", "number") and "format" in described
    assert read["value"] == value or (may_be_text and read["value"] == str(value))
    await personal.erase(alice)

    assert await contents(raw) == [{"value": ""}]


@pytest.mark.row("E167")
@pytest.mark.parametrize("content", [{}, {"name": None}, {"city": "Oslo"}])
async def test_without_a_personal_value_an_erased_subject_takes_events(
    raw: RawStore, personal: PersonalData, alice: str, content: dict[str, Any]
) -> None:
    nullable = {"type": ["string", "null"]} | MARK
    await raw.register("registered", schema=schema_of({"name": nullable, "city": TEXT}))
    await personal.erase(alice)

    response = await raw.append("registered", content, alice)

    assert list(response.Errors) == []
    assert len(await raw.read()) == 1


@pytest.mark.row("E115")
@pytest.mark.parametrize("name", ["Alice", "QWxpY2U=", base64.b64encode(bytes(255)).decode()])
async def test_what_was_never_encrypted_is_released_as_it_is(
    people: RawStore, personal: PersonalData, alice: str, name: str
) -> None:
    released = await personal.release(alice, schema_of(PERSON), json.dumps({"name": name}))

    assert not released.HasError
    assert json.loads(released.Payload) == {"name": name}


async def test_what_is_stored_can_be_released(people: RawStore, personal: PersonalData, alice: str) -> None:
    await people.append("registered", {"name": "Alice", "city": "Oslo"}, alice)
    payload = (await people.read())[0].GenerationalContent[1]

    released = await personal.release(alice, schema_of(PERSON), payload)
    assert json.loads(released.Payload) == {"name": "Alice", "city": "Oslo"}
    await personal.erase(alice)

    released = await personal.release(alice, schema_of(PERSON), payload)
    assert json.loads(released.Payload) == {"name": "", "city": "Oslo"}


@pytest.mark.row("E116")
@pytest.mark.parametrize("payload", ["", "{", "[]", "12", "null"])
@pytest.mark.parametrize("properties", [PERSON, {"name": TEXT}])
async def test_a_payload_that_is_no_object_is_an_error_in_the_answer(
    people: RawStore, personal: PersonalData, alice: str, payload: str, properties: dict[str, Any]
) -> None:
    released = await personal.release(alice, schema_of(properties), payload)

    assert released.HasError
    assert released.Error
    if payload == "null":
        assert released.Error == "Invalid JSON payload."


async def test_a_payload_with_an_undeclared_property_is_refused(
    people: RawStore, personal: PersonalData, alice: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match="Could not apply compliance metadata"):
        await personal.release(alice, schema_of(PERSON), '{"other": 1}')


@pytest.fixture
async def connection(stubs: Stubs) -> AsyncIterator[Connection]:
    async with connected(stubs) as connection:
        yield connection


@pytest.mark.row("O21")
async def test_reactors_and_reducers_get_personal_data_in_the_clear(
    people: RawStore, personal: PersonalData, connection: Connection, alice: str
) -> None:
    await people.append("registered", {"name": "Alice"}, alice)
    await people.register_model("person", {"id": TEXT, **PERSON})
    reactor = await connection.reactor(people, "reactor", "registered")
    reducer = await connection.reducer(people, "reducer", "person", "registered")

    for stream in (reactor, reducer):
        batch = await stream.batch()
        assert json.loads(batch.Events[0].Content) == {"name": "Alice"}
        assert is_envelope(json.loads(batch.Events[0].GenerationalContent[1])["name"])


@pytest.mark.row("O67", "S129")
async def test_a_read_model_is_readable_for_all_until_its_subject_is_erased(
    people: RawStore, personal: PersonalData, connection: Connection, alice: str
) -> None:
    await people.register_model("person", {"id": TEXT, **PERSON, "count": {"type": "integer"}})
    reducer = await connection.reducer(people, "reducer", "person", "registered")
    await people.append("registered", {"name": "Alice"}, "source", Subject=alice)
    await reducer.succeed(await reducer.batch(), ReadModelState='{"name":"Alice","city":"Oslo","count":1}')
    await becomes(people, lambda instance: instance is not None and instance["name"] == "Alice")

    await people.append("registered", {"city": "Rome"}, "source", Subject=alice)
    batch = await reducer.batch()
    assert json.loads(batch.InitialState)["name"] == "Alice"
    await reducer.succeed(batch, ReadModelState='{"name":"Alice","city":"Rome","count":2}')
    await becomes(people, lambda instance: instance is not None and instance["count"] == 2)
    assert [one["name"] for one in await people.instances("person")] == ["Alice"]

    await personal.erase(alice)

    await becomes(people, lambda instance: instance is not None and instance["name"] == "")
    assert [(one["name"], one["city"]) for one in await people.instances("person")] == [("", "Rome")]

    # Its reducer goes on with what is left.
    await people.append("registered", {"city": "Bergen"}, "source", Subject=alice)
    batch = await reducer.batch()
    assert json.loads(batch.InitialState)["name"] == ""
    await reducer.succeed(batch, ReadModelState='{"name":"kept by mistake","city":"Bergen","count":3}')
    await becomes(people, lambda instance: instance is not None and instance["count"] == 3)
    assert (await people.instances("person"))[0]["name"] == ""


async def becomes(store: RawStore, is_expected: Callable[[Any], bool]) -> None:
    """Waits until the instance is as expected."""

    async def look() -> Any:
        return json.loads((await store.instance("person", "source")).ReadModel)

    await eventually(look, is_expected)
