"""Event types are registered, checked and listed (events.md 3)."""

import json
from collections.abc import Sequence
from typing import Any

import grpc
import grpc.aio
import pytest

from chronicle.contracts import events_pb2 as pb
from tests.conformance.raw import RawStore

TEXT = {"type": "object", "properties": {"name": {"type": "string"}}}
NUMBER = {"type": "object", "properties": {"name": {"type": "integer", "format": "int32"}}}


def generation(number: int, schema: dict[str, Any]) -> pb.EventTypeGenerationDefinition:
    return pb.EventTypeGenerationDefinition(Generation=number, Schema=json.dumps(schema))


def migration(
    from_: int, to: int, upcast: dict[str, Any] | None = None, downcast: dict[str, Any] | None = None
) -> pb.EventTypeMigrationDefinition:
    return pb.EventTypeMigrationDefinition(
        FromGeneration=from_,
        ToGeneration=to,
        UpcastJmesPath=json.dumps(upcast or {}),
        DowncastJmesPath=json.dumps(downcast or {}),
    )


async def register(
    store: RawStore,
    event_type: str,
    latest: int = 1,
    generations: Sequence[pb.EventTypeGenerationDefinition] = (),
    migrations: Sequence[pb.EventTypeMigrationDefinition] = (),
) -> None:
    """EventTypes/Register of one type, validated."""
    registration = pb.EventTypeRegistration(
        Type=pb.EventType(Id=event_type, Generation=latest),
        Schema=generations[-1].Schema if generations else "{}",
        Generations=generations,
        Migrations=migrations,
    )
    await store.stubs.event_types.Register(
        pb.RegisterEventTypesRequest(EventStore=store.name, Types=[registration], DisableValidation=False)
    )


async def refusal(store: RawStore, *args: Any, **kwargs: Any) -> str:
    """The text with which a registration is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await register(store, *args, **kwargs)
    assert failure.value.code() is grpc.StatusCode.UNKNOWN
    return failure.value.details() or ""


async def system_events(store: RawStore, event_type: str) -> list[tuple[str, int]]:
    """What the system sequence says about an event type: which event, for which generation."""
    events = await store.within(sequence="system").read_for(event_type)
    return [(event.Context.EventType.Id, json.loads(event.Content)["generation"]) for event in events]


@pytest.mark.row("E100")
async def test_given_incomplete_migrations_when_a_later_generation_is_registered_then_each_gap_has_its_error(
    raw: RawStore,
) -> None:
    assert "MissingEventTypeMigrators" in await refusal(raw, "grown", 2)
    only_second = [migration(2, 3)]
    assert "MissingFirstGenerationForEventType" in await refusal(raw, "grown", 3, migrations=only_second)
    only_first = [migration(1, 2)]
    assert "MissingMigrationForEventTypeGeneration" in await refusal(raw, "grown", 3, migrations=only_first)
    assert "grown" not in await raw.event_types()


@pytest.mark.row("E101")
async def test_given_a_stored_generation_when_it_comes_with_another_schema_then_it_is_refused(
    raw: RawStore,
) -> None:
    await register(raw, "kept", generations=[generation(1, NUMBER)])
    assert "EventTypeSchemaChanged" in await refusal(raw, "kept", generations=[generation(1, TEXT)])
    nullable = json.loads(json.dumps(NUMBER).replace("int32", "int32?"))
    await register(raw, "kept", generations=[generation(1, nullable)])


@pytest.mark.row("E102")
async def test_given_a_migration_that_names_an_unknown_property_then_it_is_refused_but_not_for_a_default(
    raw: RawStore,
) -> None:
    both = [generation(1, TEXT), generation(2, TEXT)]
    unknown_target = [migration(1, 2, {"unheard": {"$rename": "name"}})]
    unknown_source = [migration(1, 2, {"name": {"$rename": "unheard"}})]
    for wrong in (unknown_target, unknown_source):
        told = await refusal(raw, "moved", 2, both, wrong)
        assert "InvalidMigrationPropertyForEventType" in told
        assert "unheard" in told
    await register(raw, "moved", 2, both, [migration(1, 2, {"unheard": {"$defaultValue": 1}})])


@pytest.mark.row("E103")
async def test_given_registrations_then_the_system_sequence_tells_of_each_new_type_and_generation_once(
    raw: RawStore,
) -> None:
    first, second = generation(1, TEXT), generation(2, TEXT)
    for _ in range(2):
        await register(raw, "told", generations=[first])
    assert await system_events(raw, "told") == [("EventTypeAdded", 1)]
    for _ in range(2):
        await register(raw, "told", 2, [first, second], [migration(1, 2)])
    assert await system_events(raw, "told") == [("EventTypeAdded", 1), ("EventTypeGenerationAdded", 2)]


@pytest.mark.row("E149")
async def test_given_a_migration_from_a_generation_to_itself_then_it_does_not_count(raw: RawStore) -> None:
    to_itself = migration(2, 2)
    assert "MissingEventTypeMigrators" in await refusal(raw, "odd", 2, migrations=[to_itself])
    await register(raw, "odd", 2, migrations=[migration(1, 2), to_itself])
    assert "odd" in await raw.event_types()


async def test_given_one_refused_type_among_several_when_registered_then_none_of_them_is_stored(
    raw: RawStore,
) -> None:
    types = [
        pb.EventTypeRegistration(Type=pb.EventType(Id="fine", Generation=1), Schema="{}"),
        pb.EventTypeRegistration(Type=pb.EventType(Id="gap", Generation=2), Schema="{}"),
    ]
    with pytest.raises(grpc.aio.AioRpcError):
        await raw.stubs.event_types.Register(
            pb.RegisterEventTypesRequest(EventStore=raw.name, Types=types, DisableValidation=False)
        )
    assert not {"fine", "gap"} & await raw.event_types()


async def test_given_a_registered_type_then_its_schema_reads_back_as_it_was_sent(raw: RawStore) -> None:
    await register(raw, "described", generations=[generation(1, TEXT)])
    request = pb.GetAllEventTypesRequest(EventStore=raw.name)
    registrations = (await raw.stubs.event_types.GetAllRegistrations(request)).items
    (schema,) = (one.Schema for one in registrations if one.Type.Id == "described")
    assert json.loads(schema) == TEXT
