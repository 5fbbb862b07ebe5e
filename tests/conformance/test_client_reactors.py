"""Reactors through the client: what handlers see, what becomes of what they return (observation.md 12)."""

import threading
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from chronicle import (
    Artifacts,
    ChronicleClient,
    EventContext,
    EventFor,
    EventStore,
    Identity,
    current_identity,
    identity,
    reactor,
)
from tests.conformance.bank import (
    EVENT_TYPES,
    AccountClosed,
    AccountOpened,
    BranchRated,
    FundsDeposited,
    FundsWithdrawn,
    NoEvent,
)
from tests.conformance.raw import RawStore, Stubs
from tests.waiting import eventually

ALICE = AccountOpened(owner="Alice")

OpenBank = Callable[..., Awaitable[EventStore]]


@pytest.fixture
def bank_with(client: ChronicleClient, store_name: str) -> OpenBank:
    """Opens the test's event store with the given reactors."""

    async def open_bank(*reactors: Any) -> EventStore:
        artifacts = Artifacts(event_types=EVENT_TYPES, reactors=reactors)
        return await client.event_store(store_name, artifacts=artifacts)

    return open_bank


async def has_events(store: EventStore, count: int) -> list[tuple[str, object]]:
    """Waits until the log has so many events: each with its source."""

    async def look() -> list[tuple[str, object]]:
        return [(each.event_source_id, each.event) for each in await store.event_log.events_from(0)]

    return await eventually(look, lambda events: len(events) >= count)


async def grows_to(items: list[Any], count: int) -> None:
    async def look() -> int:
        return len(items)

    await eventually(look, lambda found: found >= count)


async def test_given_a_function_and_a_class_when_events_happen_then_both_handle_theirs(
    bank_with: OpenBank,
) -> None:
    seen: list[tuple[str, object, int]] = []

    @reactor(id="function")
    async def welcome(event: AccountOpened, context: EventContext) -> None:
        seen.append(("function", event, context.sequence_number))

    @reactor(id="class")
    class Ledger:
        async def deposited(self, event: FundsDeposited, context: EventContext) -> None:
            seen.append(("class", event, context.sequence_number))

        def opened(self, event: AccountOpened) -> None:
            seen.append(("class", event, -1))

    bank = await bank_with(welcome, Ledger)
    deposit = FundsDeposited(amount=Decimal(5))
    await bank.event_log.append("alice", ALICE)
    await bank.event_log.append("alice", FundsWithdrawn(amount=Decimal(1)))
    await bank.event_log.append("alice", deposit)
    await grows_to(seen, 3)
    assert sorted(seen, key=str) == sorted(
        [("function", ALICE, 0), ("class", ALICE, -1), ("class", deposit, 2)], key=str
    )


async def test_given_events_from_before_when_a_reactor_is_declared_then_it_gets_them_all(
    client: ChronicleClient, stubs: Stubs, store_name: str, bank_with: OpenBank
) -> None:
    # Registers the event types, in a namespace that nothing else happens in.
    await client.event_store(store_name, namespace="elsewhere", artifacts=Artifacts(EVENT_TYPES))
    raw = RawStore(stubs, store_name)
    for n in range(20):
        await raw.append("funds-deposited", {"amount": n}, source="alice")
    seen: list[Decimal] = []

    @reactor(id="late")
    async def late(event: FundsDeposited) -> None:
        seen.append(event.amount)

    await bank_with(late)
    await grows_to(seen, 20)
    assert seen == [Decimal(n) for n in range(20)]


async def test_given_a_reactor_of_another_sequence_then_it_handles_the_events_of_that_one_only(
    bank_with: OpenBank,
) -> None:
    seen: list[object] = []

    @reactor(id="auditor", event_sequence="audit")
    async def auditor(event: FundsDeposited) -> None:
        seen.append(event)

    bank = await bank_with(auditor)
    here, there = (FundsDeposited(amount=Decimal(n)) for n in (1, 2))
    await bank.event_log.append("alice", here)
    await bank.event_sequence("audit").append("alice", there)
    await grows_to(seen, 1)
    assert seen == [there]


@pytest.mark.row("S91")
async def test_given_a_handler_that_fails_and_then_succeeds_then_the_partition_recovers_and_goes_on(
    bank_with: OpenBank,
) -> None:
    seen: list[Decimal] = []
    failures = 1

    @reactor(id="flaky")
    async def flaky(event: FundsDeposited) -> None:
        nonlocal failures
        if failures:
            failures -= 1
            raise LookupError("not yet")
        seen.append(event.amount)

    bank = await bank_with(flaky)
    await bank.event_log.append("alice", FundsDeposited(amount=Decimal(1)))
    await bank.event_log.append("alice", FundsDeposited(amount=Decimal(2)))
    await grows_to(seen, 2)
    await bank.event_log.append("alice", FundsDeposited(amount=Decimal(3)))
    await grows_to(seen, 3)
    assert seen == [Decimal(1), Decimal(2), Decimal(3)]


