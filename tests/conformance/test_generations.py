"""Events in several generations of their type: appended, read, delivered, migrated (events.md 3.6)."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from chronicle import (
    Artifacts,
    ChronicleClient,
    EventContext,
    EventStore,
    MigrationBuilder,
    Pii,
    event_type,
    migration,
    reactor,
)
from chronicle.contracts import event_sequences_pb2 as sequences
from chronicle.contracts import events_pb2 as pb
from chronicle.values import UNAVAILABLE
from tests.conformance.observing import Connection, connected
from tests.conformance.raw import RawStore, Stubs, to_append
from tests.waiting import eventually

TEXT = {"type": "string"}
COUNT = {"type": "integer", "format": "int32"}

Properties = Mapping[str, Any]
Step = tuple[Properties, Properties]
"""An upcast and a downcast."""

NAMED: Sequence[Properties] = ({"name": TEXT}, {"first": TEXT, "last": TEXT})
SPLIT: Step = (
    {
        "first": {"$split": {"source": "name", "separator": " ", "part": 0}},
        "last": {"$split": {"source": "name", "separator": " ", "part": 1}},
    },
    {"name": {"$combine": {"sources": ["first", "last"], "separator": " "}}},
)
ONE, TWO = {"name": "Ada Lovelace"}, {"first": "Ada", "last": "Lovelace"}


async def register(store: RawStore, generations: Sequence[Properties], *steps: Step) -> None:
    """EventTypes/Register of the type `named` with these properties by generation, and the steps between."""
    schemas = [json.dumps({"type": "object", "properties": properties}) for properties in generations]
    registration = pb.EventTypeRegistration(
        Type=pb.EventType(Id="named", Generation=len(schemas)),
        Schema=schemas[-1],
        Generations=[
            pb.EventTypeGenerationDefinition(Generation=number, Schema=schema)
            for number, schema in enumerate(schemas, 1)
        ],
        Migrations=[
            pb.EventTypeMigrationDefinition(
                FromGeneration=number,
                ToGeneration=number + 1,
                UpcastJmesPath=json.dumps(upcast),
                DowncastJmesPath=json.dumps(downcast),
            )
            for number, (upcast, downcast) in enumerate(steps, 1)
        ],
    )
    await store.stubs.event_types.Register(
        pb.RegisterEventTypesRequest(EventStore=store.name, Types=[registration])
    )


async def append(
    store: RawStore, content: Properties, generation: int = 1, **fields: Any
) -> sequences.AppendResponse:
    type_ = sequences.EventType(Id="named", Generation=generation)
    request = store.append_request("named", content, EventType=type_, **fields)
    return await store.stubs.event_sequences.Append(request)


async def append_well(store: RawStore, content: Properties, generation: int = 1) -> None:
    response = await append(store, content, generation)
    assert not response.Errors
    assert response.SequenceNumber != UNAVAILABLE


def generational(event: Any) -> dict[int, Any]:
    """The contents of an event by generation."""
    return {generation: json.loads(text) for generation, text in event.GenerationalContent.items()}


def own(event: Any) -> tuple[int, Any]:
    """The generation and the content that an event comes in."""
    return event.Context.EventType.Generation, json.loads(event.Content)


@pytest.fixture
async def connection(stubs: Stubs) -> AsyncIterator[Connection]:
    async with connected(stubs) as connection:
        yield connection


@pytest.mark.row("E96")
async def test_given_two_generations_when_either_is_appended_then_the_other_is_made_of_it(
    raw: RawStore,
) -> None:
    await register(raw, NAMED, SPLIT)
    await append_well(raw, ONE, generation=1)
    await append_well(raw, TWO, generation=2)
    events = await raw.read()
    assert [generational(event) for event in events] == [{1: ONE, 2: TWO}] * 2
    assert [own(event) for event in events] == [(2, TWO)] * 2


@pytest.mark.row("E97")
@pytest.mark.parametrize("generation", [1, 2, 3])
async def test_given_three_generations_when_any_is_appended_then_all_are_stored(
    raw: RawStore, generation: int
) -> None:
    name = "abc"[generation - 1]
    await register(
        raw,
        ({"a": TEXT}, {"b": TEXT}, {"c": TEXT}),
        ({"b": {"$rename": "a"}}, {"a": {"$rename": "b"}}),
        ({"c": {"$rename": "b"}}, {"b": {"$rename": "c"}}),
    )
    await append_well(raw, {name: "x"}, generation)
    (event,) = await raw.read()
    assert generational(event) == {1: {"a": "x"}, 2: {"b": "x"}, 3: {"c": "x"}}


@pytest.mark.row("E98")
async def test_given_a_default_then_it_fills_what_is_absent_and_keeps_what_is_there(raw: RawStore) -> None:
    properties = {"name": TEXT, "nick": TEXT}
    await register(raw, (properties, properties), ({"nick": {"$defaultValue": "none"}}, {}))
    await append_well(raw, {"name": "Ada"})
    await append_well(raw, {"name": "Ada", "nick": "Al"})
    assert [own(event)[1]["nick"] for event in await raw.read()] == ["none", "Al"]


@pytest.mark.row("E99")
async def test_given_stored_events_when_a_generation_is_registered_then_they_are_given_it(
    raw: RawStore,
) -> None:
    await register(raw, NAMED[:1])
    await append_well(raw, ONE)
    more = {**NAMED[1], "title": TEXT}
    upcast, downcast = SPLIT
    await register(raw, (NAMED[0], more), ({**upcast, "title": {"$defaultValue": "none"}}, downcast))
    (event,) = await eventually(raw.read, lambda events: own(events[0])[0] == 2)
    assert own(event) == (2, {**TWO, "title": "none"})
    assert generational(event)[1] == ONE
    assert event.Context.Hash == ""


@pytest.mark.row("E144")
async def test_given_two_generations_then_live_delivery_is_in_the_appended_and_catch_up_in_the_highest(
    raw: RawStore, connection: Connection
) -> None:
    await register(raw, NAMED, SPLIT)
    live = await connection.reactor(raw, "live", "named")
    await append_well(raw, ONE)
    (batch,) = await live.batches(1)
    assert own(batch.Events[0]) == (1, ONE)
    late = await connection.reactor(raw, "late", "named")
    (batch,) = await late.batches(1)
    assert own(batch.Events[0]) == (2, TWO)
    assert generational(batch.Events[0]) == {1: ONE, 2: TWO}


@pytest.mark.row("E99")
async def test_given_events_that_were_migrated_when_a_reactor_registers_then_it_catches_up_with_what_they_are(
    raw: RawStore, connection: Connection
) -> None:
    await register(raw, NAMED[:1])
    await append_well(raw, ONE)
    early = await connection.reactor(raw, "early", "named")
    await early.batches(1)
    await register(raw, NAMED, SPLIT)
    await eventually(raw.read, lambda events: own(events[0])[0] == 2)
    late = await connection.reactor(raw, "late", "named")
    (batch,) = await late.batches(1)
    assert own(batch.Events[0]) == (2, TWO)


@pytest.mark.row("E145")
async def test_given_two_generations_when_events_are_appended_together_then_all_are_stored_as_for_one(
    raw: RawStore,
) -> None:
    await register(raw, NAMED, SPLIT)
    response = await raw.append_many([to_append("named", ONE), to_append("happened")])
    assert not response.Errors
    named, _ = await raw.read()
    assert own(named) == (2, TWO)
    assert generational(named) == {1: ONE, 2: TWO}


@pytest.mark.row("E146")
async def test_given_one_generation_when_another_is_appended_then_it_reads_back_with_that_number(
    raw: RawStore,
) -> None:
    await register(raw, NAMED[:1])
    await append_well(raw, ONE, generation=7)
    (event,) = await raw.read()
    assert own(event) == (7, ONE)


@pytest.mark.row("E146")
async def test_given_two_generations_when_another_is_appended_then_it_fails_after_its_scope_was_checked(
    raw: RawStore,
) -> None:
    await register(raw, NAMED, SPLIT)
    response = await append(raw, ONE, 7)
    assert len(response.Errors) == 1
    assert response.SequenceNumber == UNAVAILABLE
    assert not response.ConcurrencyCheckPerformed
    scope = sequences.ConcurrencyScope(ExpectsNoMatchingEvent=True, EventSourceId=True)
    response = await append(raw, ONE, 7, ConcurrencyScope=scope)
    assert len(response.Errors) == 1
    assert response.ConcurrencyCheckPerformed
    await append_well(raw, ONE)
    response = await append(raw, ONE, 7, ConcurrencyScope=scope)
    assert not response.Errors
    assert response.HasField("ConcurrencyViolation")


@pytest.mark.row("E147")
@pytest.mark.parametrize(
    ("operation", "content", "made"),
    [
        ({"$split": {"source": "name", "separator": " ", "part": 0}}, {}, ""),
        ({"$split": {"source": "name", "separator": " ", "part": 5}}, {"name": "Ada"}, ""),
        ({"$combine": {"sources": ["name", "nick"], "separator": "-"}}, {"nick": "Al"}, "Al"),
        ({"$rename": "name"}, {"name": "Ada"}, "Ada"),
    ],
)
async def test_given_an_operation_then_it_makes_the_property(
    raw: RawStore, operation: Properties, content: Properties, made: str
) -> None:
    await register(raw, ({"name": TEXT, "nick": TEXT}, {"made": TEXT}), ({"made": operation}, {}))
    await append_well(raw, content)
    (event,) = await raw.read()
    assert own(event) == (2, {"made": made})


@pytest.mark.row("E147")
async def test_given_a_split_of_what_is_no_text_then_the_append_fails(raw: RawStore) -> None:
    split = {"made": {"$split": {"source": "count", "separator": " ", "part": 0}}}
    await register(raw, ({"count": COUNT}, {"made": TEXT}), (split, {}))
    response = await append(raw, {"count": 5})
    assert len(response.Errors) == 1
    assert not response.ConstraintViolations
    assert await raw.tail() == UNAVAILABLE


@pytest.mark.row("E148")
async def test_given_a_type_in_use_when_a_generation_is_registered_then_it_is_checked_at_once(
    raw: RawStore,
) -> None:
    await register(raw, NAMED[:1])
    await append_well(raw, ONE)
    await register(raw, NAMED, SPLIT)
    await append_well(raw, TWO, generation=2)
    response = await append(raw, {"first": 1, "last": "Lovelace"}, 2)
    assert [violation.Details["path"] for violation in response.ConstraintViolations] == ["first"]


async def test_given_a_malformed_operation_when_registered_then_it_is_refused(raw: RawStore) -> None:
    malformed = {"first": {"$split": "name"}}
    with pytest.raises(Exception, match="InvalidMigrationForEventType"):
        await register(raw, NAMED, (malformed, {}))


@event_type("named")
@dataclass
class NamedBefore:
    name: str


@event_type("named", generation=2)
@dataclass
class Named:
    first: str
    last: str


@migration(Named, from_=1, to=2)
class SplitName:
    def upcast(self, to: MigrationBuilder) -> None:
        to.split("name", "first", separator=" ", part=0).split("name", "last", separator=" ", part=1)

    def downcast(self, to: MigrationBuilder) -> None:
        to.combine(["first", "last"], "name", separator=" ")


@pytest.mark.row("S186", "S140")
async def test_given_handlers_of_two_generations_then_each_is_given_its_own_whatever_was_appended(
    client: ChronicleClient, store_name: str
) -> None:
    seen: dict[str, list[tuple[Any, int]]] = {"before": [], "after": []}

    @reactor("before")
    async def before(event: NamedBefore, context: EventContext) -> None:
        seen["before"].append((event, context.generation))

    @reactor("after")
    async def after(event: Named, context: EventContext) -> None:
        seen["after"].append((event, context.generation))

    store = await client.event_store(
        store_name, artifacts=Artifacts(reactors=[before, after], migrations=[SplitName])
    )
    await store.event_log.append("1", NamedBefore("Ada Lovelace"))
    async with store.unit_of_work() as unit:
        unit.append("2", Named("Ada", "Lovelace"))

    async def count() -> int:
        return sum(map(len, seen.values()))

    await eventually(count, lambda seen_so_far: seen_so_far == 4)
    assert seen["before"] == [(NamedBefore("Ada Lovelace"), 1)] * 2
    assert seen["after"] == [(Named("Ada", "Lovelace"), 2)] * 2
    events = await store.event_log.events_from(0)
    assert [one.event for one in events] == [Named("Ada", "Lovelace")] * 2


async def test_given_an_application_of_before_when_one_of_after_has_appended_then_it_reads_its_own_class(
    client: ChronicleClient, store_name: str
) -> None:
    after = await client.event_store(
        store_name, artifacts=Artifacts(event_types=[NamedBefore], migrations=[SplitName])
    )
    await after.event_log.append("1", Named("Ada", "Lovelace"))
    # Another casing, so that one client can be two applications.
    before = await client.event_store(
        store_name, namespace="default", artifacts=Artifacts(event_types=[NamedBefore])
    )
    (appended,) = await before.event_log.events_from(0)
    assert appended.event == NamedBefore("Ada Lovelace")
    assert appended.context.generation == 1


@event_type("written-to")
@dataclass
class WrittenToBefore:
    name: Annotated[str, Pii("to address them")]


@event_type("written-to", generation=2)
@dataclass
class WrittenTo:
    full_name: Annotated[str, Pii("to address them")]


@migration(WrittenTo, from_=1, to=2)
class NamedInFull:
    def upcast(self, to: MigrationBuilder) -> None:
        to.rename("name", "full_name")

    def downcast(self, to: MigrationBuilder) -> None:
        to.rename("full_name", "name")


async def test_given_personal_data_then_it_is_readable_in_every_generation_until_its_subject_is_erased(
    client: ChronicleClient, store_name: str
) -> None:
    seen: list[Any] = []
    subject = f"ada-of-{store_name}"

    @reactor("before")
    async def before(event: WrittenToBefore) -> None:
        seen.append(event)

    after = await client.event_store(
        store_name,
        artifacts=Artifacts(event_types=[WrittenToBefore, WrittenTo], migrations=[NamedInFull]),
    )
    events = [WrittenToBefore("Ada"), WrittenTo("Grace")]
    await after.event_log.append_many("letters", events, subject=subject)
    await after.event_log.append(subject, WrittenTo("Alan"))
    # Another casing, so that one client can be two applications.
    earlier = await client.event_store(
        store_name,
        namespace="default",
        artifacts=Artifacts(event_types=[WrittenToBefore], reactors=[before]),
    )

    async def read(store: EventStore) -> list[Any]:
        return [appended.event for appended in await store.event_log.events_from(0)]

    assert await read(after) == [WrittenTo("Ada"), WrittenTo("Grace"), WrittenTo("Alan")]
    expected = [WrittenToBefore("Ada"), WrittenToBefore("Grace"), WrittenToBefore("Alan")]
    assert await read(earlier) == expected

    async def handled() -> int:
        return len(seen)

    await eventually(handled, lambda count: count == len(expected))
    assert sorted(seen, key=lambda event: event.name) == sorted(expected, key=lambda event: event.name)
    await after.compliance.delete_key(subject)
    assert await read(after) == [WrittenTo("")] * 3
    assert await read(earlier) == [WrittenToBefore("")] * 3
