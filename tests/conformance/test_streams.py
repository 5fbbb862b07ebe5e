"""Completing streams by the contract and through the client (events.md 8)."""

import pytest

from chronicle import ConstraintType, DefaultStreamError, EventStore, StreamCompletedError, StreamError
from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.values import UNAVAILABLE
from tests.conformance.bank import AccountOpened
from tests.conformance.raw import RawStore, to_append

ALREADY_COMPLETED = pb.COMPLETE_STREAM_ERROR_AlreadyCompleted
DEFAULT_STREAM = pb.COMPLETE_STREAM_ERROR_DefaultStreamCannotBeCompleted


async def complete(store: RawStore, stream_type: str, stream_id: str) -> pb.CompleteStreamResponse:
    request = pb.CompleteStreamRequest(**store.place, EventStreamType=stream_type, EventStreamId=stream_id)
    return await store.stubs.event_sequences.CompleteStream(request)


async def is_accepted(store: RawStore, **fields: str) -> bool:
    response = await store.append("happened", {}, **fields)
    return response.SequenceNumber != UNAVAILABLE


@pytest.mark.row("E77")
async def test_given_a_completed_stream_when_appended_to_then_the_event_is_refused(raw: RawStore) -> None:
    assert (await complete(raw, "orders", "7")).IsSuccess
    for source in ("a", "b"):
        response = await raw.append("happened", {}, source, EventStreamType="orders", EventStreamId="7")
        assert (response.SequenceNumber, list(response.Errors)) == (UNAVAILABLE, [])
        (violation,) = response.ConstraintViolations
        assert violation.EventTypeId == "happened"
        assert violation.ConstraintType == pb.CONSTRAINT_TYPE_StreamClosed
        assert violation.ConstraintName == "closed-stream"
        assert violation.SequenceNumber == UNAVAILABLE
        assert violation.Message == "Stream 'orders/7' is closed and cannot accept new events"
        assert dict(violation.Details) == {}
    assert await raw.tail() == UNAVAILABLE


@pytest.mark.row("E77")
async def test_given_a_completed_stream_when_appended_to_with_a_scope_then_the_scope_is_not_looked_at(
    raw: RawStore,
) -> None:
    await raw.append("happened")
    await complete(raw, "orders", "7")
    response = await raw.append(
        "happened",
        EventStreamType="orders",
        EventStreamId="7",
        ConcurrencyScope=pb.ConcurrencyScope(ExpectsNoMatchingEvent=True),
    )
    assert len(response.ConstraintViolations) == 1
    assert not response.HasField("ConcurrencyViolation")
    assert not response.ConcurrencyCheckPerformed


@pytest.mark.row("E78")
async def test_given_a_completed_stream_when_others_are_appended_to_then_they_take_events(
    raw: RawStore,
) -> None:
    await complete(raw, "orders", "7")
    assert await is_accepted(raw)
    assert await is_accepted(raw, EventStreamType="invoices", EventStreamId="1")


@pytest.mark.row("E79")
async def test_given_a_completed_stream_when_completed_again_then_it_says_so(raw: RawStore) -> None:
    await complete(raw, "orders", "7")
    again = await complete(raw, "orders", "7")
    assert not again.IsSuccess
    assert again.HasField("Error")
    assert again.Error == ALREADY_COMPLETED


@pytest.mark.row("E79")
async def test_given_the_default_stream_when_completed_then_it_cannot_be(raw: RawStore) -> None:
    for stream_type, stream_id in [("All", "Default"), ("", "")]:
        response = await complete(raw, stream_type, stream_id)
        assert not response.IsSuccess
        assert response.Error == DEFAULT_STREAM
    assert await is_accepted(raw)


@pytest.mark.row("E80")
async def test_given_events_when_a_stream_is_completed_then_the_tail_of_the_sequence_is_told(
    raw: RawStore,
) -> None:
    await raw.append("happened", EventStreamType="orders", EventStreamId="7")
    await raw.append("happened")
    response = await complete(raw, "orders", "7")
    assert (response.IsSuccess, response.SequenceNumber) == (True, 1)
    assert not response.HasField("Error")
    assert await raw.tail() == 1


