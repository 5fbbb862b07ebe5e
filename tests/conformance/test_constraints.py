"""Constraints by the contract and through the client (events.md 7)."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import uuid4

import grpc
import grpc.aio
import pytest

from chronicle import (
    Artifacts,
    ChronicleClient,
    ConstraintBuilder,
    ConstraintScope,
    ConstraintViolationError,
    EventFor,
    Unique,
    constraint,
    event_type,
    removes_constraint,
    unique_event_type,
)
from chronicle.contracts import compliance_pb2 as compliance
from chronicle.contracts import event_sequences_pb2 as sequences
from chronicle.contracts import events_constraints_pb2 as pb
from chronicle.contracts.compliance_pb2_grpc import ComplianceStub
from chronicle.values import UNAVAILABLE
from tests.conformance.raw import RawStore, to_append
from tests.waiting import eventually

SCOPED = "_scoped_"


@pytest.fixture
async def raw(raw: RawStore) -> RawStore:
    await raw.register("registered", "moved", "left", "banned", "noted")
    return raw


def unique(name: str = "email", ignore_casing: bool = False, **constraint: Any) -> pb.Constraint:
    """The values of `email` in `registered` and of `newEmail` in `moved`."""
    return values(
        {"registered": ["email"], "moved": ["newEmail"]}, name=name, ignore_casing=ignore_casing, **constraint
    )


def values(
    properties: dict[str, list[str]], *, name: str = "email", ignore_casing: bool = False, **constraint: Any
) -> pb.Constraint:
    definition = pb.UniqueConstraintDefinition(
        EventDefinitions=[
            pb.UniqueConstraintEventDefinition(EventTypeId=event_type, Properties=paths)
            for event_type, paths in properties.items()
        ],
        IgnoreCasing=ignore_casing,
    )
    return pb.Constraint(
        Name=name,
        Type=pb.CONSTRAINT_TYPE_Unique,
        Definition=_Definition(Value0=definition),
        **({"Scope": pb.ConstraintScope()} | constraint),
    )


def once(*event_types: str, **constraint: Any) -> pb.Constraint:
    definition = pb.UniqueEventTypeConstraintDefinition(EventTypeIds=event_types)
    return pb.Constraint(
        Name="once",
        Type=pb.CONSTRAINT_TYPE_UniqueEventType,
        Definition=_Definition(Value1=definition),
        Scope=pb.ConstraintScope(),
        **constraint,
    )


_Definition = pb.OneOf_UniqueConstraintDefinition_UniqueEventTypeConstraintDefinition


async def register(store: RawStore, *constraints: pb.Constraint) -> None:
    request = pb.RegisterConstraintsRequest(EventStore=store.name, Constraints=constraints)
    await store.stubs.constraints.Register(request)


def violations(response: sequences.AppendResponse) -> Sequence[sequences.ConstraintViolation]:
    """Why an append was refused; nothing when it was not."""
    assert list(response.Errors) == []
    assert (response.SequenceNumber == UNAVAILABLE) == bool(response.ConstraintViolations)
    return response.ConstraintViolations


async def registered(store: RawStore, source: str, email: Any, **fields: Any) -> Sequence[Any]:
    return violations(await store.append("registered", {"email": email}, source, **fields))


async def moved(store: RawStore, source: str, email: Any, **fields: Any) -> Sequence[Any]:
    return violations(await store.append("moved", {"newEmail": email}, source, **fields))


async def holder(store: RawStore, email: str) -> int | None:
    """The event that keeps a new source from having a value; `None` when it now has it.

    The real kernel notices a new constraint with an append, and indexes older events some time later.
    """
    refused = await registered(store, str(uuid4()), email)
    return refused[0].SequenceNumber if refused else None


@pytest.mark.row("E47", "E58", "E159")
async def test_given_a_value_of_another_source_when_appended_then_it_is_refused_in_these_words(
    raw: RawStore,
) -> None:
    await register(raw, unique())
    await raw.append("noted")
    assert not await registered(raw, "source-a", "ada@example.org")
    response = await raw.append("registered", {"email": "ada@example.org"}, "source-b")
    assert response.SequenceNumber == UNAVAILABLE
    assert not response.ConcurrencyCheckPerformed
    (violation,) = response.ConstraintViolations
    assert violation.EventTypeId == "registered"
    assert violation.ConstraintType == sequences.CONSTRAINT_TYPE_Unique
    assert violation.ConstraintName == "email"
    assert violation.SequenceNumber == 1
    assert violation.Message == (
        "Event 'registered' on member 'email' violated a unique constraint on sequence number 1"
    )
    assert dict(violation.Details) == {"PropertyName": "email", "PropertyValue": "ada@example.org"}


@pytest.mark.row("E48", "E52", "E57")
async def test_given_a_holder_when_it_takes_a_value_again_or_another_then_that_is_the_one_it_holds(
    raw: RawStore,
) -> None:
    await register(raw, unique())
    assert not await registered(raw, "a", "x")
    assert not await registered(raw, "a", "x")
    assert [one.SequenceNumber for one in await moved(raw, "b", "x")] == [1]
    assert not await moved(raw, "a", "y")
    assert [one.SequenceNumber for one in await registered(raw, "b", "y")] == [2]
    assert not await registered(raw, "b", "x")


@pytest.mark.row("E49", "E159")
async def test_given_two_properties_when_both_are_equal_then_there_are_two_violations(raw: RawStore) -> None:
    await register(raw, values({"registered": ["first", "last"]}))
    await raw.append("registered", {"first": "Ada", "last": "King"}, "a")
    assert not violations(await raw.append("registered", {"first": "Ada", "last": "Byron"}, "b"))
    refused = violations(await raw.append("registered", {"first": "Ada", "last": "King"}, "c"))
    assert [(one.SequenceNumber, dict(one.Details)) for one in refused] == [
        (0, {"PropertyName": "first", "PropertyValue": "Ada"}),
        (0, {"PropertyName": "last", "PropertyValue": "King"}),
    ]


@pytest.mark.row("E50")
async def test_given_nested_properties_when_their_combination_is_there_then_it_is_refused(
    raw: RawStore,
) -> None:
    await register(raw, values({"registered": ["home.street", "home.number"]}))

    async def lives(source: str, street: str, number: int) -> Sequence[Any]:
        home = {"home": {"street": street, "number": number}}
        return violations(await raw.append("registered", home, source))

    assert not await lives("a", "High", 1)
    assert not await lives("b", "High", 2)
    assert len(await lives("c", "High", 1)) == 2


@pytest.mark.row("E51")
async def test_given_null_or_nothing_when_two_sources_append_it_then_both_are_accepted(raw: RawStore) -> None:
    await register(raw, unique())
    for source in ("a", "b"):
        assert not violations(await raw.append("registered", {"email": None}, source))
        assert not violations(await raw.append("registered", {}, source))


@pytest.mark.row("E53", "E54", "E55")
@pytest.mark.parametrize("removal", ["left", "banned"])
async def test_given_several_removal_events_when_the_holder_has_any_of_them_then_its_value_is_free(
    raw: RawStore, removal: str
) -> None:
    await register(raw, unique(RemovedWith=["left", "banned"]))
    await registered(raw, "a", "x")
    await raw.append(removal, {}, "c")
    assert await registered(raw, "b", "x")
    await raw.append(removal, {}, "a")
    assert not await registered(raw, "b", "x")


@pytest.mark.row("S38")
async def test_given_three_removal_events_then_the_value_is_held_between_them_and_free_after_each(
    raw: RawStore,
) -> None:
    removals = ["left", "banned", "noted"]
    await register(raw, unique(RemovedWith=removals))
    for number, removal in enumerate(removals):
        assert not await registered(raw, f"source-{number}", "x")
        assert await registered(raw, "somebody-else", "x")
        await raw.append(removal, {}, f"source-{number}")


@pytest.mark.row("E56")
@pytest.mark.parametrize("ignored", [True, False])
async def test_given_a_value_in_another_casing_then_it_is_refused_if_casing_is_ignored(
    raw: RawStore, ignored: bool
) -> None:
    await register(raw, unique(ignore_casing=ignored))
    await registered(raw, "a", "Ada")
    assert bool(await registered(raw, "b", "aDA")) is ignored


@pytest.mark.row("E59")
async def test_given_a_free_value_when_many_want_it_at_once_then_one_has_it(raw: RawStore) -> None:
    await register(raw, unique())
    refused = await asyncio.gather(*(registered(raw, f"source-{n}", "x") for n in range(30)))
    assert [len(one) for one in refused].count(0) == 1
    assert await raw.tail() == 0


@pytest.mark.row("E60")
async def test_given_one_value_for_two_sources_of_a_batch_then_the_second_is_refused_without_a_number(
    raw: RawStore,
) -> None:
    await register(raw, unique())
    response = await raw.append_many(
        [to_append("registered", {"email": "x"}, "a"), to_append("moved", {"newEmail": "x"}, "b")]
    )
    (violation,) = response.ConstraintViolations
    assert (violation.EventTypeId, violation.SequenceNumber) == ("moved", UNAVAILABLE)
    assert list(response.SequenceNumbers) == []
    assert await raw.tail() == UNAVAILABLE


@pytest.mark.row("E61", "E62", "E158")
@pytest.mark.parametrize(
    ("wanted", "refused"),
    [
        (["free", "dup", "dup"], ["dup"]),
        (["held", "free", "other"], ["held"]),
        (["held", "free", "held-too"], ["held", "held-too"]),
    ],
)
async def test_given_a_batch_in_which_any_event_violates_then_nothing_is_stored_and_all_is_told_in_order(
    raw: RawStore, wanted: list[str], refused: list[str]
) -> None:
    await register(raw, unique())
    await registered(raw, "x", "held")
    await registered(raw, "y", "held-too")
    response = await raw.append_many(
        [to_append("registered", {"email": email}, f"source-{n}") for n, email in enumerate(wanted)]
    )
    assert [one.Details["PropertyValue"] for one in response.ConstraintViolations] == refused
    assert list(response.SequenceNumbers) == []
    assert not response.ConcurrencyCheckPerformed
    assert await raw.tail() == 1
    assert not await registered(raw, "z", "free")


@pytest.mark.row("E63")
async def test_given_a_batch_of_distinct_values_then_each_is_held_by_its_own_event(raw: RawStore) -> None:
    await register(raw, unique())
    response = await raw.append_many([to_append("registered", {"email": name}, name) for name in "abc"])
    assert list(response.SequenceNumbers) == [0, 1, 2]
    for number, name in enumerate("abc"):
        assert [one.SequenceNumber for one in await registered(raw, "d", name)] == [number]


@pytest.mark.row("E64")
async def test_given_a_value_released_in_a_batch_when_claimed_later_in_it_then_it_is_refused(
    raw: RawStore,
) -> None:
    await register(raw, unique(RemovedWith=["left"]))
    await registered(raw, "a", "x")
    for release in (to_append("left", {}, "a"), to_append("moved", {"newEmail": "y"}, "a")):
        response = await raw.append_many([release, to_append("registered", {"email": "x"}, "b")])
        assert len(response.ConstraintViolations) == 1
    assert await raw.tail() == 0


@pytest.mark.row("E65")
async def test_given_a_scope_per_source_type_when_another_type_has_the_value_then_it_is_accepted(
    raw: RawStore,
) -> None:
    await register(raw, unique(Scope=pb.ConstraintScope(EventSourceType=SCOPED)))
    assert not await registered(raw, "a", "x", EventSourceType="Person")
    assert not await registered(raw, "b", "x", EventSourceType="Company")
    assert not await registered(raw, "b", "x")
    assert await registered(raw, "c", "x", EventSourceType="Person")


@pytest.mark.row("E154")
async def test_given_a_scope_per_stream_then_values_and_removals_count_in_their_stream(raw: RawStore) -> None:
    scope = pb.ConstraintScope(EventStreamType=SCOPED, EventStreamId=SCOPED)
    await register(raw, unique(RemovedWith=["left"], Scope=scope))
    first = {"EventStreamType": "Years", "EventStreamId": "1"}
    second = {"EventStreamType": "Years", "EventStreamId": "2"}
    assert not await registered(raw, "a", "x", **first)
    assert not await registered(raw, "b", "x", **second)
    await raw.append("left", {}, "a", **second)
    assert await registered(raw, "c", "x", **first)
    await raw.append("left", {}, "a", **first)
    assert not await registered(raw, "c", "x", **first)


@pytest.mark.row("E66")
async def test_given_a_unique_event_type_when_a_source_has_one_then_it_gets_no_second(raw: RawStore) -> None:
    await register(raw, once("registered"))
    await raw.append("noted")
    assert not violations(await raw.append("registered", {}, "a"))
    (violation,) = violations(await raw.append("registered", {}, "a"))
    assert violation.ConstraintType == sequences.CONSTRAINT_TYPE_UniqueEventType
    assert (violation.ConstraintName, violation.SequenceNumber) == ("once", 1)
    assert violation.Message == (
        "Event 'registered' violated a unique event type constraint on sequence number 1"
    )
    assert dict(violation.Details) == {}
    assert not violations(await raw.append("registered", {}, "b"))


@pytest.mark.row("E67")
async def test_given_several_types_under_one_name_then_they_exclude_each_other(raw: RawStore) -> None:
    await register(raw, once("registered", "moved"))
    await raw.append("moved", {}, "a")
    assert violations(await raw.append("registered", {}, "a"))


@pytest.mark.row("E68", "E69")
@pytest.mark.parametrize("removals", [["left", "banned"], ["banned", "left"]])
async def test_given_a_unique_event_type_when_removed_then_there_may_be_one_until_the_next_removal(
    raw: RawStore, removals: list[str]
) -> None:
    await register(raw, once("registered", RemovedWith=["left", "banned"]))
    for removal in removals:
        assert not violations(await raw.append("registered", {}, "a"))
        assert violations(await raw.append("registered", {}, "a"))
        await raw.append(removal, {}, "a")
    assert not violations(await raw.append("registered", {}, "a"))


@pytest.mark.row("E155")
async def test_given_two_events_of_a_unique_type_in_one_batch_then_both_are_stored(raw: RawStore) -> None:
    await register(raw, once("registered"))
    response = await raw.append_many([to_append("registered", {}, "a"), to_append("registered", {}, "a")])
    assert list(response.SequenceNumbers) == [0, 1]


@pytest.mark.row("E70")
async def test_given_older_values_when_a_constraint_is_registered_then_they_are_held(raw: RawStore) -> None:
    await registered(raw, "a", "x")
    await register(raw, unique())
    await eventually(lambda: holder(raw, "x"), lambda number: number == 0)


@pytest.mark.row("E71")
async def test_given_a_changed_constraint_when_registered_then_older_values_are_held_by_its_rules(
    raw: RawStore,
) -> None:
    await register(raw, unique())
    await register(raw, unique())
    await registered(raw, "a", "Ada")
    await register(raw, unique(ignore_casing=True))
    await eventually(lambda: holder(raw, "ADA"), lambda number: number == 0)


@pytest.mark.row("E72")
async def test_given_a_constraint_that_is_not_mentioned_again_then_it_stays_in_force(raw: RawStore) -> None:
    await register(raw, unique())
    await register(raw, once("moved"))
    await registered(raw, "a", "x")
    assert await registered(raw, "b", "x")


@pytest.mark.row("E73")
async def test_given_removed_with_as_a_plain_text_then_it_is_one_event_type(raw: RawStore) -> None:
    # Field 3 as a single text, appended as an older client writes it.
    message = pb.Constraint.FromString(unique().SerializeToString() + b"\x1a\x04left")
    assert list(message.RemovedWith) == ["left"]
    await register(raw, message)
    await registered(raw, "a", "x")
    await raw.append("left", {}, "a")
    assert not await registered(raw, "b", "x")


@pytest.mark.row("E74")
async def test_given_a_personal_property_when_two_subjects_have_one_value_then_the_second_is_refused(
    raw: RawStore,
) -> None:
    await raw.register(
        "enrolled",
        schema="""{"type": "object", "properties": {"email": {
            "type": "string", "compliance": [{"metadataType": "PII", "details": ""}]
        }}}""",
    )
    await register(raw, values({"enrolled": ["email"]}))
    assert not violations(await raw.append("enrolled", {"email": "x"}, "a", Subject="subject-a"))
    assert violations(await raw.append("enrolled", {"email": "x"}, "b", Subject="subject-b"))


@pytest.mark.row("E42")
async def test_given_a_broken_constraint_and_a_stale_scope_then_only_the_constraint_is_told(
    raw: RawStore,
) -> None:
    await register(raw, unique())
    await registered(raw, "a", "x")
    stale = sequences.ConcurrencyScope(SequenceNumber=UNAVAILABLE, ExpectsNoMatchingEvent=True)
    response = await raw.append("registered", {"email": "x"}, "b", ConcurrencyScope=stale)
    assert [violation.ConstraintName for violation in response.ConstraintViolations] == ["email"]
    assert not response.HasField("ConcurrencyViolation")
    assert not response.ConcurrencyCheckPerformed
    batch = await raw.append_many(
        [to_append("registered", {"email": "x"}, "b")], ConcurrencyScopes={"b": stale}
    )
    assert [violation.ConstraintName for violation in batch.ConstraintViolations] == ["email"]
    assert not batch.ConcurrencyViolations
    assert not batch.ConcurrencyCheckPerformed
    assert await raw.tail() == 0


@pytest.mark.row("E169")
async def test_given_an_erased_subject_then_its_value_stays_held_until_the_index_is_made_anew(
    raw: RawStore, channel: grpc.aio.Channel
) -> None:
    email = {"type": "string", "compliance": [{"metadataType": "PII", "details": ""}]}
    await raw.register("enrolled", schema=json.dumps({"type": "object", "properties": {"email": email}}))
    constraint = values({"enrolled": ["email"]})
    await register(raw, constraint)
    # Keys are deleted in the namespace of all event stores.
    subject = f"subject-{uuid4().hex}"
    await raw.append("enrolled", {"email": "x"}, "a", Subject=subject)
    await ComplianceStub(channel).DeleteEncryptionKey(
        compliance.DeleteEncryptionKeyRequest(
            EventStore=raw.name, Namespace=raw.namespace, Identifier=subject
        )
    )
    other = f"subject-{uuid4().hex}"
    assert violations(await raw.append("enrolled", {"email": "x"}, "b", Subject=other))
    constraint.Definition.Value0.IgnoreCasing = True
    await register(raw, constraint)

    async def refusals() -> int:
        return len(violations(await raw.append("enrolled", {"email": "x"}, "b", Subject=other)))

    await eventually(refusals, lambda number: number == 0)


@pytest.mark.row("E153")
async def test_given_a_value_held_in_one_sequence_then_it_is_free_in_others_and_in_other_namespaces(
    raw: RawStore,
) -> None:
    await register(raw, unique())
    await raw.ensure_namespace("north")
    for place in (raw, raw.within(namespace="north"), raw.within(sequence="second")):
        assert not await registered(place, "a", "x")
        assert await registered(place, "b", "x")


@pytest.mark.row("E157")
@pytest.mark.parametrize(
    "broken",
    [
        pb.Constraint(Name="broken", Type=pb.CONSTRAINT_TYPE_Unique),
        pb.Constraint(Name="broken", Type=pb.CONSTRAINT_TYPE_UniqueEventType, Definition=_Definition()),
        pb.Constraint(Name="broken", Type=pb.CONSTRAINT_TYPE_Schema),
        pb.Constraint(Name="broken"),
    ],
    ids=["no definition", "no event types", "another type", "no type"],
)
async def test_given_a_constraint_that_cannot_be_understood_then_none_of_its_call_is_in_force(
    raw: RawStore, broken: pb.Constraint
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await register(raw, unique(), broken)
    assert raised.value.code() is grpc.StatusCode.UNKNOWN
    await registered(raw, "a", "x")
    assert not await registered(raw, "b", "x")


@event_type("client-registered")
@dataclass
class ClientRegistered:
    email_address: Annotated[str, Unique("email", message="{PropertyValue} is taken.")]
    city: str = ""
    house_number: int = 0


@event_type("client-left")
@removes_constraint("email")
@dataclass
class ClientLeft:
    reason: str = ""


@constraint
def address(c: ConstraintBuilder) -> None:
    c.unique(message="Somebody lives there.").on(ClientRegistered, "city", "house_number")


@event_type("client-banned")
@unique_event_type
@dataclass
class ClientBanned:
    alias: Annotated[str, Unique("alias", scope=ConstraintScope.EVENT_SOURCE_TYPE)] = ""


CLIENTS = Artifacts(event_types=[ClientRegistered, ClientLeft, ClientBanned], constraints=[address])


@pytest.mark.row("E75", "S42")
async def test_given_declared_messages_when_refused_then_the_violations_have_them(
    client: ChronicleClient, store_name: str
) -> None:
    store = await client.event_store(store_name, artifacts=CLIENTS)
    await store.event_log.append("a", ClientRegistered("ada", "London", 10))
    with pytest.raises(ConstraintViolationError, match=r"ada is taken\.") as raised:
        await store.event_log.append("b", ClientRegistered("ada", "Paris", 10))
    assert raised.value.violations[0].details == {"PropertyName": "emailAddress", "PropertyValue": "ada"}
    refused = await store.event_log.try_append("b", ClientRegistered("bob", "London", 10))
    assert {one.message for one in refused.constraint_violations} == {"Somebody lives there."}
    assert [one.details["PropertyName"] for one in refused.constraint_violations] == ["city", "houseNumber"]


@pytest.mark.row("S37", "S41")
async def test_given_a_client_when_the_holder_leaves_then_another_may_have_its_value(
    client: ChronicleClient, store_name: str
) -> None:
    log = (await client.event_store(store_name, artifacts=CLIENTS)).event_log
    await log.append("a", ClientRegistered("ada", "London", 10))
    await log.append("c", ClientRegistered("cid", "London", 11))
    await log.append("a", ClientLeft())
    assert (await log.append("b", ClientRegistered("ada", "Paris", 10))).is_success


@pytest.mark.row("S35", "S36", "S168", "E126")
async def test_given_a_batch_or_a_unit_of_which_one_event_is_refused_then_nothing_of_it_is_stored(
    client: ChronicleClient, store_name: str
) -> None:
    store = await client.event_store(store_name, artifacts=CLIENTS)
    ada, same, bob = (ClientRegistered(name, name, 1) for name in ("ada", "ada", "bob"))
    result = await store.event_log.try_append_many([EventFor("a", ada), EventFor("b", same)])
    assert not result.is_success
    assert {one.constraint_name for one in result.constraint_violations} == {"email", "address"}
    unit = store.begin_unit_of_work()
    unit.append("c", bob)
    unit.append_many([EventFor("a", ada), EventFor("b", same)])
    refused = await unit.try_commit()
    assert (unit.is_completed, unit.is_success) == (True, False)
    assert {one.message for one in refused.constraint_violations} == {
        "ada is taken.",
        "Somebody lives there.",
    }
    assert await store.event_log.tail() is None
    # Nothing was claimed either.
    await store.event_log.append_many([EventFor("d", ada), EventFor("e", bob)])


@pytest.mark.row("S39", "S40")
async def test_given_an_event_type_that_is_unique_and_a_scope_then_each_counts_in_its_place(
    client: ChronicleClient, store_name: str
) -> None:
    log = (await client.event_store(store_name, artifacts=CLIENTS)).event_log
    await log.append("a", ClientBanned("x"), source_type="person")
    again = await log.try_append("a", ClientBanned("y"), source_type="person")
    assert [one.constraint_name for one in again.constraint_violations] == ["client-banned"]
    same_type = await log.try_append("b", ClientBanned("x"), source_type="person")
    assert [one.constraint_name for one in same_type.constraint_violations] == ["alias"]
    assert (await log.append("b", ClientBanned("x"), source_type="company")).is_success
