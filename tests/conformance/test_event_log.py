"""The event log through the client: appends and their results, reads, tails (events.md 4, 5 and 9)."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from chronicle import (
    NO_CONCURRENCY_CHECK,
    AppendedEvent,
    AppendError,
    ChronicleClient,
    ConcurrencyError,
    ConcurrencyScope,
    EventFor,
    EventStore,
    NotRunningError,
    SerializationError,
    UnknownEventTypeError,
)
from chronicle.values import UNAVAILABLE
from tests.conformance.bank import (
    BANK,
    AccountClosed,
    AccountOpened,
    FundsDeposited,
    FundsWithdrawn,
    NoEvent,
)
from tests.conformance.kernels import KernelUnderTest
from tests.conformance.raw import RawStore, from_guid

ALICE = AccountOpened(owner="Alice", initial_balance=Decimal("1000.50"))


def numbers(events: Sequence[AppendedEvent[Any]]) -> list[int]:
    return [event.sequence_number for event in events]


async def fill(store: EventStore) -> None:
    """Four events of three types, for two accounts."""
    log = store.event_log
    await log.append("alice", ALICE)
    await log.append("bob", AccountOpened(owner="Bob"))
    await log.append_many("alice", [FundsDeposited(amount=Decimal(7)), FundsWithdrawn(amount=Decimal(3))])


@pytest.mark.row("E1", "S56")
async def test_given_an_empty_log_then_it_has_no_tail_and_the_next_number_is_0_and_later_tail_plus_1(
    bank: EventStore, raw_bank: RawStore
) -> None:
    assert await raw_bank.tail() == UNAVAILABLE
    assert await bank.event_log.tail() is None
    assert await bank.event_log.next_sequence_number() == 0
    await fill(bank)
    assert await bank.event_log.next_sequence_number() == 4


@pytest.mark.row("E2", "S33")
async def test_given_two_appends_then_they_are_0_and_1_and_both_are_stored_with_their_content(
    bank: EventStore, raw_bank: RawStore
) -> None:
    results = [
        await bank.event_log.append("alice", ALICE),
        await bank.event_log.append("alice", FundsDeposited(amount=Decimal("0.1"))),
    ]
    assert [result.sequence_number for result in results] == [0, 1]
    assert all(result.is_success for result in results)
    assert await raw_bank.tail() == 1
    assert await bank.event_log.next_sequence_number() == 2
    stored = await bank.event_log.events_from(0)
    assert [event.event for event in stored] == [ALICE, FundsDeposited(amount=Decimal("0.1"))]


@pytest.mark.row("E18", "S164")
async def test_given_an_object_that_is_no_event_when_appended_then_it_is_refused_before_any_call(
    kernel: KernelUnderTest, store_name: str
) -> None:
    async with ChronicleClient(kernel.connection_string) as client:
        store = await client.event_store(store_name, artifacts=BANK)
    # On a client that is closed a call could not even begin.
    with pytest.raises(NotRunningError):
        await store.event_log.append("alice", ALICE)
    with pytest.raises(UnknownEventTypeError, match="NoEvent"):
        await store.event_log.append("alice", NoEvent())
    with pytest.raises(UnknownEventTypeError, match="NoEvent"):
        await store.event_log.append_many("alice", [ALICE, NoEvent()])


@pytest.mark.row("S34")
async def test_given_an_empty_list_when_appended_then_it_succeeds_without_a_call(
    kernel: KernelUnderTest, store_name: str
) -> None:
    async with ChronicleClient(kernel.connection_string) as client:
        store = await client.event_store(store_name, artifacts=BANK)
    result = await store.event_log.append_many("alice", [])
    assert result.is_success
    assert result.sequence_numbers == ()


@pytest.mark.parametrize("source", ["", None, 42])
async def test_given_an_unusable_event_source_id_when_appended_then_the_error_says_what_to_give(
    bank: EventStore, source: Any
) -> None:
    with pytest.raises(AppendError, match="event source id"):
        await bank.event_log.append(source, ALICE)
    assert await bank.event_log.tail() is None


@pytest.mark.row("E11", "E12", "S165")
async def test_given_tags_on_type_entry_and_call_then_an_event_has_all_of_them_once_and_in_that_order(
    bank: EventStore,
) -> None:
    deposit = FundsDeposited(amount=Decimal(1))
    await bank.event_log.append("alice", deposit, tags=["call", "in", "call"])
    await bank.event_log.append_many(
        [
            EventFor("alice", deposit, tags=["own", "money"]),
            EventFor("bob", FundsWithdrawn(amount=Decimal(1)), tags=["other"]),
        ],
        tags=["call", "own"],
    )
    tags = [event.context.tags for event in await bank.event_log.events_from(0)]
    assert tags == [
        ("money", "in", "call"),
        ("money", "in", "own", "call"),
        ("money", "other", "call", "own"),
    ]


@pytest.mark.row("S49")
async def test_given_no_stream_and_source_type_when_appended_then_the_defaults_are_stored(
    bank: EventStore,
) -> None:
    await bank.event_log.append("alice", ALICE)
    await bank.event_log.append_many("alice", [ALICE])
    for event in await bank.event_log.events_from(0):
        context = event.context
        stored = (context.event_stream_type, context.event_stream_id, context.event_source_type)
        assert stored == ("All", "Default", "Default")


@pytest.mark.row("S51")
async def test_given_an_explicit_time_when_appended_then_it_is_stored_and_else_the_time_of_the_append(
    bank: EventStore,
) -> None:
    past = datetime(2020, 2, 29, 12, 30, 15, 123_000, UTC)
    before = datetime.now(UTC)
    await bank.event_log.append("alice", ALICE, occurred=past)
    await bank.event_log.append("alice", ALICE)
    given, made = (event.context.occurred for event in await bank.event_log.events_from(0))
    assert given == past
    assert abs((made - before).total_seconds()) < 300


async def test_given_all_that_can_be_said_about_an_event_when_appended_then_it_reads_back(
    bank: EventStore, raw_bank: RawStore
) -> None:
    result = await bank.event_log.append(
        "alice",
        ALICE,
        tags=["vip"],
        stream_type="onboarding",
        stream_id="2024",
        source_type="account",
        subject="person-1",
    )
    (event,) = await bank.event_log.events_for("alice")
    context = event.context
    assert event.event == ALICE
    assert context.sequence_number == 0
    assert context.event_source_id == "alice"
    assert (context.event_type_id, context.generation) == ("account-opened", 1)
    assert (context.event_stream_type, context.event_stream_id) == ("onboarding", "2024")
    assert context.event_source_type == "account"
    assert context.tags == ("vip",)
    assert (context.event_store, context.namespace) == (bank.name, "Default")
    assert context.correlation_id == result.correlation_id
    (stored,) = await raw_bank.read()
    assert from_guid(stored.Context.CorrelationId) == result.correlation_id


@pytest.mark.row("S43")
async def test_given_a_scope_at_an_old_tail_when_appended_then_the_violation_has_both_numbers(
    bank: EventStore,
) -> None:
    await fill(bank)
    stale = ConcurrencyScope.at(0).for_source()
    with pytest.raises(ConcurrencyError) as refusal:
        await bank.event_log.append("alice", ALICE, concurrency=stale)
    (violation,) = refusal.value.violations
    assert violation.expected_sequence_number == 0
    assert violation.actual_sequence_number == 3
    result = await bank.event_log.try_append("alice", ALICE, concurrency=stale)
    assert not result.is_success
    assert result.sequence_number is None
    assert await bank.event_log.tail() == 3


@pytest.mark.row("S44")
async def test_given_no_scope_when_two_appends_follow_one_another_then_both_succeed(bank: EventStore) -> None:
    assert (await bank.event_log.append("alice", ALICE)).is_success
    assert (await bank.event_log.append("alice", ALICE)).is_success


@pytest.mark.row("S45")
async def test_given_the_scope_none_when_appended_then_it_is_never_checked(bank: EventStore) -> None:
    await fill(bank)
    results = await asyncio.gather(
        *(bank.event_log.append("alice", ALICE, concurrency=NO_CONCURRENCY_CHECK) for _ in range(5))
    )
    assert sorted(result.sequence_number or 0 for result in results) == [4, 5, 6, 7, 8]


@pytest.mark.row("S46")
async def test_given_a_scope_that_expects_no_event_then_the_first_append_succeeds_and_a_second_fails(
    bank: EventStore,
) -> None:
    nothing_yet = ConcurrencyScope.expect_none().for_source()
    assert (await bank.event_log.append("alice", ALICE, concurrency=nothing_yet)).is_success
    with pytest.raises(ConcurrencyError) as refusal:
        await bank.event_log.append("alice", ALICE, concurrency=nothing_yet)
    (violation,) = refusal.value.violations
    assert violation.expected_sequence_number is None
    assert violation.actual_sequence_number == 0


@pytest.mark.row("S47")
async def test_given_a_scope_per_source_or_one_for_all_when_a_batch_is_appended_then_each_is_checked(
    bank: EventStore,
) -> None:
    await fill(bank)
    batch = [EventFor("alice", ALICE), EventFor("bob", ALICE)]
    fresh = {"alice": ConcurrencyScope.at(3).for_source(), "bob": ConcurrencyScope.at(1).for_source()}
    assert (await bank.event_log.append_many(batch, concurrency=fresh)).sequence_numbers == (4, 5)
    result = await bank.event_log.try_append_many(batch, concurrency=fresh)
    assert len(result.concurrency_violations) == 2
    at_four = await bank.event_log.try_append_many(batch, concurrency=ConcurrencyScope.at(4).for_source())
    (violation,) = at_four.concurrency_violations
    assert violation.actual_sequence_number == 5


@pytest.mark.row("S175")
async def test_given_a_batch_that_is_rejected_then_its_result_says_why_and_is_never_just_empty(
    bank: EventStore,
) -> None:
    await fill(bank)
    result = await bank.event_log.try_append_many("alice", [ALICE, ALICE], concurrency=ConcurrencyScope.at(0))
    assert not result.is_success
    assert result.sequence_numbers == ()
    assert result.concurrency_violations
    with pytest.raises(ConcurrencyError):
        result.raise_for_failure()


@pytest.mark.row("S55")
async def test_given_events_of_two_sources_when_those_of_one_are_read_by_type_then_only_they_come_in_order(
    bank: EventStore,
) -> None:
    await fill(bank)
    assert numbers(await bank.event_log.events_for("alice")) == [0, 2, 3]
    assert numbers(await bank.event_log.events_for("alice", FundsDeposited, FundsWithdrawn)) == [2, 3]
    assert numbers(await bank.event_log.events_for("alice", AccountClosed)) == []


@pytest.mark.row("S58")
async def test_given_an_unknown_source_then_it_has_no_events(bank: EventStore) -> None:
    await fill(bank)
    assert not await bank.event_log.has_events_for("carol")
    assert await bank.event_log.has_events_for("bob")


@pytest.mark.row("S176")
async def test_given_events_in_many_streams_when_read_without_filter_then_all_of_them_come(
    bank: EventStore,
) -> None:
    await bank.event_log.append("alice", ALICE)
    await bank.event_log.append("alice", ALICE, stream_type="onboarding", source_type="account")
    await bank.event_log.append("alice", ALICE, stream_id="2024")
    assert numbers(await bank.event_log.events_for("alice")) == [0, 1, 2]
    assert numbers(await bank.event_log.events_from(0)) == [0, 1, 2]
    assert await bank.event_log.tail() == 2


async def test_given_events_when_iterated_in_small_pages_then_each_comes_once_in_order(
    bank: EventStore,
) -> None:
    deposits = [FundsDeposited(amount=Decimal(n)) for n in range(25)]
    await bank.event_log.append_many("alice", deposits)
    await bank.event_log.append("bob", ALICE)
    read = [event async for event in bank.event_log.read(page_size=4)]
    assert numbers(read) == list(range(26))
    amounts = [event.event.amount async for event in bank.event_log.read(3, to=20, page_size=5)]
    assert amounts == [Decimal(n) for n in range(3, 21)]
    filtered = bank.event_log.read(event_types=[AccountOpened], page_size=5)
    assert numbers([event async for event in filtered]) == [25]
    of_bob = bank.event_log.read(event_source_id="bob", page_size=3)
    assert [event.event async for event in of_bob] == [ALICE]
    assert [event async for event in bank.event_log.read(26)] == []


async def test_given_a_type_that_the_application_does_not_declare_when_read_then_its_content_is_a_dict(
    bank: EventStore, raw_bank: RawStore
) -> None:
    await raw_bank.register("unheard-of")
    await raw_bank.append("unheard-of", {"what": "this"})
    (event,) = await bank.event_log.events_from(0)
    assert event.event == {"what": "this"}
    assert event.context.event_type_id == "unheard-of"


async def test_given_content_that_does_not_fit_its_class_when_read_then_the_error_is_typed(
    bank: EventStore, raw_bank: RawStore
) -> None:
    await raw_bank.append("branch-rated", {"stars": 6})
    with pytest.raises(SerializationError):
        await bank.event_log.events_from(0)


async def test_given_another_sequence_when_appended_to_then_its_numbers_are_its_own(bank: EventStore) -> None:
    await bank.event_log.append("alice", ALICE)
    audit = bank.event_sequence("audit")
    assert (await audit.append("alice", AccountClosed())).sequence_number == 0
    assert [event.event for event in await audit.events_from(0)] == [AccountClosed()]
    assert [event.event for event in await bank.event_log.events_from(0)] == [ALICE]


@pytest.mark.row("C121")
async def test_given_two_requests_at_once_for_a_store_then_it_is_one_object_and_another_place_another(
    client: ChronicleClient, store_name: str
) -> None:
    same, again, other_namespace, other_name = await asyncio.gather(
        client.event_store(store_name, artifacts=BANK),
        client.event_store(store_name, artifacts=BANK),
        client.event_store(store_name, namespace="tenant", artifacts=BANK),
        client.event_store(f"{store_name}-2", artifacts=BANK),
    )
    assert same is again
    assert len({id(same), id(other_namespace), id(other_name)}) == 3
    assert (other_namespace.name, other_namespace.namespace) == (store_name, "tenant")
    assert store_name in await client.event_stores.all()
    assert sorted(await same.namespaces.all()) == ["Default", "tenant"]


@pytest.mark.row("C173", "S29")
async def test_given_two_clients_then_each_has_store_objects_of_its_own_and_events_land_where_they_belong(
    kernel: KernelUnderTest, store_name: str
) -> None:
    async with (
        ChronicleClient(kernel.connection_string) as a,
        ChronicleClient(kernel.connection_string) as b,
    ):
        shared = [await each.event_store(store_name, artifacts=BANK) for each in (a, b)]
        assert shared[0] is not shared[1]
        of_a = await a.event_store(f"{store_name}-a", artifacts=BANK)
        of_b = await b.event_store(f"{store_name}-b", artifacts=BANK)
        await of_a.event_log.append("alice", ALICE)
        await of_b.event_log.append("bob", AccountOpened(owner="Bob"))
        assert [event.event for event in await of_a.event_log.events_from(0)] == [ALICE]
        assert [event.event for event in await of_b.event_log.events_from(0)] == [AccountOpened(owner="Bob")]
