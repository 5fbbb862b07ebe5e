"""What the kernel is asked for when events are to be redacted or revised (events.md 10)."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from chronicle.context import Identity, causation, correlation, identity
from chronicle.errors import UnknownEventTypeError
from chronicle.event_sequences.event_sequence import EventSequence
from chronicle.events.event_redacted import EventRedacted
from chronicle.values import guid_from_halves
from tests.unit.event_sequences.scripted import AccountOpened, FundsDeposited, ScriptedKernel, Unregistered

ALICE = Identity("alice-1", "Alice", "alice")


async def test_a_redaction_names_the_event_and_the_reason(log: EventSequence, kernel: ScriptedKernel) -> None:
    await log.redact(7, "asked for")
    (request,) = kernel.requests
    assert (request.EventStore, request.Namespace, request.EventSequenceId) == (
        "bank",
        "Default",
        "event-log",
    )
    assert (request.SequenceNumber, request.Reason) == (7, "asked for")


async def test_a_redaction_of_a_source_names_its_types(log: EventSequence, kernel: ScriptedKernel) -> None:
    await log.redact_for("a", "left")
    await log.redact_for("a", "left", AccountOpened, EventRedacted)
    all_types, some = kernel.requests
    assert (all_types.EventSourceId, all_types.Reason, len(all_types.EventTypes)) == ("a", "left", 0)
    assert [event_type.Id for event_type in some.EventTypes] == ["account-opened", "EventRedacted"]


async def test_a_revision_carries_the_new_content(log: EventSequence, kernel: ScriptedKernel) -> None:
    await log.revise(3, FundsDeposited(12))
    (request,) = kernel.requests
    assert (request.SequenceNumber, request.EventType.Id, request.EventType.Generation) == (
        3,
        "funds-deposited",
        2,
    )
    assert request.Content == '{"amount":12,"notes":[]}'


@pytest.mark.parametrize(
    ("ask", "reason", "properties"),
    [
        (lambda log: log.redact(7, "r"), "Redact", {"sequenceNumber": "7"}),
        (lambda log: log.redact_for("a", "r"), "RedactForEventSource", {"eventSourceId": "a"}),
        (
            lambda log: log.revise(7, FundsDeposited(1)),
            "Revise",
            {"eventType": "funds-deposited", "sequenceNumber": "7"},
        ),
    ],
)
async def test_every_request_carries_what_is_ambient(
    log: EventSequence,
    kernel: ScriptedKernel,
    ask: Callable[[EventSequence], Awaitable[None]],
    reason: str,
    properties: dict[str, str],
) -> None:
    with identity(ALICE), correlation(UUID(int=7)), causation("request", path="/forget"):
        await ask(log)
    (request,) = kernel.requests
    assert guid_from_halves(request.CorrelationId.lo, request.CorrelationId.hi) == UUID(int=7)
    assert kernel.metadata[0]["x-correlation-id"] == str(UUID(int=7))
    assert (request.CausedBy.Subject, request.CausedBy.UserName) == ("alice-1", "alice")
    assert [entry.Type for entry in request.Causation] == ["Root", "request", f"PythonClient.{reason}"]
    assert request.Causation[-1].Properties == properties


async def test_what_cannot_be_is_refused_without_a_call(log: EventSequence, kernel: ScriptedKernel) -> None:
    for number in (-1, 2**64 - 3, 2**64 - 1):
        with pytest.raises(ValueError, match="no sequence number"):
            await log.redact(number, "r")
    with pytest.raises(ValueError, match="no event source id"):
        await log.redact_for("", "r")
    with pytest.raises(UnknownEventTypeError):
        await log.revise(0, Unregistered())
    with pytest.raises(UnknownEventTypeError):
        await log.redact_for("a", "r", dict)
    assert kernel.requests == []
