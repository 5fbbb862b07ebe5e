"""What surrounds an append through the client: correlation, identity, causation (client-surface.md 1.13)."""

import asyncio
from decimal import Decimal
from uuid import UUID

import pytest

from chronicle import (
    EventContext,
    EventStore,
    Identity,
    causation,
    clear_correlation_id,
    clear_identity,
    correlation,
    current_correlation_id,
    current_identity,
    identity,
    set_correlation_id,
    set_identity,
)
from tests.conformance.bank import AccountOpened, FundsDeposited

ALICE = AccountOpened(owner="Alice")
FIXED = UUID("018f0000-0000-7000-8000-0000000000aa")
OTHER = UUID("018f0000-0000-7000-8000-0000000000bb")


async def contexts(store: EventStore) -> list[EventContext]:
    return [event.context for event in await store.event_log.events_from(0)]


@pytest.mark.row("S82")
async def test_given_nothing_set_when_appended_then_there_is_a_correlation_id_the_system_and_a_root(
    bank: EventStore,
) -> None:
    clear_correlation_id()
    await bank.event_log.append("alice", ALICE)
    (context,) = await contexts(bank)
    assert context.correlation_id != UUID(int=0)
    assert context.caused_by.subject == Identity.SYSTEM.subject
    assert context.causation[0].type == "Root"


@pytest.mark.row("S83")
async def test_given_a_correlation_id_when_appended_twice_then_both_carry_it_unless_one_says_otherwise(
    bank: EventStore,
) -> None:
    set_correlation_id(FIXED)
    await bank.event_log.append("alice", ALICE)
    await bank.event_log.append_many("alice", [ALICE])
    await bank.event_log.append("alice", ALICE, correlation_id=OTHER)
    await bank.event_log.append("alice", ALICE)
    found = [context.correlation_id for context in await contexts(bank)]
    assert found == [FIXED, FIXED, OTHER, FIXED]


@pytest.mark.row("S84")
async def test_given_an_identity_that_was_set_and_cleared_then_the_system_acts_again(
    bank: EventStore,
) -> None:
    set_identity(Identity("alice-subject", "Alice", "alice"))
    await bank.event_log.append("alice", ALICE)
    clear_identity()
    assert current_identity() == Identity.SYSTEM
    await bank.event_log.append("alice", ALICE)
    subjects = [context.caused_by.subject for context in await contexts(bank)]
    assert subjects == ["alice-subject", Identity.SYSTEM.subject]


@pytest.mark.row("S85")
async def test_given_a_chain_with_a_repeated_subject_when_made_without_duplicates_then_the_first_is_kept(
    bank: EventStore,
) -> None:
    chain = Identity("a", "A", "a", Identity("b", "B", "b", Identity("a", "A again", "a")))
    assert [link.name for link in chain.without_duplicates().chain()] == ["A", "B"]
    with identity(chain.without_duplicates()):
        await bank.event_log.append("alice", ALICE)
    (context,) = await contexts(bank)
    assert [link.subject for link in context.caused_by.chain()] == ["a", "b"]


@pytest.mark.row("S86")
async def test_given_a_root_and_two_entries_when_appended_then_the_chain_is_these_and_the_append(
    bank: EventStore,
) -> None:
    with causation("First", step=1), causation("Second", step=2):
        await bank.event_log.append("alice", ALICE)
        await bank.event_log.append_many("alice", [ALICE])
    for context in await contexts(bank):
        root, first, second, append = context.causation
        assert root.type == "Root"
        assert (first.type, dict(first.properties)) == ("First", {"step": "1"})
        assert (second.type, dict(second.properties)) == ("Second", {"step": "2"})
        assert append.type


@pytest.mark.row("S179")
async def test_given_two_appends_in_one_context_then_the_second_has_no_entry_of_the_first(
    bank: EventStore,
) -> None:
    with causation("Request"):
        await bank.event_log.append("alice", ALICE)
        await bank.event_log.append("alice", FundsDeposited(amount=Decimal(1)))
    first, second = (context.causation for context in await contexts(bank))
    assert len(first) == len(second) == 3
    assert first[-1] not in second
    assert second[-1].properties != first[-1].properties


@pytest.mark.row("S87")
async def test_given_a_task_that_changes_its_context_then_the_one_that_started_it_is_unchanged(
    bank: EventStore,
) -> None:
    async def elsewhere() -> None:
        set_correlation_id(OTHER)
        set_identity(Identity("other", "Other", "other"))
        with causation("Elsewhere"):
            await bank.event_log.append("there", ALICE)

    with correlation(FIXED), identity(Identity("alice-subject", "Alice", "alice")):
        await asyncio.create_task(elsewhere())
        assert current_correlation_id() == FIXED
        assert current_identity().subject == "alice-subject"
        await bank.event_log.append("here", ALICE)
    there, here = await contexts(bank)
    assert (there.correlation_id, there.caused_by.subject) == (OTHER, "other")
    assert (here.correlation_id, here.caused_by.subject) == (FIXED, "alice-subject")
    assert "Elsewhere" in [entry.type for entry in there.causation]
    assert "Elsewhere" not in [entry.type for entry in here.causation]


async def test_given_nothing_set_when_one_task_appends_twice_then_both_share_the_correlation_id_that_was_made(
    bank: EventStore,
) -> None:
    clear_correlation_id()
    await bank.event_log.append("alice", ALICE)
    await bank.event_log.append("alice", ALICE)
    first, second = (context.correlation_id for context in await contexts(bank))
    assert first == second == current_correlation_id()


async def test_given_an_identity_on_behalf_of_another_when_appended_then_the_chain_reads_back_in_order(
    bank: EventStore,
) -> None:
    alice = Identity("alice-subject", "Alice", "alice")
    with identity(Identity("worker-subject", "Worker", "worker", alice)):
        await bank.event_log.append("alice", ALICE)
    (context,) = await contexts(bank)
    assert [link.subject for link in context.caused_by.chain()] == ["worker-subject", "alice-subject"]
