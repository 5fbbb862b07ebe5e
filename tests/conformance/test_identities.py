"""Identities by the contract and through the client: kept once, listed, watched, renamed (events.md 14)."""

from collections.abc import AsyncIterator

import pytest

from chronicle import ChronicleClient, EventStore, Identity, identity
from chronicle.contracts import event_sequences_pb2 as sequences
from chronicle.contracts import identities_pb2 as pb
from tests.conformance.bank import BANK, AccountOpened
from tests.conformance.raw import SYSTEM, RawStore
from tests.waiting import PATIENCE

ANNA = sequences.Identity(Subject="1", Name="Anna", UserName="anna")
BEN = sequences.Identity(Subject="2", Name="Ben", UserName="ben")


def on_behalf_of(identity: sequences.Identity, behind: sequences.Identity) -> sequences.Identity:
    return sequences.Identity(
        Subject=identity.Subject, Name=identity.Name, UserName=identity.UserName, OnBehalfOf=behind
    )


def request(store: RawStore) -> pb.GetIdentitiesRequest:
    return pb.GetIdentitiesRequest(EventStore=store.name, Namespace=store.namespace)


async def listed(store: RawStore) -> list[tuple[str, str, str]]:
    """All identities but the kernel's own, which registers event types."""
    response = await store.stubs.identities.GetIdentities(request(store))
    assert not any(one.HasField("OnBehalfOf") for one in response.items)
    return [
        (one.Subject, one.Name, one.UserName.lower())
        for one in response.items
        if one.Subject != SYSTEM.Subject
    ]


def names(response: pb.IEnumerable_Identity) -> list[str]:
    return [one.Name for one in response.items if one.Subject != SYSTEM.Subject]


async def rename(store: RawStore, subject: str, name: str) -> None:
    await store.stubs.identities.RenameIdentity(
        pb.RenameIdentityRequest(EventStore=store.name, Namespace=store.namespace, Subject=subject, Name=name)
    )


@pytest.mark.row("E117")
async def test_given_an_identity_when_it_causes_events_then_it_is_kept_once(raw: RawStore) -> None:
    assert await listed(raw) == []
    await raw.append("happened", CausedBy=ANNA)
    await raw.append("happened", CausedBy=ANNA)
    await raw.append("happened", CausedBy=sequences.Identity(Subject="1", Name="A. Berg", UserName="aberg"))
    assert await listed(raw) == [("1", "Anna", "anna")]


@pytest.mark.row("E117")
async def test_given_an_identity_without_a_subject_then_its_user_name_tells_who_it_is(raw: RawStore) -> None:
    await raw.append("happened", CausedBy=ANNA)
    await raw.append("happened", CausedBy=sequences.Identity(Name="Anna", UserName="ANNA"))
    assert await listed(raw) == [("1", "Anna", "anna")]


@pytest.mark.row("E117")
async def test_given_a_chain_of_two_then_both_are_listed_each_for_itself(raw: RawStore) -> None:
    await raw.append("happened", CausedBy=on_behalf_of(ANNA, BEN))
    assert sorted(await listed(raw)) == [("1", "Anna", "anna"), ("2", "Ben", "ben")]


@pytest.mark.row("E118")
async def test_given_events_when_their_causer_is_renamed_then_all_of_them_show_the_new_name(
    raw: RawStore,
) -> None:
    await raw.append("happened", CausedBy=ANNA)
    await raw.append("happened", CausedBy=on_behalf_of(BEN, ANNA))
    await rename(raw, "1", "Anna Berg")
    assert await listed(raw) == [("1", "Anna Berg", "anna"), ("2", "Ben", "ben")]
    await raw.append("happened", CausedBy=ANNA)
    # Somebody who was not seen before has the real kernel look again.
    await raw.append("happened", CausedBy=SYSTEM)
    first, second, third, _ = await raw.read()
    assert first.Context.CausedBy.Name == third.Context.CausedBy.Name == "Anna Berg"
    assert (first.Context.CausedBy.Subject, first.Context.CausedBy.UserName.lower()) == ("1", "anna")
    assert second.Context.CausedBy.Name == "Ben"
    assert second.Context.CausedBy.OnBehalfOf.Name == "Anna Berg"


@pytest.mark.row("E118")
async def test_given_a_subject_that_nobody_has_when_renamed_then_nothing_happens(raw: RawStore) -> None:
    await raw.append("happened", CausedBy=ANNA)
    await rename(raw, "3", "Carl")
    await rename(raw, "", "Nobody")
    assert await listed(raw) == [("1", "Anna", "anna")]


@pytest.mark.row("E118")
async def test_given_a_namespace_when_renamed_there_then_others_keep_the_name(raw: RawStore) -> None:
    tenant = raw.within(namespace="tenant")
    for store in (raw, tenant):
        await store.append("happened", CausedBy=ANNA)
    await rename(tenant, "1", "Anna Berg")
    assert await listed(raw) == [("1", "Anna", "anna")]
    assert await listed(tenant) == [("1", "Anna Berg", "anna")]


async def until(watch: AsyncIterator[pb.IEnumerable_Identity], expected: list[str]) -> None:
    """Looks on until these are told; several changes may come as one."""
    told: list[str] | None = None
    while told != expected:
        told = names(await anext(watch))


async def test_given_a_watch_then_it_tells_all_identities_now_and_after_each_change(raw: RawStore) -> None:
    watch = aiter(raw.stubs.identities.ObserveIdentities(request(raw), timeout=PATIENCE))
    await until(watch, [])
    await raw.append("happened", CausedBy=ANNA)
    await until(watch, ["Anna"])
    await raw.append("happened", CausedBy=BEN)
    await until(watch, ["Anna", "Ben"])
    await rename(raw, "2", "Benjamin")
    await until(watch, ["Anna", "Benjamin"])


async def test_given_a_namespace_that_comes_later_when_watched_then_its_identities_are_told(
    raw: RawStore,
) -> None:
    tenant = raw.within(namespace="tenant")
    watch = aiter(raw.stubs.identities.ObserveIdentities(request(tenant), timeout=PATIENCE))
    await until(watch, [])
    await tenant.append("happened", CausedBy=ANNA)
    await until(watch, ["Anna"])


@pytest.mark.row("S204")
async def test_given_a_client_when_it_renames_then_it_does_so_in_its_own_store_and_namespace(
    client: ChronicleClient, bank: EventStore
) -> None:
    tenant = await client.event_store(bank.name, "tenant", BANK)
    anna = Identity("1", "Anna", "anna")
    for store in (bank, tenant):
        with identity(anna):
            await store.event_log.append("a", AccountOpened(owner="Anna"))
    await tenant.identities.rename("1", "Anna Berg")
    assert anna in await bank.identities.all()
    assert Identity("1", "Anna Berg", "anna") in await tenant.identities.all()
    assert anna not in await tenant.identities.all()
    (appended,) = await tenant.event_log.events_from(0)
    assert appended.context.caused_by.name == "Anna Berg"


@pytest.mark.parametrize(("subject", "name"), [(" ", "Anna"), ("1", "")])
async def test_given_a_blank_subject_or_name_when_renamed_then_it_is_refused_before_any_call(
    bank: EventStore, subject: str, name: str
) -> None:
    with pytest.raises(ValueError, match="neither may be blank"):
        await bank.identities.rename(subject, name)
