"""Read models by the contract and through the client: by key, all, by page (projections-and-... 3)."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import BaseModel

from chronicle import Artifacts, ChronicleClient, DeclarationError, NotRunningError
from chronicle.contracts import read_models_pb2 as pb
from chronicle.values import UNAVAILABLE
from tests.conformance.bank import BANK, Account, AccountReducer
from tests.conformance.kernels import KernelUnderTest
from tests.conformance.observing import Connection, ReducerStream, connected
from tests.conformance.raw import RawStore, Stubs, to_append
from tests.waiting import eventually

PERSON = {"id": {"type": "string"}, "name": {"type": "string"}}


@pytest.fixture
async def connection(stubs: Stubs) -> AsyncIterator[Connection]:
    async with connected(stubs) as connection:
        yield connection


async def keep(store: RawStore, stream: ReducerStream, states: dict[str, dict[str, Any] | None]) -> None:
    """Appends an event for each key, has the reducer answer with its state, and waits for all of them."""
    await store.append_many([to_append("happened", source=key) for key in states])
    for _ in states:
        batch = await stream.batch()
        state = states[batch.Partition]
        await stream.succeed(batch, ReadModelState="" if state is None else json.dumps(state))
    present = {key for key, state in states.items() if state is not None}

    async def kept() -> set[str]:
        return {key for key in states if (await store.instance("person", key)).ReadModel != "null"}

    await eventually(kept, lambda found: found == present)


@pytest.fixture
async def person(raw: RawStore, connection: Connection) -> ReducerStream:
    """A reducer of the read model `person`, subscribed."""
    await raw.register_model("person", PERSON)
    return await connection.reducer(raw, "reducer", "person", "happened")


async def page(store: RawStore, number: int, size: int) -> pb.GetInstancesResponse:
    request = pb.GetInstancesRequest(
        EventStore=store.name, Namespace=store.namespace, ReadModel="person", Page=number, PageSize=size
    )
    return await store.stubs.read_models.GetInstances(request)


@pytest.mark.row("P127", "P140")
async def test_given_a_kept_instance_when_read_by_key_then_it_is_what_is_stored_and_no_client_is_asked(
    raw: RawStore, person: ReducerStream
) -> None:
    await keep(raw, person, {"a": {"name": "Alice"}, "b": {"name": "Bob"}})
    response = await raw.instance("person", "b")
    assert json.loads(response.ReadModel) == {"id": "b", "name": "Bob"}
    assert response.ProjectedEventsCount == 0
    assert response.LastHandledEventSequenceNumber == 1
    assert await person.is_silent()


@pytest.mark.row("P128")
async def test_given_an_unknown_or_a_removed_key_when_read_then_it_is_null_and_nothing_is_computed(
    raw: RawStore, person: ReducerStream
) -> None:
    await keep(raw, person, {"removed": {"name": "Rhea"}})
    await keep(raw, person, {"removed": None})
    for key in ("unknown", "removed"):
        response = await raw.instance("person", key)
        assert response.ReadModel == "null"
        assert response.ProjectedEventsCount == 0
        assert response.LastHandledEventSequenceNumber == UNAVAILABLE
    assert await person.is_silent()


@pytest.mark.row("P134", "P136")
async def test_given_several_sources_when_all_instances_are_read_then_there_is_one_for_each(
    raw: RawStore, person: ReducerStream
) -> None:
    await keep(raw, person, {"a": {"name": "Alice"}, "b": {"name": "Bob"}})
    instances = await raw.instances("person")
    assert sorted((instance["id"], instance["name"]) for instance in instances) == [
        ("a", "Alice"),
        ("b", "Bob"),
    ]


@pytest.mark.row("P137", "P230")
async def test_given_instances_when_read_by_page_then_pages_are_cut_and_the_total_is_of_all(
    raw: RawStore, person: ReducerStream
) -> None:
    empty = await page(raw, 0, 2)
    assert (list(empty.Instances), empty.TotalCount) == ([], 0)
    await keep(raw, person, {f"p{n}": {"name": str(n)} for n in range(5)})
    pages = [await page(raw, number, 2) for number in range(3)]
    assert [len(each.Instances) for each in pages] == [2, 2, 1]
    assert [(each.Page, each.PageSize, each.TotalCount) for each in pages] == [(n, 2, 5) for n in range(3)]
    keys = {json.loads(instance)["id"] for each in pages for instance in each.Instances}
    assert keys == {f"p{n}" for n in range(5)}
    beyond = await page(raw, 7, 2)
    assert (list(beyond.Instances), beyond.TotalCount) == ([], 5)
    assert (beyond.Page, beyond.PageSize) == (7, 2)
    assert (await page(raw, -1, 2)).Instances == pages[0].Instances


@pytest.mark.row("P231")
async def test_given_more_than_a_hundred_instances_when_all_are_read_then_each_comes_once(
    raw: RawStore, person: ReducerStream
) -> None:
    await keep(raw, person, {f"p{n}": {"name": str(n)} for n in range(230)})
    keys = [instance["id"] for instance in await raw.instances("person")]
    assert len(keys) == 230
    assert set(keys) == {f"p{n}" for n in range(230)}


async def test_given_two_namespaces_when_their_instances_are_read_then_each_has_its_own(
    raw: RawStore, person: ReducerStream, connection: Connection
) -> None:
    await raw.ensure_namespace("tenant")
    tenant = raw.within(namespace="tenant")
    other = await connection.reducer(tenant, "reducer", "person", "happened")
    await keep(raw, person, {"a": {"name": "Alice"}})
    await keep(tenant, other, {"a": {"name": "Another"}, "b": {"name": "Bob"}})
    assert [instance["name"] for instance in await raw.instances("person")] == ["Alice"]
    assert sorted(instance["name"] for instance in await tenant.instances("person")) == ["Another", "Bob"]


@pytest.mark.row("P142")
async def test_given_unset_members_when_read_then_nullable_ones_are_absent_and_others_have_their_default(
    raw: RawStore, connection: Connection
) -> None:
    enum = {"type": "integer", "enum": [0, 1], "x-enumNames": ["None", "Some"]}
    await raw.register_model(
        "person",
        {
            **PERSON,
            "born": {"type": "string", "format": "date-time-offset?"},
            "kind": {**enum, "type": ["integer", "null"]},
            "seen": {"type": "string", "format": "date-time-offset"},
            "age": {"type": "integer", "format": "int32"},
            "size": enum,
            "grade": {"type": "integer", "enum": [1, 2], "x-enumNames": ["First", "Second"]},
        },
    )
    stream = await connection.reducer(raw, "reducer", "person", "happened")
    await keep(raw, stream, {"a": {"name": "Alice"}})
    found = json.loads((await raw.instance("person", "a")).ReadModel)
    assert found.keys() == {"id", "name", "seen", "age", "size"}
    assert found["seen"].startswith("0001-01-01T00:00:00")
    assert found["age"] == 0
    assert found["size"] == "None"


@pytest.mark.row("P229")
async def test_given_an_enum_value_that_is_not_declared_when_read_then_it_is_left_out_or_the_zero_member(
    raw: RawStore, connection: Connection
) -> None:
    enum = {"type": "integer", "enum": [0, 1], "x-enumNames": ["None", "Some"]}
    await raw.register_model(
        "person", {**PERSON, "kind": {**enum, "type": ["integer", "null"]}, "size": enum}
    )
    stream = await connection.reducer(raw, "reducer", "person", "happened")
    await keep(raw, stream, {"a": {"kind": 7, "size": 7}, "b": {"kind": 1, "size": 1}})
    assert json.loads((await raw.instance("person", "a")).ReadModel) == {"id": "a", "size": "None"}
    found = json.loads((await raw.instance("person", "b")).ReadModel)
    assert found == {"id": "b", "kind": "Some", "size": "Some"}


@pytest.mark.row("P228")
async def test_given_values_of_all_formats_when_read_then_each_has_the_form_of_its_column(
    raw: RawStore, connection: Connection
) -> None:
    formats = {
        "day": {"type": "string", "format": "date"},
        "clock": {"type": "string", "format": "time"},
        "span": {"type": "string", "format": "duration"},
        "moment": {"type": "string", "format": "date-time-offset"},
        "price": {"type": "number", "format": "decimal"},
        "bytes": {"type": "string", "format": "byte-array"},
        "notes": {"type": "object", "additionalProperties": {"type": "string"}},
        "place": {"type": "object", "format": "point"},
    }
    await raw.register_model("person", {**PERSON, **formats})
    stream = await connection.reducer(raw, "reducer", "person", "happened")
    state = {
        "day": "2024-01-15",
        "clock": "12:30:00",
        "span": "1.02:03:04",
        "moment": "2024-01-15T10:20:30.5000000+02:00",
        "price": 12.34,
        "bytes": "AAEC",
        "notes": {"Any Key": "kept"},
        "place": {"type": "Point", "coordinates": [1.5, 2.5]},
    }
    await keep(raw, stream, {"a": state})
    by_key = json.loads((await raw.instance("person", "a")).ReadModel)
    (raw_form,) = (json.loads(instance) for instance in (await page(raw, 0, 10)).Instances)
    assert by_key["day"] == "2024-01-15T12:00:00"
    assert raw_form["day"] == "2024-01-15"
    assert by_key["clock"] == "0001-01-01T12:30:00"
    assert raw_form["clock"] == "12:30:00"
    assert by_key["moment"] == "2024-01-15T10:20:30.5+02:00"
    for name in ("span", "price", "bytes", "notes", "place"):
        assert by_key[name] == raw_form[name] == state[name]


@pytest.mark.row("P238")
async def test_given_a_model_with_one_more_member_when_registered_again_then_old_instances_read_it_as_unset(
    raw: RawStore, person: ReducerStream
) -> None:
    await keep(raw, person, {"a": {"name": "Alice"}})
    more = {**PERSON, "visits": {"type": "integer", "format": "int32"}, "note": {"type": "string"}}
    await raw.register_model("person", more)
    found = json.loads((await raw.instance("person", "a")).ReadModel)
    assert found == {"id": "a", "name": "Alice", "visits": 0}
    await keep(raw, person, {"b": {"name": "Bob", "visits": 3, "note": "new"}})
    found = json.loads((await raw.instance("person", "b")).ReadModel)
    assert found == {"id": "b", "name": "Bob", "visits": 3, "note": "new"}


@pytest.mark.row("P223")
async def test_given_a_known_model_when_registered_again_then_it_is_replaced_and_an_empty_list_does_nothing(
    raw: RawStore,
) -> None:
    await raw.register_model("person", PERSON)
    await raw.register_model("other", PERSON)
    await raw.register_model("person", {"id": {"type": "string"}})
    await raw.stubs.read_models.RegisterMany(
        pb.RegisterManyRequest(EventStore=raw.name, Owner=pb.READ_MODEL_OWNER_Client)
    )
    found = await raw.stubs.read_models.GetDefinitions(pb.GetDefinitionsRequest(EventStore=raw.name))
    schemas = {one.Type.Identifier: json.loads(one.Schema)["properties"] for one in found.ReadModels}
    assert len(found.ReadModels) == 2
    assert schemas == {"person": {"id": {"type": "string"}}, "other": PERSON}


class Unkept(BaseModel):
    name: str


async def test_given_a_model_that_nothing_keeps_when_read_then_it_is_refused_before_any_call(
    kernel: KernelUnderTest, store_name: str
) -> None:
    async with ChronicleClient(kernel.connection_string) as client:
        store = await client.event_store(store_name, artifacts=BANK + Artifacts(reducers=[AccountReducer]))
    # On a client that is closed a call could not even begin.
    with pytest.raises(NotRunningError):
        await store.read_models.get(Account, "alice")
    with pytest.raises(DeclarationError, match="Unkept"):
        await store.read_models.get(Unkept, "alice")
    with pytest.raises(DeclarationError, match="Unkept"):
        await store.read_models.all(Unkept)
