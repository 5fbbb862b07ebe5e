"""Redacting and revising events, by the contract and through the client (events.md 10)."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import grpc.aio
import pytest

from chronicle import (
    Artifacts,
    Causation,
    ChronicleClient,
    EventContext,
    EventRedacted,
    EventStore,
    Identity,
    UnknownEventTypeError,
    correlation,
    identity,
    reactor,
)
from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.contracts import events_constraints_pb2 as constraints
from chronicle.contracts import observation_reactors_pb2 as reactors
from tests.conformance.bank import (
    EVENT_TYPES,
    Account,
    AccountOpened,
    AccountReducer,
    FundsDeposited,
    FundsWithdrawn,
    NoEvent,
)
from tests.conformance.observing import Connection, Stream, connected, numbers
from tests.conformance.raw import ROOT, RawStore, Stubs, from_guid, guid, occurred, to_append, type_filter
from tests.waiting import eventually

REDACTED = "EventRedacted"
BEGIN, END = 3, 4
"""What notices say of the replay of a partition, alike for reactors and reducers."""
REPLAY = reactors.EVENT_OBSERVATION_STATE_Replay

ALICE = pb.Identity(Subject="alice-1", Name="Alice", UserName="alice")
ASKED_BY_ALICE: dict[str, Any] = {
    "CorrelationId": guid(UUID("018f0000-0000-7000-8000-00000000000a")),
    "Causation": [pb.Causation(Type="request", Occurred=ROOT.Occurred, Properties={"path": "/forget"})],
    "CausedBy": ALICE,
}


@pytest.fixture
async def connection(stubs: Stubs) -> AsyncIterator[Connection]:
    async with connected(stubs) as connection:
        yield connection


async def redact(store: RawStore, number: int, reason: str = "gone", **fields: Any) -> None:
    request = pb.RedactRequest(
        **store.place, SequenceNumber=number, Reason=reason, **(ASKED_BY_ALICE | fields)
    )
    await store.stubs.event_sequences.Redact(request)


async def redact_for(store: RawStore, source: str, *event_types: str, reason: str = "gone") -> None:
    request = pb.RedactForEventSourceRequest(
        **store.place,
        EventSourceId=source,
        Reason=reason,
        EventTypes=type_filter(*event_types),
        **ASKED_BY_ALICE,
    )
    await store.stubs.event_sequences.RedactForEventSource(request)


async def revise(
    store: RawStore, number: int, content: str, event_type: str = "happened", **fields: Any
) -> None:
    demanded = {"EventType": pb.EventType(Id=event_type, Generation=1), **ASKED_BY_ALICE}
    request = pb.ReviseRequest(**store.place, SequenceNumber=number, Content=content, **(demanded | fields))
    await store.stubs.event_sequences.Revise(request)


async def types_become(store: RawStore, *expected: str) -> Sequence[pb.AppendedEvent]:
    """Waits until the events are of these types, and gives them."""
    return await eventually(
        store.read, lambda events: [e.Context.EventType.Id for e in events] == [*expected]
    )


async def contents_become(store: RawStore, *expected: str) -> Sequence[pb.AppendedEvent]:
    return await eventually(store.read, lambda events: [event.Content for event in events] == [*expected])


async def asked_for(store: RawStore, event_type: str) -> list[pb.AppendedEvent]:
    """The events of a type in the `system` sequence."""
    return [
        event
        for event in await store.within(sequence="system").read()
        if event.Context.EventType.Id == event_type
    ]


async def replayed(stream: Stream[Any]) -> list[tuple[int, str]]:
    """The numbers and types of a whole replay of a partition, each batch answered with success."""
    begin = await stream.batch()
    assert begin.ReplayState == BEGIN
    assert not begin.Events
    seen = []
    while (batch := await stream.batch()).ReplayState == 0:
        assert batch.Partition == begin.Partition
        assert all(event.Context.ObservationState == REPLAY for event in batch.Events)
        seen += [(e.Context.SequenceNumber, e.Context.EventType.Id) for e in batch.Events]
        await stream.succeed(batch)
    assert batch.ReplayState == END
    assert batch.Partition == begin.Partition
    return seen


class TestRedaction:
    @pytest.mark.row("E86", "E162")
    async def test_given_an_event_when_redacted_then_what_it_said_is_gone_and_why_is_told(
        self, raw: RawStore
    ) -> None:
        await raw.append_many([to_append("happened", {"n": n}, f"source-{n}", Tags=["t"]) for n in range(3)])
        before = await raw.read()
        await redact(raw, 1, "asked for")
        after = await types_become(raw, "happened", REDACTED, "happened")
        event = after[1]
        content = json.loads(event.Content)
        assert (content["reason"], content["originalEventType"]) == ("asked for", "happened")
        assert "n" not in content
        assert (event.Context.SequenceNumber, event.Context.EventSourceId) == (1, "source-1")
        assert (event.Context.EventType.Generation, list(event.Context.Tags)) == (1, ["t"])
        assert event.Context.Hash == before[1].Context.Hash
        assert dict(event.GenerationalContent) == {1: event.Content}
        assert [after[0], after[2]] == [before[0], before[2]]
        (asked,) = await asked_for(raw, "EventRedactionRequested")
        assert json.loads(asked.Content) == {
            "sequence": "event-log",
            "sequenceNumber": 1,
            "reason": "asked for",
        }

    @pytest.mark.row("E162")
    async def test_given_a_redacted_event_when_filtered_then_it_is_found_under_its_new_type_only(
        self, raw: RawStore
    ) -> None:
        await raw.append("happened", source="s")
        await redact(raw, 0)
        await types_become(raw, REDACTED)
        assert await raw.has_events_for("s")
        assert not await raw.read(EventTypes=type_filter("happened"))
        assert len(await raw.read(EventTypes=type_filter(REDACTED))) == 1
        assert await raw.tail(EventTypes=type_filter("happened")) == 2**64 - 1

    @pytest.mark.row("E163")
    async def test_given_a_redacted_event_when_read_then_its_context_is_that_of_the_redaction(
        self, raw: RawStore
    ) -> None:
        then = "2020-01-02T03:04:05.0000000+00:00"
        await raw.append("happened", Occurred=occurred(then))
        (original,) = await raw.read()
        await redact(raw, 0)
        (event,) = await types_become(raw, REDACTED)
        assert event.Context.Occurred.Value > then
        assert event.Context.CorrelationId == ASKED_BY_ALICE["CorrelationId"]
        assert [(one.Type, dict(one.Properties)) for one in event.Context.Causation] == [
            ("request", {"path": "/forget"})
        ]
        assert event.Context.CausedBy == ALICE
        content = json.loads(event.Content)
        assert content["occurred"] == then
        assert content["correlationId"] == str(from_guid(original.Context.CorrelationId))
        assert content["causation"] == [{"occurred": ROOT.Occurred.Value, "type": "Root", "properties": {}}]
        assert [UUID(one) for one in content["causedBy"]]

    @pytest.mark.row("E87")
    async def test_given_sources_when_one_is_redacted_then_all_its_events_are_and_no_other(
        self, raw: RawStore
    ) -> None:
        await raw.append_many([to_append("happened", source=source) for source in "abab"])
        await raw.append("other", source="a")
        await redact_for(raw, "a", reason="left")
        events = await types_become(raw, REDACTED, "happened", REDACTED, "happened", REDACTED)
        assert [json.loads(e.Content).get("originalEventType") for e in events] == [
            "happened",
            None,
            "happened",
            None,
            "other",
        ]
        (asked,) = await asked_for(raw, "EventsRedactedForEventSource")
        content = json.loads(asked.Content)
        assert content == {
            "sequence": "event-log",
            "eventSourceId": "a",
            "eventTypes": [],
            "reason": "left",
        }

    @pytest.mark.row("E88", "S60")
    async def test_given_a_source_when_redacted_by_type_then_only_that_type_is(self, raw: RawStore) -> None:
        await raw.append_many([to_append("happened"), to_append("other"), to_append("third")])
        await redact_for(raw, "source-1", "happened", "third")
        await types_become(raw, REDACTED, "other", REDACTED)

    async def test_given_more_events_than_are_changed_at_once_when_redacted_then_all_are(
        self, raw: RawStore
    ) -> None:
        await raw.append_many([to_append("happened") for _ in range(450)])
        await redact_for(raw, "source-1")
        await types_become(raw, *[REDACTED] * 450)

    @pytest.mark.row("E133")
    async def test_given_an_identity_without_a_user_name_when_redacted_then_it_returns_and_nothing_changes(
        self, raw: RawStore
    ) -> None:
        await raw.append_many([to_append("happened", {"n": n}, f"source-{n}") for n in range(2)])
        await redact(raw, 0, CausedBy=pb.Identity(Subject="s", Name="No user name"))
        # Requests are done in their order: once the second is done, the first would have been.
        await redact(raw, 1)
        (kept, _) = await types_become(raw, "happened", REDACTED)
        assert json.loads(kept.Content) == {"n": 0}
        assert len(await asked_for(raw, "EventRedactionRequested")) == 1

    @pytest.mark.row("E89")
    async def test_given_a_redacted_event_when_redacted_again_then_nothing_changes(
        self, raw: RawStore, connection: Connection
    ) -> None:
        stream = await connection.reactor(raw, "r", "happened")
        await raw.append("happened")
        await stream.batches(1)
        await redact(raw, 0, "first")
        assert await replayed(stream) == []
        before = await raw.read()
        await redact(raw, 0, "second")
        # What is asked for after it is done after it.
        await raw.append("happened", source="b")
        await stream.batches(1)
        await redact(raw, 1)
        assert await replayed(stream) == []
        assert (await raw.read())[:1] == before
        assert await stream.is_silent()

    @pytest.mark.row("E156")
    async def test_given_the_holder_of_a_unique_event_type_when_redacted_then_another_may_come(
        self, raw: RawStore
    ) -> None:
        definition = constraints.UniqueEventTypeConstraintDefinition(EventTypeIds=["happened"])
        one_of = constraints.OneOf_UniqueConstraintDefinition_UniqueEventTypeConstraintDefinition
        await raw.stubs.constraints.Register(
            constraints.RegisterConstraintsRequest(
                EventStore=raw.name,
                Constraints=[
                    constraints.Constraint(
                        Name="once",
                        Type=constraints.CONSTRAINT_TYPE_UniqueEventType,
                        Definition=one_of(Value1=definition),
                    )
                ],
            )
        )
        assert not (await raw.append("happened")).ConstraintViolations
        assert (await raw.append("happened")).ConstraintViolations
        await redact(raw, 0)
        await types_become(raw, REDACTED)
        assert not (await raw.append("happened")).ConstraintViolations

    async def test_given_no_reason_when_redacted_then_it_is_unknown(self, raw: RawStore) -> None:
        await raw.append("happened")
        await redact(raw, 0, "")
        (event,) = await types_become(raw, REDACTED)
        assert json.loads(event.Content)["reason"] == "Unknown"


class TestRevision:
    @pytest.mark.row("E92", "S61")
    async def test_given_an_event_when_revised_then_it_says_what_it_was_revised_to(
        self, raw: RawStore
    ) -> None:
        await raw.append("happened", {"n": 1})
        (before,) = await raw.read()
        await revise(raw, 0, '{"n":2}')
        (event,) = await contents_become(raw, '{"n":2}')
        assert event.OriginalContent == before.Content
        assert dict(event.GenerationalContent) == {1: before.Content}
        (revision,) = event.Revisions
        assert (revision.Generation, revision.Content) == (1, '{"n":2}')
        assert revision.CausedBy == ALICE
        assert UUID(revision.CorrelationId) == from_guid(ASKED_BY_ALICE["CorrelationId"])
        assert revision.Occurred.Value > before.Context.Occurred.Value
        assert event.Context.Hash
        assert event.Context.Hash != before.Context.Hash
        event.Context.Hash = before.Context.Hash
        assert event.Context == before.Context
        (asked,) = await asked_for(raw, "EventRevised")
        assert json.loads(asked.Content) == {
            "sequence": "event-log",
            "sequenceNumber": 0,
            "eventType": {"id": "happened", "generation": 1, "tombstone": False},
            "content": '{"n":2}',
        }

    @pytest.mark.row("E164")
    async def test_given_a_revised_event_when_revised_again_then_both_revisions_are_there(
        self, raw: RawStore
    ) -> None:
        await raw.append("happened", '{"n":1}')
        await revise(raw, 0, '{"n":2}')
        await revise(raw, 0, '{"n":3}')
        (event,) = await contents_become(raw, '{"n":3}')
        assert [revision.Content for revision in event.Revisions] == ['{"n":2}', '{"n":3}']
        assert event.OriginalContent == '{"n":1}'

    async def test_given_a_revision_of_another_generation_when_read_then_it_has_that_generation(
        self, raw: RawStore
    ) -> None:
        await raw.append("happened", '{"n":1}')
        await revise(raw, 0, '{"m":2}', EventType=pb.EventType(Id="happened", Generation=2))
        (event,) = await contents_become(raw, '{"m":2}')
        assert event.Context.EventType.Generation == 2
        assert dict(event.GenerationalContent) == {1: '{"n":1}'}

    @pytest.mark.row("E165")
    async def test_given_a_type_with_personal_data_when_revised_then_the_content_is_as_given(
        self, raw: RawStore
    ) -> None:
        personal = {"type": "string", "compliance": [{"metadataType": "PII", "details": "a name"}]}
        schema = json.dumps({"type": "object", "properties": {"name": personal}})
        await raw.register("personal", schema=schema)
        await raw.append("personal", {"name": "Alice"})
        await revise(raw, 0, '{"name":"Bob"}', "personal")
        await contents_become(raw, '{"name":"Bob"}')

    async def test_given_a_revised_event_when_redacted_then_its_revisions_are_gone_too(
        self, raw: RawStore
    ) -> None:
        await raw.append("happened", {"n": 1})
        await revise(raw, 0, '{"n":2}')
        await redact(raw, 0)
        (event,) = await types_become(raw, REDACTED)
        assert json.loads(event.Content)["reason"] == "gone"
        assert not event.Revisions
        assert not event.OriginalContent
        (asked,) = await asked_for(raw, "EventRevised")
        assert json.loads(asked.Content)["content"] == ""

    @pytest.mark.parametrize("content", ["", "[]", "{", '"text"'])
    async def test_given_a_content_that_is_none_when_revised_then_the_call_fails(
        self, raw: RawStore, content: str
    ) -> None:
        await raw.append("happened")
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await revise(raw, 0, content)
        assert raised.value.code() is grpc.StatusCode.UNKNOWN
        assert not await asked_for(raw, "EventRevised")


class TestRequests:
    @pytest.mark.row("E186")
    @pytest.mark.parametrize("ask", [redact, lambda store, number: revise(store, number, "{}")])
    async def test_given_a_request_when_noted_then_it_carries_what_the_call_carried(
        self, raw: RawStore, ask: Callable[[RawStore, int], Any]
    ) -> None:
        custom = raw.within(sequence="custom")
        await custom.append("happened")
        await ask(custom, 0)
        *_, asked = await raw.within(sequence="system").read()
        context = asked.Context
        assert context.EventSourceId == "custom"
        assert context.CorrelationId == ASKED_BY_ALICE["CorrelationId"]
        assert list(context.Causation) == ASKED_BY_ALICE["Causation"]
        assert context.CausedBy == ALICE

    @pytest.mark.row("E94", "E160")
    async def test_given_requests_that_cannot_be_granted_when_others_follow_then_those_are_done(
        self, raw: RawStore
    ) -> None:
        await raw.append("happened", '{"n":1}')
        await redact(raw, 7)
        await redact(raw, 2**64 - 1)
        await redact_for(raw, "nobody")
        await revise(raw, 7, "{}")
        await revise(raw, 0, '{"n":2}', event_type="other")
        await revise(raw, 0, '{"n":3}')
        await contents_become(raw, '{"n":3}')
        await redact(raw, 0)
        await types_become(raw, REDACTED)
        await revise(raw, 0, '{"n":4}')
        await redact(raw.within(sequence="never-used"), 0)
        await raw.append("happened", '{"n":5}')
        await revise(raw, 1, '{"n":6}')
        events = await eventually(raw.read, lambda events: events[1].Content == '{"n":6}')
        assert events[0].Context.EventType.Id == REDACTED

    @pytest.mark.row("E161")
    async def test_given_a_store_never_ensured_when_redacted_then_nothing_happens_until_it_is(
        self, stubs: Stubs, store_name: str
    ) -> None:
        store = RawStore(stubs, store_name)
        await store.register("happened")
        await store.append("happened")
        await redact(store, 0)
        await types_become(store, "happened")
        await store.ensure()
        await redact(store, 0)
        await types_become(store, REDACTED)
        assert len(await asked_for(store, "EventRedactionRequested")) == 1

    async def test_given_another_namespace_when_redacted_then_only_there(self, raw: RawStore) -> None:
        await raw.ensure_namespace("tenant")
        tenant = raw.within(namespace="tenant")
        await raw.append("happened")
        await tenant.append("happened")
        await redact(tenant, 0)
        await types_become(tenant, REDACTED)
        await types_become(raw, "happened")
        assert not await asked_for(raw, "EventRedactionRequested")

    async def test_given_another_sequence_when_redacted_then_only_there(self, raw: RawStore) -> None:
        custom = raw.within(sequence="custom")
        await raw.append("happened")
        await custom.append("happened")
        await redact(custom, 0)
        await types_become(custom, REDACTED)
        await types_become(raw, "happened")

    @pytest.mark.parametrize("missing", ["CausedBy", "UserName", "Causation", "EventType"])
    async def test_given_a_request_without_what_it_must_have_then_nothing_is_noted(
        self, raw: RawStore, missing: str
    ) -> None:
        await raw.append("happened")
        if missing == "UserName":
            # This one the real kernel refuses without a word.
            await revise(raw, 0, "{}", CausedBy=pb.Identity(Subject="s", Name="n"))
        else:
            nothing: dict[str, Any] = {missing: None}
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await revise(raw, 0, "{}", **nothing)
            assert raised.value.code() is grpc.StatusCode.UNKNOWN
        assert not await asked_for(raw, "EventRevised")


class TestObservers:
    @pytest.mark.row("E90", "O83", "O80")
    async def test_given_reactors_when_redacted_then_the_source_is_replayed_for_those_it_concerns(
        self, raw: RawStore, connection: Connection
    ) -> None:
        concerned = await connection.reactor(raw, "concerned", "happened", "third")
        other = await connection.reactor(raw, "other", "other")
        not_replayable = await connection.reactor(raw, "not-replayable", "happened", replayable=False)
        await raw.append_many(
            [to_append(t, source=s) for t, s in [("happened", "a"), ("third", "a"), ("happened", "b")]]
        )
        await raw.append("other", source="a")
        for stream, events in ((concerned, 3), (other, 1), (not_replayable, 2)):
            await stream.batches(events)
        await redact(raw, 0)
        assert await replayed(concerned) == [(1, "third")]
        assert await other.is_silent()
        assert await not_replayable.is_silent()
        # All go on with what comes next.
        await raw.append("happened", source="a")
        assert await concerned.numbers(1) == [4]
        assert await not_replayable.numbers(1) == [4]

    @pytest.mark.row("E93")
    async def test_given_a_reactor_when_revised_then_it_gets_the_new_content(
        self, raw: RawStore, connection: Connection
    ) -> None:
        stream = await connection.reactor(raw, "r", "happened")
        other = await connection.reactor(raw, "other", "other")
        not_replayable = await connection.reactor(raw, "not-replayable", "happened", replayable=False)
        await raw.append("happened", '{"n":1}')
        await stream.batches(1)
        await not_replayable.batches(1)
        await revise(raw, 0, '{"n":2}')
        assert int((await stream.batch()).ReplayState) == BEGIN
        batch = await stream.batch()
        assert [event.Content for event in batch.Events] == ['{"n":2}']
        await stream.succeed(batch)
        assert int((await stream.batch()).ReplayState) == END
        assert await other.is_silent()
        assert await not_replayable.is_silent()

    @pytest.mark.row("E91")
    async def test_given_a_reactor_for_redacted_events_then_it_gets_those_of_its_own_types(
        self, raw: RawStore, connection: Connection
    ) -> None:
        stream = await connection.reactor(raw, "r", "happened", REDACTED)
        await raw.append("happened", source="a")
        await raw.append("other", source="a")
        await raw.append("happened", source="a")
        await stream.batches(2)
        await redact(raw, 1)
        await types_become(raw, "happened", REDACTED, "happened")
        assert await stream.is_silent()
        await redact(raw, 0)
        assert await replayed(stream) == [(0, REDACTED), (2, "happened")]
        assert await stream.is_silent()

    @pytest.mark.row("E91")
    async def test_given_redacted_events_when_a_reactor_catches_up_then_it_gets_those_of_its_own_types(
        self, raw: RawStore, connection: Connection
    ) -> None:
        for event_type in ("happened", "other", "happened"):
            await raw.append(event_type)
        await redact(raw, 0)
        await redact(raw, 1)
        await types_become(raw, REDACTED, REDACTED, "happened")
        stream = await connection.reactor(raw, "late", "happened", REDACTED)
        assert await stream.numbers(2) == [0, 2]
        assert await stream.is_silent()
        alone = await connection.reactor(raw, "alone", REDACTED)
        assert await alone.numbers(2) == [0, 1]

    async def test_given_a_reducer_when_redacted_then_its_instance_is_built_anew(
        self, raw: RawStore, connection: Connection
    ) -> None:
        await raw.register_model("sum", {"total": {"type": "integer", "format": "int32"}})
        stream = await connection.reducer(raw, "reducer", "sum", "happened")
        await raw.append_many([to_append("happened", {"n": n}) for n in (1, 2, 3)])
        batch = await stream.batch()
        assert numbers(batch) == [0, 1, 2]
        await stream.succeed(batch, ReadModelState='{"total":6}')
        await redact(raw, 1)
        assert int((await stream.batch()).ReplayState) == BEGIN
        batch = await stream.batch()
        assert (numbers(batch), batch.InitialState) == ([0, 2], "")
        await stream.succeed(batch, ReadModelState='{"total":4}')
        assert int((await stream.batch()).ReplayState) == END

        async def look() -> Any:
            return json.loads((await raw.instance("sum", "source-1")).ReadModel)

        assert await eventually(look, lambda found: found == {"total": 4})

    async def test_given_a_reducer_when_all_its_events_are_redacted_then_the_instance_is_gone(
        self, raw: RawStore, connection: Connection
    ) -> None:
        await raw.register_model("sum", {"total": {"type": "integer", "format": "int32"}})
        stream = await connection.reducer(raw, "reducer", "sum", "happened")
        for source in "ab":
            await raw.append("happened", source=source)
            batch = await stream.batch()
            await stream.succeed(batch, ReadModelState='{"total":1}')
        await eventually(lambda: raw.instances("sum"), lambda found: len(found) == 2)
        await redact_for(raw, "a")
        assert await replayed(stream) == []
        await eventually(lambda: raw.instances("sum"), lambda found: len(found) == 1)


class TestClient:
    @pytest.mark.row("S59", "S60")
    async def test_given_events_when_redacted_then_markers_stand_in_their_place(
        self, bank: EventStore, raw_bank: RawStore
    ) -> None:
        log = bank.event_log
        await log.append_many(
            "alice",
            [
                AccountOpened(owner="Alice"),
                FundsDeposited(amount=Decimal(1)),
                FundsWithdrawn(amount=Decimal(1)),
            ],
        )
        alice = Identity("alice-1", "Alice", "alice")
        with identity(alice), correlation(UUID(int=7)):
            await log.redact(0, "asked for")
        await log.redact_for("alice", "all of it", FundsDeposited)
        events = await eventually(
            lambda: log.events_from(0),
            lambda events: [isinstance(one.event, EventRedacted) for one in events] == [True, True, False],
        )
        first, second, third = events
        assert (first.event.reason, first.event.original_event_type) == ("asked for", "account-opened")
        assert first.context.caused_by == alice
        assert first.context.correlation_id == UUID(int=7)
        assert first.context.causation[-1].type == "PythonClient.Redact"
        assert first.event.correlation_id == second.event.correlation_id != UUID(int=7)
        assert first.event.occurred < first.context.occurred
        assert isinstance(first.event.causation[0], Causation)
        assert second.event.reason == "all of it"
        assert third.event == FundsWithdrawn(amount=Decimal(1))
        assert [one.event.reason for one in await log.events_from(0, event_types=[EventRedacted])] == [
            "asked for",
            "all of it",
        ]
        assert REDACTED not in await raw_bank.event_types()

    @pytest.mark.row("S61")
    async def test_given_an_account_when_an_event_is_revised_then_readers_and_reducers_see_it(
        self, client: ChronicleClient, store_name: str
    ) -> None:
        artifacts = Artifacts(event_types=EVENT_TYPES, reducers=[AccountReducer])
        store = await client.event_store(store_name, artifacts=artifacts)
        log = store.event_log
        await log.append_many("alice", [AccountOpened(owner="Alice"), FundsDeposited(amount=Decimal(100))])

        async def balance() -> Any:
            account = await store.read_models.get(Account, "alice")
            return account and account.balance

        await eventually(balance, lambda found: found == 100)
        await log.revise(1, FundsDeposited(amount=Decimal(10)))
        await eventually(balance, lambda found: found == 10)
        assert (await log.events_from(1))[0].event == FundsDeposited(amount=Decimal(10))
        await log.redact(1, "never happened")
        await eventually(balance, lambda found: found == 0)

    async def test_given_a_reactor_for_redacted_events_when_redacted_then_it_is_called(
        self, client: ChronicleClient, store_name: str
    ) -> None:
        seen: list[tuple[object, int]] = []

        @reactor(id="watch")
        class Watch:
            async def opened(self, event: AccountOpened, context: EventContext) -> None:
                seen.append((event.owner, context.sequence_number))

            async def redacted(self, event: EventRedacted, context: EventContext) -> None:
                seen.append((event.reason, context.sequence_number))

        artifacts = Artifacts(event_types=EVENT_TYPES, reactors=[Watch])
        store = await client.event_store(store_name, artifacts=artifacts)
        await store.event_log.append("alice", AccountOpened(owner="Alice"))

        async def look() -> list[tuple[object, int]]:
            return seen

        await eventually(look, lambda found: found == [("Alice", 0)])
        await store.event_log.redact(0, "gone")
        await eventually(look, lambda found: found == [("Alice", 0), ("gone", 0)])

    @pytest.mark.row("S59", "S95")
    async def test_given_a_reactor_that_is_once_only_when_redacted_then_it_is_not_replayed(
        self, client: ChronicleClient, store_name: str
    ) -> None:
        welcomed: list[int] = []
        audited: list[int] = []

        @reactor(id="welcome", once_only=True)
        async def welcome(event: AccountOpened, context: EventContext) -> None:
            welcomed.append(context.sequence_number)

        @reactor(id="audit")
        async def audit(event: AccountOpened, context: EventContext) -> None:
            audited.append(context.sequence_number)

        artifacts = Artifacts(event_types=EVENT_TYPES, reactors=[welcome, audit])
        store = await client.event_store(store_name, artifacts=artifacts)
        await store.event_log.append_many("alice", [AccountOpened(owner="Alice")] * 2)

        async def look() -> tuple[list[int], list[int]]:
            return welcomed, audited

        await eventually(look, lambda found: found == ([0, 1], [0, 1]))
        await store.event_log.redact(0, "gone")
        await eventually(look, lambda found: found[1] == [0, 1, 1])
        # A partition that is being replayed gets new events only afterwards.
        await store.event_log.append("alice", AccountOpened(owner="Alice"))
        await eventually(look, lambda found: 2 in found[0])
        assert welcomed == [0, 1, 2]

    async def test_given_what_cannot_be_then_nothing_is_asked(self, bank: EventStore) -> None:
        log = bank.event_log
        for number in (-1, 2**64 - 1):
            with pytest.raises(ValueError, match="is no sequence number"):
                await log.redact(number, "gone")
            with pytest.raises(ValueError, match="is no sequence number"):
                await log.revise(number, AccountOpened(owner="Alice"))
        with pytest.raises(ValueError, match="no event source id"):
            await log.redact_for("", "gone")
        with pytest.raises(UnknownEventTypeError):
            await log.redact_for("alice", "gone", NoEvent)
        with pytest.raises(UnknownEventTypeError):
            await log.revise(0, NoEvent())