@pytest.mark.row("E150")
async def test_given_a_completed_stream_when_a_batch_has_an_event_for_it_then_nothing_is_stored(
    raw: RawStore,
) -> None:
    await complete(raw, "orders", "7")
    response = await raw.append_many(
        [
            to_append("happened"),
            to_append("other", EventStreamType="orders", EventStreamId="7"),
            to_append("third"),
        ]
    )
    (violation,) = response.ConstraintViolations
    assert (violation.EventTypeId, violation.ConstraintName) == ("other", "closed-stream")
    assert list(response.SequenceNumbers) == []
    assert await raw.tail() == UNAVAILABLE


@pytest.mark.row("E151")
async def test_given_a_completed_stream_when_one_half_of_its_name_differs_then_events_are_taken(
    raw: RawStore,
) -> None:
    await complete(raw, "orders", "7")
    assert await is_accepted(raw, EventStreamType="orders", EventStreamId="8")
    assert await is_accepted(raw, EventStreamType="Orders", EventStreamId="7")
    assert await is_accepted(raw, EventStreamType="orders")
    assert await is_accepted(raw, EventStreamId="7")


@pytest.mark.row("E151")
async def test_given_a_completed_stream_then_its_namesakes_elsewhere_take_events(raw: RawStore) -> None:
    await complete(raw, "orders", "7")
    stream = {"EventStreamType": "orders", "EventStreamId": "7"}
    assert await is_accepted(raw.within(sequence="other"), **stream)
    assert await is_accepted(raw.within(namespace="tenant"), **stream)
    assert not await is_accepted(raw, **stream)


@pytest.mark.row("E152")
async def test_given_an_empty_sequence_when_a_stream_is_completed_then_there_is_no_tail(
    raw: RawStore,
) -> None:
    response = await complete(raw.within(sequence="unused"), "orders", "7")
    assert (response.IsSuccess, response.SequenceNumber) == (True, UNAVAILABLE)
    assert not await is_accepted(raw.within(sequence="unused"), EventStreamType="orders", EventStreamId="7")
    assert await is_accepted(raw.within(sequence="unused"))


@pytest.mark.row("S52")
async def test_given_a_completed_stream_when_a_client_appends_then_it_learns_of_the_violation(
    bank: EventStore,
) -> None:
    log = bank.event_log
    opened = AccountOpened(owner="Alice")
    await log.append("a", opened, stream_type="accounts", stream_id="a")
    assert await log.complete_stream("accounts", "a") == 0
    result = await log.try_append("a", opened, stream_type="accounts", stream_id="a")
    (violation,) = result.constraint_violations
    assert violation.constraint_type is ConstraintType.STREAM_CLOSED
    assert violation.sequence_number is None
    await log.append("a", opened)
    await log.append("b", opened, stream_type="accounts", stream_id="b")


async def test_given_an_empty_sequence_when_a_client_completes_a_stream_then_there_is_no_tail(
    bank: EventStore,
) -> None:
    assert await bank.event_sequence("archive").complete_stream("accounts", "a") is None


@pytest.mark.row("S53")
async def test_given_the_default_stream_when_a_client_completes_it_then_an_error_is_raised(
    bank: EventStore,
) -> None:
    with pytest.raises(DefaultStreamError, match="'All/Default' cannot be completed"):
        await bank.event_log.complete_stream("All", "Default")


@pytest.mark.row("S54")
async def test_given_a_completed_stream_when_a_client_completes_it_again_then_an_error_is_raised(
    bank: EventStore,
) -> None:
    await bank.event_log.complete_stream("accounts", "a")
    with pytest.raises(StreamCompletedError) as raised:
        await bank.event_log.complete_stream("accounts", "a")
    assert isinstance(raised.value, StreamError)
    assert (raised.value.stream_type, raised.value.stream_id) == ("accounts", "a")