@pytest.mark.row("S182", "S96")
@pytest.mark.parametrize("once_only", [False, True])
async def test_given_a_handler_that_raises_on_the_second_of_three_then_the_third_waits_for_the_retry(
    bank_with: OpenBank, once_only: bool
) -> None:
    seen: list[int] = []
    is_broken = True

    # A retry is no replay.
    @reactor(id="breaking", once_only=once_only)
    async def breaking(event: FundsDeposited) -> None:
        seen.append(int(event.amount))
        if event.amount == 2 and is_broken:
            raise LookupError("no")

    bank = await bank_with(breaking)
    await bank.event_log.append_many("alice", [FundsDeposited(amount=Decimal(n)) for n in (1, 2, 3)])
    await grows_to(seen, 2)
    assert seen[:2] == [1, 2]
    is_broken = False
    # A live failure is retried from the last event that succeeded, which therefore comes again.
    await grows_to(seen, 5)
    assert seen[2:] == [1, 2, 3]


@pytest.mark.row("S103")
async def test_given_a_handler_that_returns_an_event_then_it_is_appended_to_the_triggering_source(
    bank_with: OpenBank,
) -> None:
    @reactor(id="bonus")
    async def bonus(event: AccountOpened) -> FundsDeposited:
        return FundsDeposited(amount=Decimal(10))

    bank = await bank_with(bonus)
    await bank.event_log.append("alice", ALICE)
    assert await has_events(bank, 2) == [("alice", ALICE), ("alice", FundsDeposited(amount=Decimal(10)))]


@pytest.mark.row("S104", "S106", "S105", "O134")
async def test_given_a_handler_that_returns_a_mixed_list_then_it_is_one_append_with_each_event_at_its_place(
    bank_with: OpenBank,
) -> None:
    deposit, fee = FundsDeposited(amount=Decimal(10)), FundsWithdrawn(amount=Decimal(1))

    @reactor(id="many")
    async def many(event: AccountOpened) -> list[object]:
        return [
            deposit,
            EventFor("bank", fee, tags=["fee"], stream_type="fees", source_type="house"),
            fee,
        ]

    bank = await bank_with(many)
    await bank.event_log.append("alice", ALICE)
    assert (await has_events(bank, 4))[1:] == [("alice", deposit), ("bank", fee), ("alice", fee)]
    first, elsewhere, last = (event.context for event in await bank.event_log.events_from(1))
    assert elsewhere.tags == ("money", "fee")
    assert (elsewhere.event_stream_type, elsewhere.event_source_type) == ("fees", "house")
    assert (first.event_stream_type, first.event_source_type) == ("All", "Default")
    # One append has one chain, down to its times.
    assert first.causation == elsewhere.causation == last.causation


async def test_given_a_side_effect_that_is_refused_then_its_event_fails_and_is_retried_and_nothing_is_stored(
    client: ChronicleClient, store_name: str
) -> None:
    handled: list[int] = []

    @reactor(id="refused")
    async def refused(event: AccountOpened, context: EventContext) -> list[EventFor]:
        handled.append(context.sequence_number)
        # Refused before the call: the event source id is unusable.
        return [EventFor("", FundsDeposited(amount=Decimal(1))), EventFor("alice", AccountClosed())]

    artifacts = Artifacts(event_types=EVENT_TYPES, reactors=[refused])
    bank = await client.event_store(store_name, artifacts=artifacts)
    await bank.event_log.append("alice", ALICE)
    await grows_to(handled, 2)
    assert set(handled) == {0}
    assert await bank.event_log.tail() == 0


@pytest.mark.row("S109")
async def test_given_a_handler_that_returns_nothing_or_something_unknown_then_nothing_is_appended(
    bank_with: OpenBank,
) -> None:
    handled: list[int] = []

    @reactor(id="nothing")
    async def nothing(event: FundsDeposited, context: EventContext) -> object:
        handled.append(context.sequence_number)
        return None if context.sequence_number == 0 else NoEvent()

    bank = await bank_with(nothing)
    for _ in range(2):
        await bank.event_log.append("alice", FundsDeposited(amount=Decimal(1)))
    await bank.event_log.append("bob", FundsDeposited(amount=Decimal(1)))
    await grows_to(handled, 3)
    assert handled == [0, 1, 2]
    assert await bank.event_log.tail() == 2


