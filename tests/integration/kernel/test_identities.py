"""Identities of a namespace (events.md 14)."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.kernel.compliance import Readable
from chronicle.kernel.errors import MissingUserName
from chronicle.kernel.identities import NOT_SET, UNKNOWN, Identities, Identity, IdentityChain, identity_ids
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.services.events import AppendedEvents
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.events import StoredEvent

anna = Identity("1", "Anna", "anna")
ben = Identity("2", "Ben", "ben")


@pytest.fixture
async def database(kernel: Kernel) -> Database:
    """A database that has a namespace with the row id 1."""
    return kernel.event_stores._database


@pytest.fixture
async def identities(database: Database) -> Identities:
    return await Identities.load(database, 1)


async def store(database: Database, identities: Identities, *chain: Identity) -> str:
    return await database.write(partial(identities.ids_json, chain=chain))


async def test_a_chain_comes_back_in_its_order(database: Database, identities: Identities) -> None:
    ids = await store(database, identities, ben, anna)
    assert identities.chain_of(ids) == (ben, anna)
    assert (await Identities.load(database, 1)).chain_of(ids) == (ben, anna)


async def test_an_identity_is_stored_once(database: Database, identities: Identities) -> None:
    ids = {await store(database, identities, anna) for _ in range(3)}
    assert len(ids) == 1
    assert len({await store(database, identities, anna, ben) for _ in range(3)}) == 1


async def test_the_subject_decides_and_the_stored_name_stays(
    database: Database, identities: Identities
) -> None:
    first = await store(database, identities, anna)
    again = await store(database, identities, Identity("1", "Anna Berg", "aberg"))
    assert first == again
    assert identities.chain_of(again) == (anna,)


@pytest.mark.parametrize("user_name", ["anna", "ANNA"])
async def test_without_a_known_subject_the_user_name_decides(
    database: Database, identities: Identities, user_name: str
) -> None:
    first = await store(database, identities, anna)
    assert await store(database, identities, Identity("", "", user_name)) == first
    assert await store(database, identities, Identity("9", "Other", user_name)) == first


async def test_casing_means_nothing_beyond_ascii_either(database: Database, identities: Identities) -> None:
    first = await store(database, identities, Identity("", "Åse", "åse"))
    assert await store(database, identities, Identity("", "Åse", "ÅSE")) == first


async def test_a_subject_is_stored_once_within_a_chain(database: Database, identities: Identities) -> None:
    ids = await store(database, identities, anna, ben, Identity("1", "Anna", "other"))
    assert identities.chain_of(ids) == (anna, ben)


async def test_no_user_name_no_identity(database: Database, identities: Identities) -> None:
    with pytest.raises(MissingUserName, match="subject '3' and name 'Carl' has no user name"):
        await store(database, identities, ben, Identity("3", "Carl", ""))
    assert issubclass(MissingUserName, ValueError)
    stored = await Identities.load(database, 1)
    assert stored.chain_of("[1]") == (UNKNOWN,)


async def test_unknown_ids_and_empty_chains_have_names(identities: Identities) -> None:
    assert identities.chain_of("[4711]") == (UNKNOWN,)
    assert identities.chain_of("[]") == (NOT_SET,)


async def test_what_was_rolled_back_is_not_remembered(database: Database, identities: Identities) -> None:
    def store_and_fail(connection: sqlite3.Connection) -> None:
        identities.ids_json(connection, (anna,))
        raise LookupError

    for _ in range(2):
        with pytest.raises(LookupError):
            await database.write(store_and_fail)
    # Ben gets the id that Anna was to have; neither is mistaken for the other.
    ids_of_ben = await store(database, identities, ben)
    ids_of_anna = await store(database, identities, anna)
    assert identities.chain_of(ids_of_ben) == (ben,)
    assert identities.chain_of(ids_of_anna) == (anna,)
    assert (await Identities.load(database, 1)).chain_of(ids_of_anna) == (anna,)


async def test_chains_of_one_group_that_failed_are_right_when_it_ran_again(
    database: Database, identities: Identities
) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        raise LookupError

    both = database.write(partial(identities.ids_json, chain=(ben, anna)))
    failing = database.write(fail)
    one = database.write(partial(identities.ids_json, chain=(anna,)))
    with pytest.raises(LookupError):
        await failing
    loaded = await Identities.load(database, 1)
    for known in (identities, loaded):
        assert known.chain_of(await both) == (ben, anna)
        assert known.chain_of(await one) == (anna,)


async def test_known_chains_need_no_database(database: Database, identities: Identities) -> None:
    chain: IdentityChain = (anna,)
    ids = await store(database, identities, *chain)
    # The second time they are committed, and known to be.
    await database.write(lambda connection: None)
    assert await store(database, identities, *chain) == ids
    with sqlite3.connect(":memory:") as empty:
        assert identities.ids_json(empty, chain) == ids
    empty.close()


async def test_ids_can_be_had_without_a_cache(database: Database) -> None:
    first = await database.write(partial(identity_ids, namespace_id=1, chain=(anna, ben)))
    assert await database.write(partial(identity_ids, namespace_id=1, chain=(ben, anna))) == first[::-1]


async def test_identities_are_kept_per_namespace_and_over_a_restart(
    open_kernel: Callable[[], Awaitable[Kernel]],
) -> None:
    bank = await (await open_kernel()).event_stores.ensure("bank")
    oslo, bergen = await bank.namespace("Oslo"), await bank.namespace("Bergen")
    database = bank._database
    ids = await store(database, oslo.identities, anna)
    assert await store(database, bergen.identities, ben) != ids
    bank = await (await open_kernel()).event_stores.ensure("bank")
    assert (await bank.namespace("Oslo")).identities.chain_of(ids) == (anna,)
    assert (await bank.namespace("Bergen")).identities.chain_of(ids) == (UNKNOWN,)


@pytest.mark.row("E118")
async def test_a_new_name_shows_at_once_and_over_a_restart(
    open_kernel: Callable[[], Awaitable[Kernel]],
) -> None:
    bank = await (await open_kernel()).event_stores.ensure("bank")
    oslo = await bank.namespace("Oslo")
    ids = await store(bank._database, oslo.identities, ben, anna)
    await oslo.identities.rename("1", "Anna Berg")
    renamed = Identity("1", "Anna Berg", "anna")
    assert oslo.identities.chain_of(ids) == (ben, renamed)
    await store(bank._database, oslo.identities, anna)
    assert oslo.identities.chain_of(ids) == (ben, renamed)
    assert list(await oslo.identities.all()) == [ben, renamed]
    bank = await (await open_kernel()).event_stores.ensure("bank")
    assert (await bank.namespace("Oslo")).identities.chain_of(ids) == (ben, renamed)


async def test_events_that_are_written_by_the_same_hand_show_a_new_name(
    database: Database, identities: Identities
) -> None:
    written = AppendedEvents(pb, event_store="bank", namespace="Default", identities=identities)
    ids = await store(database, identities, anna)
    event = StoredEvent(0, "a", "", "", "", "happened", 1, 0, bytes(16), b"", ids, None, None, "{}", "")
    names = []
    for name in ("Anna Berg", "Anna Lie"):
        response = pb.GetFromEventSequenceNumberResponse()
        written.add_to(response.Events, Readable([event]))
        names.append(response.Events[0].Context.CausedBy.Name)
        await identities.rename("1", name)
    assert names == ["Anna", "Anna Berg"]


async def test_changes_are_told_for_those_that_are_new_and_for_new_names(
    database: Database, identities: Identities
) -> None:
    before = identities.changes.revision
    await store(database, identities, anna)
    after = await asyncio.wait_for(identities.changes.wait(before), 10)
    await identities.rename("unknown", "Nobody")
    await identities.rename("", "Nobody")
    assert identities.changes.revision == after
    await identities.rename("1", "Anna Berg")
    assert identities.changes.revision == after + 1
