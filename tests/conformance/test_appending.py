"""Appending by the contract: numbers, metadata, batches, refusals, concurrency scopes (events.md 4-6)."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import grpc
import grpc.aio
import pytest

from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.values import BEFORE_FIRST, MAX, UNAVAILABLE, parse_timestamp
from tests.conformance.raw import (
    ROOT,
    SYSTEM,
    RawStore,
    from_guid,
    guid,
    occurred,
    to_append,
    type_filter,
)


def scope(number: int | None = None, **narrowing: Any) -> pb.ConcurrencyScope:
    """A scope that expects the number; without one, that no event matches."""
    if number is None:
        return pb.ConcurrencyScope(SequenceNumber=UNAVAILABLE, ExpectsNoMatchingEvent=True, **narrowing)
    return pb.ConcurrencyScope(SequenceNumber=number, **narrowing)


async def contents(store: RawStore) -> list[Mapping[str, Any]]:
    return [json.loads(event.Content) for event in await store.read()]


async def test_given_an_empty_sequence_when_one_event_is_appended_then_its_number_is_0(raw: RawStore) -> None:
    response = await raw.append("happened", {"what": "first"})
    assert response.SequenceNumber == 0
    assert not response.Errors
    assert [event.Context.SequenceNumber for event in await raw.read()] == [0]


@pytest.mark.row("E7")
async def test_given_two_namespaces_when_both_are_appended_to_then_each_starts_at_0_and_sees_its_own(
    raw: RawStore,
) -> None:
    await raw.ensure_namespace("tenant")
    tenant = raw.within(namespace="tenant")
    assert (await raw.append("happened", {"in": "Default"})).SequenceNumber == 0
    assert (await tenant.append("happened", {"in": "tenant"})).SequenceNumber == 0
    assert await contents(raw) == [{"in": "Default"}]
    assert await contents(tenant) == [{"in": "tenant"}]


@pytest.mark.row("E8")
async def test_given_an_append_with_or_without_occurred_when_read_then_it_is_that_instant_or_about_now(
    raw: RawStore,
) -> None:
    before = datetime.now(UTC)
    await raw.append("happened", Occurred=occurred("2024-05-06T07:08:09.1230000+02:00"))
    await raw.append("happened")
    given, made = (parse_timestamp(event.Context.Occurred.Value) for event in await raw.read())
    assert given == datetime(2024, 5, 6, 5, 8, 9, 123_000, UTC)
    # A real kernel's clock may be another machine's.
    assert abs(made - before) < timedelta(minutes=5)


@pytest.mark.row("E9")
async def test_given_a_batch_with_times_of_its_own_for_several_sources_when_read_then_each_keeps_its_own(
    raw: RawStore,
) -> None:
    times = ["2024-01-01T00:00:00.0000000+00:00", "2023-01-01T00:00:00.0000000+00:00"]
    await raw.append_many(
        [to_append("happened", source=f"source-{n}", Occurred=occurred(time)) for n, time in enumerate(times)]
    )
    read = [parse_timestamp(event.Context.Occurred.Value) for event in await raw.read()]
    assert read == list(map(parse_timestamp, times))


@pytest.mark.row("E10")
async def test_given_an_append_without_types_and_stream_when_read_then_it_has_the_defaults(
    raw: RawStore,
) -> None:
    await raw.append("happened")
    (event,) = await raw.read()
    context = event.Context
    assert context.EventSourceType == "Default"
    assert context.EventStreamType == "All"
    assert context.EventStreamId == "Default"
    assert context.ObservationState == pb.EVENT_OBSERVATION_STATE_Initial


@pytest.mark.row("E13")
async def test_given_correlation_causation_and_a_chain_of_identities_when_read_then_all_come_back_in_order(
    raw: RawStore,
) -> None:
    correlation = UUID("018f2222-1111-7000-8000-00000000002a")
    first = pb.Causation(
        Type="First", Occurred=occurred("2024-01-01T00:00:00.0000000+00:00"), Properties={"a": "1"}
    )
    second = pb.Causation(Type="Second", Occurred=occurred("2024-01-02T00:00:00.0000000+00:00"))
    alice = pb.Identity(Subject="alice-subject", Name="Alice", UserName="alice")
    worker = pb.Identity(Subject="worker-subject", Name="Worker", UserName="worker", OnBehalfOf=alice)
    await raw.append(
        "happened", CorrelationId=guid(correlation), Causation=[ROOT, first, second], CausedBy=worker
    )
    (event,) = await raw.read()
    context = event.Context
    assert from_guid(context.CorrelationId) == correlation
    assert [cause.Type for cause in context.Causation] == ["Root", "First", "Second"]
    assert dict(context.Causation[1].Properties) == {"a": "1"}
    assert parse_timestamp(context.Causation[2].Occurred.Value) == datetime(2024, 1, 2, tzinfo=UTC)
    by = context.CausedBy
    assert (by.Subject, by.Name, by.UserName.lower()) == ("worker-subject", "Worker", "worker")
    for_whom = by.OnBehalfOf
    assert (for_whom.Subject, for_whom.Name, for_whom.UserName.lower()) == ("alice-subject", "Alice", "alice")


@pytest.mark.row("E178")
async def test_given_a_chain_with_a_repeated_subject_when_read_then_only_its_first_place_is_kept(
    raw: RawStore,
) -> None:
    inner = pb.Identity(Subject="a", Name="A again", UserName="a")
    middle = pb.Identity(Subject="b", Name="B", UserName="b", OnBehalfOf=inner)
    await raw.append("happened", CausedBy=pb.Identity(Subject="a", Name="A", UserName="a", OnBehalfOf=middle))
    (event,) = await raw.read()
    assert event.Context.CausedBy.Subject == "a"
    assert event.Context.CausedBy.OnBehalfOf.Subject == "b"
    assert not event.Context.CausedBy.OnBehalfOf.HasField("OnBehalfOf")


@pytest.mark.row("E177")
async def test_given_two_subjects_with_one_user_name_when_both_append_then_the_second_reads_back_as_the_first(
    raw: RawStore,
) -> None:
    await raw.append("happened", CausedBy=pb.Identity(Subject="s-1", Name="One", UserName="same"))
    await raw.append("happened", CausedBy=pb.Identity(Subject="s-2", Name="Two", UserName="same"))
    subjects = [event.Context.CausedBy.Subject for event in await raw.read()]
    assert subjects == ["s-1", "s-1"]


@pytest.mark.row("E14")
async def test_given_a_batch_when_appended_then_its_numbers_are_consecutive_and_in_request_order(
    raw: RawStore,
) -> None:
    await raw.append("happened")
    response = await raw.append_many(
        [to_append("happened", {"n": n}, source=f"source-{n % 3}") for n in range(7)]
    )
    assert list(response.SequenceNumbers) == [1, 2, 3, 4, 5, 6, 7]
    assert await contents(raw) == [{}, *({"n": n} for n in range(7))]


@pytest.mark.row("E15")
async def test_given_an_empty_batch_without_scopes_when_appended_then_it_succeeds_without_numbers(
    raw: RawStore,
) -> None:
    response = await raw.append_many([])
    assert not response.SequenceNumbers
    assert not response.Errors
    assert not response.ConstraintViolations
    assert not response.ConcurrencyViolations
    assert not response.ConcurrencyCheckPerformed
    assert await raw.tail() == UNAVAILABLE


@pytest.mark.row("E16")
async def test_given_many_events_for_one_source_when_appended_at_once_then_all_are_stored_in_order(
    raw: RawStore,
) -> None:
    await raw.append_many([to_append("happened", {"n": n}) for n in range(500)])
    responses = await asyncio.gather(*(raw.append("happened", {"n": n}) for n in range(500, 600)))
    assert sorted(response.SequenceNumber for response in responses) == list(range(500, 600))
    events = await raw.read_for("source-1")
    assert [event.Context.SequenceNumber for event in events] == list(range(600))
    by_number = {response.SequenceNumber: n for n, response in enumerate(responses, 500)}
    expected = [{"n": n} for n in range(500)] + [{"n": by_number[number]} for number in range(500, 600)]
    assert [json.loads(event.Content) for event in events] == expected


@pytest.mark.row("E17")
async def test_given_an_unregistered_event_type_when_appended_then_errors_say_so_and_nothing_is_stored(
    raw: RawStore,
) -> None:
    response = await raw.append("never-registered")
    assert "never-registered" in response.Errors[0]
    assert response.SequenceNumber == UNAVAILABLE
    assert not response.ConstraintViolations
    assert await raw.tail() == UNAVAILABLE


async def test_given_one_unregistered_type_in_a_batch_when_appended_then_nothing_of_it_is_stored(
    raw: RawStore,
) -> None:
    response = await raw.append_many([to_append("happened"), to_append("never-registered")])
    assert response.Errors
    assert not response.SequenceNumbers
    assert await raw.tail() == UNAVAILABLE


@pytest.mark.row("E28")
async def test_given_one_invalid_event_of_three_when_appended_then_only_it_is_violated_and_none_is_stored(
    raw: RawStore,
) -> None:
    required = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    await raw.register("counted", schema=json.dumps(required))
    response = await raw.append_many(
        [to_append("counted", {"n": 1}), to_append("counted"), to_append("counted", {"n": 3})]
    )
    (violation,) = response.ConstraintViolations
    assert violation.ConstraintName == "SchemaValidation"
    assert dict(violation.Details) == {"path": "n", "kind": "PropertyRequired"}
    assert not response.SequenceNumbers
    assert not response.Errors
    assert await raw.tail() == UNAVAILABLE


@pytest.mark.parametrize("content", ["", "no JSON", "[1, 2]", "42", "null", '{"half": '])
async def test_given_content_that_is_no_json_object_when_appended_then_the_call_fails_and_nothing_is_stored(
    raw: RawStore, content: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await raw.append("happened", content)
    assert failure.value.code() is grpc.StatusCode.UNKNOWN
    with pytest.raises(grpc.aio.AioRpcError):
        await raw.append_many([to_append("happened"), to_append("happened", content)])
    assert await raw.tail() == UNAVAILABLE


async def test_given_content_that_says_a_name_twice_when_read_then_it_is_there_once(raw: RawStore) -> None:
    await raw.append("happened", '{"a":1,"b":{"c":1,"c":2},"a":3}')
    await raw.append_many([to_append("happened", '{"a":1,"a":2}')])
    first, second = await raw.read()
    for event in (first, second):
        json.loads(event.Content, object_pairs_hook=_once)
    assert await contents(raw) == [{"a": 3, "b": {"c": 2}}, {"a": 2}]
    assert json.loads(first.GenerationalContent[1]) == {"a": 3, "b": {"c": 2}}


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    assert len(found) == len(members), members
    return found


@pytest.mark.row("E132")
async def test_given_an_append_without_what_is_demanded_then_it_fails_but_a_batch_needs_no_causation(
    raw: RawStore,
) -> None:
    complete = raw.append_request("happened")
    for missing in ("Causation", "CausedBy", "ConcurrencyScope"):
        request = pb.AppendRequest()
        request.CopyFrom(complete)
        request.ClearField(missing)
        with pytest.raises(grpc.aio.AioRpcError):
            await raw.stubs.event_sequences.Append(request)
    assert await raw.tail() == UNAVAILABLE
    response = await raw.append_many([to_append("happened")], Causation=[])
    assert list(response.SequenceNumbers) == [0]


@pytest.mark.row("E133")
async def test_given_an_identity_without_a_user_name_when_appended_then_errors_say_so_and_nothing_is_stored(
    raw: RawStore,
) -> None:
    response = await raw.append("happened", CausedBy=pb.Identity(Subject="s", Name="No user name"))
    assert response.Errors
    assert response.SequenceNumber == UNAVAILABLE
    assert await raw.tail() == UNAVAILABLE


@pytest.mark.row("S181")
async def test_given_metadata_with_a_correlation_id_that_is_no_guid_then_it_is_ignored(raw: RawStore) -> None:
    request = raw.append_request("happened")
    response = await raw.stubs.event_sequences.Append(request, metadata=(("x-correlation-id", "no guid"),))
    assert response.SequenceNumber == 0
    (event,) = await raw.read()
    assert event.Context.CorrelationId == request.CorrelationId


@pytest.mark.row("E29")
async def test_given_the_scope_none_when_appended_then_nothing_was_checked(raw: RawStore) -> None:
    await raw.append("happened")
    response = await raw.append("happened", ConcurrencyScope=scope(UNAVAILABLE))
    assert response.SequenceNumber == 1
    assert not response.ConcurrencyCheckPerformed


@pytest.mark.row("E30")
async def test_given_a_scope_that_expects_the_tail_when_appended_then_it_is_checked_and_accepted(
    raw: RawStore,
) -> None:
    await raw.append("happened")
    response = await raw.append("happened", ConcurrencyScope=scope(0))
    assert response.SequenceNumber == 1
    assert response.ConcurrencyCheckPerformed


@pytest.mark.row("E31")
async def test_given_a_scope_below_the_tail_when_appended_then_it_is_violated_and_nothing_is_stored(
    raw: RawStore,
) -> None:
    await raw.append_many([to_append("happened"), to_append("happened")])
    response = await raw.append("happened", ConcurrencyScope=scope(0))
    assert response.SequenceNumber == UNAVAILABLE
    assert response.ConcurrencyViolation.ExpectedSequenceNumber == 0
    assert response.ConcurrencyViolation.ActualSequenceNumber == 1
    assert response.ConcurrencyCheckPerformed
    assert await raw.tail() == 1


@pytest.mark.row("E32")
async def test_given_an_expected_number_but_nothing_that_matches_when_appended_then_it_is_accepted(
    raw: RawStore,
) -> None:
    await raw.append_many([to_append("happened"), to_append("happened")])
    response = await raw.append("happened", ConcurrencyScope=scope(0, EventTypes=type_filter("other")))
    assert response.SequenceNumber == 2
    assert response.ConcurrencyCheckPerformed


@pytest.mark.row("E33")
async def test_given_a_scope_that_expects_no_event_then_it_is_accepted_unless_there_is_one(
    raw: RawStore,
) -> None:
    first = await raw.append("happened", ConcurrencyScope=scope(EventSourceId=True))
    assert first.SequenceNumber == 0
    assert first.ConcurrencyCheckPerformed
    second = await raw.append("happened", ConcurrencyScope=scope(EventSourceId=True))
    assert second.SequenceNumber == UNAVAILABLE
    assert second.ConcurrencyViolation.ActualSequenceNumber == 0
    assert second.ConcurrencyViolation.ExpectedSequenceNumber == BEFORE_FIRST


@pytest.mark.row("E34")
async def test_given_filters_with_no_number_when_appended_then_nothing_was_checked(raw: RawStore) -> None:
    await raw.append("happened")
    unchecked = scope(UNAVAILABLE, EventSourceId=True, EventTypes=type_filter("happened"))
    response = await raw.append("happened", ConcurrencyScope=unchecked)
    assert response.SequenceNumber == 1
    assert not response.ConcurrencyCheckPerformed


@pytest.mark.row("E35")
async def test_given_the_reserved_number_before_the_first_without_the_flag_then_nothing_is_checked(
    raw: RawStore,
) -> None:
    await raw.append("happened")
    for reserved in (BEFORE_FIRST, MAX):
        response = await raw.append("happened", ConcurrencyScope=scope(reserved))
        assert not response.HasField("ConcurrencyViolation")
        assert not response.ConcurrencyCheckPerformed


@pytest.mark.row("E36")
async def test_given_a_newer_event_of_another_source_then_it_violates_only_a_scope_without_the_source_flag(
    raw: RawStore,
) -> None:
    await raw.append("happened", source="mine")
    await raw.append("happened", source="theirs")
    without = await raw.append("happened", source="mine", ConcurrencyScope=scope(0))
    assert without.ConcurrencyViolation.ActualSequenceNumber == 1
    narrowed = await raw.append("happened", source="mine", ConcurrencyScope=scope(0, EventSourceId=True))
    assert narrowed.SequenceNumber == 2


@pytest.mark.row("E37")
@pytest.mark.parametrize(
    ("narrowing", "matching", "other"),
    [
        ({"EventStreamType": "orders"}, {"EventStreamType": "orders"}, {"EventStreamType": "returns"}),
        ({"EventStreamId": "2024"}, {"EventStreamId": "2024"}, {"EventStreamId": "2025"}),
        ({"EventSourceType": "account"}, {"EventSourceType": "account"}, {"EventSourceType": "customer"}),
        ({"EventTypes": type_filter("other")}, {"EventType": type_filter("other")[0]}, {}),
    ],
    ids=["stream type", "stream id", "source type", "event types"],
)
async def test_given_a_narrowed_scope_then_only_newer_events_that_match_violate_it(
    raw: RawStore, narrowing: dict[str, Any], matching: dict[str, Any], other: dict[str, Any]
) -> None:
    await raw.append("happened", **matching)
    await raw.append("happened", **other)
    accepted = await raw.append("happened", **other, ConcurrencyScope=scope(0, **narrowing))
    assert accepted.SequenceNumber == 2
    await raw.append("happened", **matching)
    refused = await raw.append("happened", ConcurrencyScope=scope(0, **narrowing))
    assert refused.ConcurrencyViolation.ActualSequenceNumber == 3


@pytest.mark.row("E38")
async def test_given_two_stale_scopes_in_a_batch_then_both_are_reported_and_nothing_is_stored(
    raw: RawStore,
) -> None:
    await raw.append_many([to_append("happened", source=source) for source in ("a", "b", "a", "b")])
    stale = {"a": scope(0, EventSourceId=True), "b": scope(1, EventSourceId=True)}
    response = await raw.append_many(
        [to_append("happened", source="a"), to_append("happened", source="b")], ConcurrencyScopes=stale
    )
    found = {
        (each.EventSourceId, each.ExpectedSequenceNumber, each.ActualSequenceNumber)
        for each in response.ConcurrencyViolations
    }
    assert found == {("", 0, 2), ("", 1, 3)}
    assert not response.SequenceNumbers
    assert await raw.tail() == 3


@pytest.mark.row("E39")
async def test_given_two_scopes_of_which_one_is_none_then_the_other_is_still_checked(raw: RawStore) -> None:
    await raw.append_many([to_append("happened", source="a"), to_append("happened", source="a")])
    events = [to_append("happened", source="a"), to_append("happened", source="b")]
    none = scope(UNAVAILABLE)
    fresh = await raw.append_many(events, ConcurrencyScopes={"a": scope(1, EventSourceId=True), "b": none})
    assert list(fresh.SequenceNumbers) == [2, 3]
    assert not fresh.ConcurrencyCheckPerformed
    stale = await raw.append_many(events, ConcurrencyScopes={"a": scope(1, EventSourceId=True), "b": none})
    assert len(stale.ConcurrencyViolations) == 1
    assert not stale.ConcurrencyCheckPerformed


@pytest.mark.row("E40")
async def test_given_no_scopes_when_a_batch_is_appended_then_nothing_was_checked(raw: RawStore) -> None:
    response = await raw.append_many([to_append("happened")])
    assert list(response.SequenceNumbers) == [0]
    assert not response.ConcurrencyCheckPerformed


@pytest.mark.row("E41")
async def test_given_a_stale_scope_of_a_source_without_an_event_in_the_batch_then_it_is_rejected(
    raw: RawStore,
) -> None:
    await raw.append_many([to_append("happened", source="watched"), to_append("happened", source="watched")])
    response = await raw.append_many(
        [to_append("happened", source="mine")],
        ConcurrencyScopes={"watched": scope(0, EventSourceId=True)},
    )
    assert len(response.ConcurrencyViolations) == 1
    assert await raw.tail() == 1


@pytest.mark.row("E134")
async def test_given_a_scope_message_with_no_field_set_then_it_expects_0(raw: RawStore) -> None:
    empty = pb.ConcurrencyScope()
    accepted = await raw.append("happened", ConcurrencyScope=empty)
    assert accepted.SequenceNumber == 0
    assert accepted.ConcurrencyCheckPerformed
    await raw.append("happened")
    refused = await raw.append("happened", ConcurrencyScope=empty)
    assert refused.ConcurrencyViolation.ExpectedSequenceNumber == 0
    assert refused.ConcurrencyViolation.ActualSequenceNumber == 1


@pytest.mark.row("E135")
async def test_given_an_expected_number_above_the_tail_then_it_is_accepted(raw: RawStore) -> None:
    await raw.append("happened")
    response = await raw.append("happened", ConcurrencyScope=scope(41))
    assert response.SequenceNumber == 1
    assert response.ConcurrencyCheckPerformed


@pytest.mark.row("E136")
async def test_given_two_real_scopes_in_a_batch_that_both_hold_then_it_is_accepted_and_checked(
    raw: RawStore,
) -> None:
    await raw.append_many([to_append("happened", source="a"), to_append("happened", source="b")])
    response = await raw.append_many(
        [to_append("happened", source="a"), to_append("happened", source="b")],
        ConcurrencyScopes={"a": scope(0, EventSourceId=True), "b": scope(1, EventSourceId=True)},
    )
    assert list(response.SequenceNumbers) == [2, 3]
    assert response.ConcurrencyCheckPerformed


@pytest.mark.row("E137")
async def test_given_an_expected_number_with_filters_and_a_newer_event_outside_them_then_it_is_accepted(
    raw: RawStore,
) -> None:
    await raw.append("happened")
    await raw.append("other")
    narrowed = scope(0, EventTypes=type_filter("happened"))
    response = await raw.append("happened", ConcurrencyScope=narrowed)
    assert response.SequenceNumber == 2
    assert response.ConcurrencyCheckPerformed


async def test_given_one_expectation_when_many_append_at_once_then_exactly_one_is_accepted(
    raw: RawStore,
) -> None:
    responses = await asyncio.gather(
        *(raw.append("happened", ConcurrencyScope=scope(EventSourceId=True)) for _ in range(20))
    )
    accepted = [response for response in responses if not response.HasField("ConcurrencyViolation")]
    assert [response.SequenceNumber for response in accepted] == [0]
    assert await raw.tail() == 0


async def test_given_refused_appends_then_they_take_no_numbers(raw: RawStore) -> None:
    await raw.append("happened", {"n": 1})
    await raw.append("never-registered")
    await raw.append("happened", ConcurrencyScope=scope(EventSourceId=True))
    await raw.append("happened", CausedBy=pb.Identity(Subject="s"))
    assert (await raw.append("happened", {"n": 2}, CausedBy=SYSTEM)).SequenceNumber == 1
    assert await contents(raw) == [{"n": 1}, {"n": 2}]