@pytest.mark.row("S177")
async def test_given_a_handler_that_appends_then_it_is_the_system_on_behalf_of_the_causer_with_its_entry(
    bank_with: OpenBank,
) -> None:
    @reactor(id="appending")
    async def appending(event: AccountOpened) -> FundsDeposited:
        return FundsDeposited(amount=Decimal(10))

    bank = await bank_with(appending)
    alice = Identity("alice-subject", "Alice", "alice", Identity.SYSTEM)
    with identity(alice):
        await bank.event_log.append("alice", ALICE)
    await has_events(bank, 2)
    trigger, effect = (event.context for event in await bank.event_log.events_from(0))
    assert [link.subject for link in effect.caused_by.chain()] == [
        Identity.SYSTEM.subject,
        "alice-subject",
    ]
    assert effect.correlation_id == trigger.correlation_id
    (entry,) = (cause for cause in effect.causation if cause.type == "Client Reactor")
    assert dict(entry.properties) == {
        "ReactorId": "appending",
        "eventTypeId": "account-opened",
        "eventTypeGeneration": "1",
        "eventSequenceId": "event-log",
        "eventSequenceNumber": "0",
    }


@pytest.mark.row("S178")
async def test_given_a_handler_that_finished_well_or_not_then_the_identity_of_the_next_is_not_its(
    bank_with: OpenBank,
) -> None:
    seen: list[tuple[str, list[str]]] = []

    @reactor(id="acting")
    async def acting(event: AccountOpened) -> None:
        seen.append((event.owner, [link.subject for link in current_identity().chain()]))
        if event.owner == "Alice" and len(seen) == 1:
            raise LookupError("not yet")

    bank = await bank_with(acting)
    with identity(Identity("alice-subject", "Alice", "alice")):
        await bank.event_log.append("alice", ALICE)
    await bank.event_log.append("bob", AccountOpened(owner="Bob"))
    await grows_to(seen, 3)
    system = Identity.SYSTEM.subject
    assert seen == [
        ("Alice", [system, "alice-subject"]),
        ("Bob", [system]),
        ("Alice", [system, "alice-subject"]),
    ]
    assert current_identity() == Identity.SYSTEM


@pytest.mark.row("S116")
async def test_given_an_event_that_cannot_be_decoded_then_its_partition_fails_and_others_go_on(
    bank_with: OpenBank, stubs: Stubs, store_name: str
) -> None:
    seen: list[tuple[str, int]] = []

    @reactor(id="decoding")
    async def decoding(event: BranchRated, context: EventContext) -> None:
        seen.append((context.event_source_id, event.stars))

    bank = await bank_with(decoding)
    raw = RawStore(stubs, store_name)
    await raw.append("branch-rated", {"stars": 6}, source="broken")
    await bank.event_log.append("broken", BranchRated(stars=1))
    await bank.event_log.append("fine", BranchRated(stars=2))
    await grows_to(seen, 1)
    assert seen == [("fine", 2)]


async def test_given_a_reactor_that_cannot_be_made_then_it_fails_and_others_go_on(
    bank_with: OpenBank,
) -> None:
    seen: list[int] = []
    attempts: list[int] = []

    @reactor(id="unmakeable")
    class Unmakeable:
        def __init__(self) -> None:
            attempts.append(1)
            raise LookupError("no such thing")

        async def opened(self, event: AccountOpened) -> None:
            raise AssertionError("never made, never called")

    @reactor(id="other")
    async def other(event: AccountOpened, context: EventContext) -> None:
        seen.append(context.sequence_number)

    bank = await bank_with(Unmakeable, other)
    await bank.event_log.append("alice", ALICE)
    await grows_to(seen, 1)
    await grows_to(attempts, 2)
    assert seen == [0]


async def test_given_a_plain_function_that_blocks_then_the_event_loop_goes_on(bank_with: OpenBank) -> None:
    has_begun, may_go_on = threading.Event(), threading.Event()
    seen: list[int] = []

    @reactor(id="blocking")
    def blocking(event: AccountOpened, context: EventContext) -> None:
        has_begun.set()
        may_go_on.wait(10)
        seen.append(context.sequence_number)

    bank = await bank_with(blocking)
    await bank.event_log.append("alice", ALICE)

    async def begun() -> bool:
        return has_begun.is_set()

    await eventually(begun)
    # The handler waits for what only the loop can do.
    await bank.event_log.append("bob", FundsDeposited(amount=Decimal(1)))
    assert seen == []
    may_go_on.set()
    await grows_to(seen, 1)
    assert seen == [0]
