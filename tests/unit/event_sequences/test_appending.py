"""What goes to the kernel when events are appended (events.md 4.1; contract README)."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import grpc
import pytest

from chronicle.context import (
    Identity,
    causation,
    clear_identity,
    correlation,
    current_correlation_id,
    identity,
    set_identity,
)
from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.errors import (
    AppendError,
    DeadlineError,
    NotConnectedError,
    NotRunningError,
    UnknownEventTypeError,
)
from chronicle.event_sequences.concurrency import ConcurrencyScope
from chronicle.event_sequences.event_for import EventFor
from chronicle.event_sequences.event_sequence import EventSequence
from chronicle.store_access import StoreAccess
from chronicle.values import UNAVAILABLE, guid_from_halves, parse_timestamp
from tests.unit.event_sequences.scripted import AccountOpened, FundsDeposited, ScriptedKernel, Unregistered

ALICE = AccountOpened(owner="Alice", initial_balance=1000)


def correlation_id_of(request: pb.AppendRequest | pb.AppendManyRequest) -> UUID:
    return guid_from_halves(request.CorrelationId.lo, request.CorrelationId.hi)


def chain_of(request: pb.AppendRequest | pb.AppendManyRequest) -> list[tuple[str, dict[str, str]]]:
    return [(entry.Type, dict(entry.Properties)) for entry in request.Causation]


@pytest.mark.row("S33")
async def test_an_append_names_store_sequence_source_and_type(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    result = await log.append("account-42", ALICE)
    (request,) = kernel.requests
    assert (request.EventStore, request.Namespace, request.EventSequenceId) == (
        "bank",
        "Default",
        "event-log",
    )
    assert request.EventSourceId == "account-42"
    assert (request.EventType.Id, request.EventType.Generation) == ("account-opened", 1)
    assert request.Content == '{"owner":"Alice","initialBalance":1000}'
    assert result.sequence_number == 0
    assert result.correlation_id == correlation_id_of(request)


@pytest.mark.row("S49", "S50", "S51")
async def test_what_is_not_said_is_not_sent(log: EventSequence, kernel: ScriptedKernel) -> None:
    await log.append("account-42", FundsDeposited(1))
    (request,) = kernel.requests
    set_fields = {field.name for field, _ in request.ListFields()}
    assert not set_fields & {
        "EventSourceType", "EventStreamType", "EventStreamId", "Subject", "Occurred", "Tags",
    }  # fmt: skip


async def test_what_breaks_a_real_server_is_always_sent(log: EventSequence, kernel: ScriptedKernel) -> None:
    with identity(Identity("s", "Alice", on_behalf_of=Identity("t", "", ""))):
        await log.append("account-42", ALICE)
        await log.append_many("account-42", [ALICE])
    for request in kernel.requests:
        assert request.Causation
        assert request.CausedBy.UserName
        assert request.CausedBy.OnBehalfOf.UserName
    assert kernel.requests[0].ConcurrencyScope == pb.ConcurrencyScope(SequenceNumber=UNAVAILABLE)


@pytest.mark.row("S82")
async def test_without_anything_ambient_the_system_appends(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    await log.append("account-42", ALICE)
    (request,) = kernel.requests
    assert correlation_id_of(request).int != 0
    assert request.CausedBy.Subject == Identity.SYSTEM.subject
    (root, _), (reason, properties) = chain_of(request)
    assert (root, reason) == ("Root", "PythonClient.Append")
    assert properties == {"eventType": "account-opened"}


@pytest.mark.row("S83")
async def test_appends_of_one_context_share_its_correlation_id_unless_one_is_given(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    own = UUID(int=7)
    with correlation() as ambient:
        await log.append("a", ALICE)
        await log.append("a", ALICE, correlation_id=own)
        await log.append_many("a", [ALICE])
    assert [correlation_id_of(request) for request in kernel.requests] == [ambient, own, ambient]


@pytest.mark.row("S88")
async def test_every_call_carries_the_correlation_id(log: EventSequence, kernel: ScriptedKernel) -> None:
    await log.append("a", ALICE)
    await log.append_many("a", [ALICE])
    await log.tail()
    assert kernel.metadata == [{"x-correlation-id": str(current_correlation_id())}] * 3


@pytest.mark.row("S84")
async def test_the_identity_is_that_of_the_moment(log: EventSequence, kernel: ScriptedKernel) -> None:
    set_identity(Identity("subject-1", "Alice", "alice"))
    await log.append("a", ALICE)
    clear_identity()
    await log.append("a", ALICE)
    assert [request.CausedBy.Subject for request in kernel.requests] == ["subject-1", Identity.SYSTEM.subject]


@pytest.mark.row("S86", "S179")
async def test_the_chain_is_root_then_entries_then_the_append_and_does_not_grow(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    with causation("first", a=1), causation("second"):
        await log.append("a", ALICE)
        await log.append_many("a", [ALICE, ALICE])
    await log.append("a", ALICE)
    one, many, last = (chain_of(request)[1:] for request in kernel.requests)
    assert one == [
        ("first", {"a": "1"}),
        ("second", {}),
        ("PythonClient.Append", {"eventType": "account-opened"}),
    ]
    assert many == [("first", {"a": "1"}), ("second", {}), ("PythonClient.AppendMany", {"count": "2"})]
    assert last == one[-1:]


async def test_the_append_entry_has_the_time_of_its_append(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    before = datetime.now(UTC)
    await log.append("a", ALICE)
    await log.append("a", ALICE)
    first, second = (parse_timestamp(request.Causation[-1].Occurred.Value) for request in kernel.requests)
    assert before - timedelta(milliseconds=1) <= first <= second <= datetime.now(UTC)


@pytest.mark.row("S51", "S81", "E8")
async def test_everything_that_can_be_said_of_an_event_is_sent(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    await log.append(
        "a",
        ALICE,
        tags=["x"],
        subject="alice",
        occurred=datetime(2024, 1, 15, 12, 30, tzinfo=UTC),
        stream_type="transactions",
        stream_id="2024",
        source_type="account",
        concurrency=ConcurrencyScope.at(3).for_source(),
    )
    (request,) = kernel.requests
    assert list(request.Tags) == ["audit", "bank", "x"]
    assert request.Subject == "alice"
    assert request.Occurred.Value == "2024-01-15T12:30:00.0000000+00:00"
    assert (request.EventStreamType, request.EventStreamId) == ("transactions", "2024")
    assert request.EventSourceType == "account"
    assert request.ConcurrencyScope == pb.ConcurrencyScope(SequenceNumber=3, EventSourceId=True)


async def test_what_was_said_of_one_event_is_not_said_of_the_next(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    await log.append("a", ALICE, tags=["x"], subject="alice", concurrency=ConcurrencyScope.expect_none())
    await log.append("b", AccountOpened(owner="Bob"))
    request = kernel.requests[1]
    assert list(request.Tags) == ["audit", "bank"]
    assert request.Subject == ""
    assert request.ConcurrencyScope == pb.ConcurrencyScope(SequenceNumber=UNAVAILABLE)
    assert request.EventSourceId == "b"
    assert "Bob" in request.Content


@pytest.mark.row("S165", "E11", "E12")
async def test_tags_are_those_of_type_entry_and_call_each_once(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    await log.append("a", ALICE, tags=["x", "bank", "x"])
    await log.append_many(
        [EventFor("a", ALICE, tags=["own", "audit"]), EventFor("b", FundsDeposited(1))], tags=["call", "own"]
    )
    assert list(kernel.requests[0].Tags) == ["audit", "bank", "x"]
    assert [list(event.Tags) for event in kernel.requests[1].Events] == [
        ["audit", "bank", "own", "call"],
        ["call", "own"],
    ]


async def test_a_lone_text_is_one_tag(log: EventSequence, kernel: ScriptedKernel) -> None:
    await log.append("a", FundsDeposited(1), tags="cash")
    assert list(kernel.requests[0].Tags) == ["cash"]


@pytest.mark.row("S34")
async def test_appending_nothing_is_a_success_without_a_call(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    assert (await log.append_many("a", [])).is_success
    assert (await log.append_many([])).sequence_numbers == ()
    assert kernel.requests == []


async def test_a_batch_of_one_source_shares_what_is_said(log: EventSequence, kernel: ScriptedKernel) -> None:
    result = await log.append_many("a", [ALICE, FundsDeposited(5)], stream_type="t", tags=["x"])
    (request,) = kernel.requests
    assert [event.EventType.Id for event in request.Events] == ["account-opened", "funds-deposited"]
    assert [event.EventType.Generation for event in request.Events] == [1, 2]
    assert {event.EventSourceId for event in request.Events} == {"a"}
    assert {event.EventStreamType for event in request.Events} == {"t"}
    assert [list(event.Tags) for event in request.Events] == [["audit", "bank", "x"], ["x"]]
    assert result.sequence_numbers == (0, 1)


async def test_a_batch_of_several_sources_keeps_its_order_and_what_is_said_of_each(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    await log.append_many(
        [
            EventFor("a", FundsDeposited(1), subject="alice"),
            EventFor("b", FundsDeposited(2), source_type="account", stream_type="t", stream_id="i"),
            EventFor("a", FundsDeposited(3), occurred=datetime(2024, 1, 1, tzinfo=UTC)),
        ]
    )
    first, second, third = kernel.requests[0].Events
    assert [first.EventSourceId, second.EventSourceId, third.EventSourceId] == ["a", "b", "a"]
    assert first.Subject == "alice"
    assert (second.EventSourceType, second.EventStreamType, second.EventStreamId) == ("account", "t", "i")
    assert third.Occurred.Value == "2024-01-01T00:00:00.0000000+00:00"


@pytest.mark.row("S47")
async def test_a_scope_for_a_batch_holds_for_each_source_and_scopes_by_source_as_given(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    events = [
        EventFor("a", FundsDeposited(1)),
        EventFor("b", FundsDeposited(2)),
        EventFor("a", FundsDeposited(3)),
    ]
    await log.append_many(events, concurrency=ConcurrencyScope.at(7).for_source())
    await log.append_many(
        events,
        concurrency={"b": ConcurrencyScope.at(3), "other": ConcurrencyScope.expect_none().for_source()},
    )
    await log.append_many(events)
    shared, own, none = (dict(request.ConcurrencyScopes) for request in kernel.requests)
    seven = pb.ConcurrencyScope(SequenceNumber=7, EventSourceId=True)
    assert shared == {"a": seven, "b": seven}
    assert own == {
        "b": pb.ConcurrencyScope(SequenceNumber=3),
        "other": pb.ConcurrencyScope(
            SequenceNumber=UNAVAILABLE, EventSourceId=True, ExpectsNoMatchingEvent=True
        ),
    }
    assert none == {}


@pytest.mark.row("S164", "E18")
@pytest.mark.parametrize("event", ["text", {"amount": 1}, Unregistered()])
async def test_an_object_that_is_no_event_of_the_store_is_refused_before_any_call(
    log: EventSequence, kernel: ScriptedKernel, event: object
) -> None:
    with pytest.raises(UnknownEventTypeError):
        await log.append("a", event)
    with pytest.raises(UnknownEventTypeError):
        await log.append_many("a", [FundsDeposited(1), event])
    assert kernel.requests == []


@pytest.mark.parametrize("event_source_id", ["", " ", None, 42, UUID(int=1)])
async def test_what_is_no_event_source_id_is_refused_with_what_to_write(
    log: EventSequence, kernel: ScriptedKernel, event_source_id: object
) -> None:
    with pytest.raises(AppendError, match=r"str\(\.\.\.\)"):
        await log.append(event_source_id, ALICE)  # type: ignore[arg-type]
    with pytest.raises(AppendError):
        await log.append_many([EventFor(event_source_id, ALICE)])  # type: ignore[arg-type]
    assert kernel.requests == []


async def test_a_misspelt_option_is_refused(log: EventSequence, kernel: ScriptedKernel) -> None:
    with pytest.raises(TypeError, match="tag"):
        await log.append("a", ALICE, tag=["x"])  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="tag"):
        await log.append_many("a", [ALICE], tag=["x"])  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="EventFor"):
        await log.append_many([EventFor("a", ALICE)], subject="x")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="EventFor"):
        await log.append_many("a")  # type: ignore[arg-type]
    assert kernel.requests == []


async def test_an_unknown_option_is_refused_by_the_name_of_the_call_with_the_options_there_are(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    options = (
        "The options are concurrency, correlation_id, occurred, source_type, stream_id, stream_type, "
        r"subject, tags\."
    )
    with pytest.raises(TypeError, match=rf"^append has no option 'foo'\. {options}"):
        await log.append("a", ALICE, foo=1, tags=["x"])  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=rf"^append_many has no option 'foo'\. {options}"):
        await log.append_many("a", [ALICE], foo=1)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"^append_many has no option 'foo', 'bar'\."):
        await log.append_many([EventFor("a", ALICE)], foo=1, bar=2)  # type: ignore[call-overload]
    assert kernel.requests == []


@pytest.mark.parametrize("occurred", ["2020", date(2020, 1, 2), 1577934245])
async def test_what_is_no_datetime_is_refused_as_the_moment_of_an_event(
    log: EventSequence, kernel: ScriptedKernel, occurred: object
) -> None:
    with pytest.raises(AppendError, match=r"is no datetime\. Give one"):
        await log.append("a", ALICE, occurred=occurred)  # type: ignore[arg-type]
    with pytest.raises(AppendError, match=r"is no datetime\. Give one"):
        await log.append_many([EventFor("a", ALICE, occurred=occurred)])  # type: ignore[arg-type]
    assert kernel.requests == []


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (grpc.StatusCode.UNAVAILABLE, NotConnectedError),
        (grpc.StatusCode.DEADLINE_EXCEEDED, DeadlineError),
    ],
)
async def test_a_failed_call_is_an_error_of_our_tree(
    log: EventSequence, kernel: ScriptedKernel, code: grpc.StatusCode, error: type[Exception]
) -> None:
    kernel.aborts_with = code
    with pytest.raises(error, match="EventSequences/Append"):
        await log.append("a", ALICE)


@pytest.mark.row("S158")
async def test_a_closed_client_says_so(log: EventSequence, store: StoreAccess) -> None:
    await store.channel.close()
    with pytest.raises(NotRunningError, match="closed"):
        await log.append("a", ALICE)
