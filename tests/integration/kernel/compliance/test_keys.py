"""The keys of subjects: made once, deleted for good (events.md 13.4)."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from chronicle.errors import NotRunningError
from chronicle.kernel.compliance import EncryptionKeyErased, EncryptionKeys, keys
from chronicle.kernel.compliance.ciphers import SubjectKey
from chronicle.kernel.compliance.key_records import fingerprint
from chronicle.kernel.storage import encryption_keys as storage
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.encryption_keys import KeyScope, StoredKey
from chronicle.kernel.storage.event_stores import ensure_event_store

BANK = KeyScope(1, "default")
SHOP = KeyScope(2, "default")
BANK_ACME = KeyScope(1, "acme")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "keys.db")
    for name in ("bank", "shop"):
        await database.write(partial(ensure_event_store, name=name))
    yield database
    await database.close()


@pytest.fixture
async def store(database: Database) -> AsyncIterator[EncryptionKeys]:
    keys = EncryptionKeys(database)
    yield keys
    await keys.close()


async def stored(database: Database, scope: KeyScope = BANK, identifier: str = "alice") -> list[StoredKey]:
    return await database.read(lambda connection: storage.keys(connection, scope, identifier))


def as_stored(identifier: str, key: SubjectKey) -> StoredKey:
    return StoredKey(identifier, key.revision, key.public_key, key.private_key)


@pytest.mark.row("E110")
async def test_all_who_need_a_first_key_at_once_get_the_same(
    store: EncryptionKeys, database: Database
) -> None:
    got = await asyncio.gather(*(store.provide(BANK, "alice") for _ in range(8)))

    assert all(key is got[0] for key in got)
    assert [key.revision for key in await stored(database)] == [1]


async def test_a_key_is_made_for_each_subject_of_each_namespace_of_each_event_store(
    store: EncryptionKeys,
) -> None:
    made = [
        (await store.provide(scope, identifier)).public_key
        for scope in (BANK, SHOP, BANK_ACME)
        for identifier in ("alice", "bob")
    ]

    assert len(set(made)) == 6


async def test_a_key_outlives_those_who_keep_it(store: EncryptionKeys, database: Database) -> None:
    value = (await store.provide(BANK, "alice")).seal("secret")
    other = EncryptionKeys(database)

    found = await other.find(BANK, {"alice", "bob"})

    assert found.keys() == {"alice"}
    assert found["alice"].seal("secret") != value
    assert (await other.provide(BANK, "alice")).public_key == found["alice"].public_key
    await other.close()


async def test_a_caller_that_leaves_does_not_stop_the_key_from_being_made(
    store: EncryptionKeys, database: Database
) -> None:
    waiting = asyncio.create_task(store.provide(BANK, "alice"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    key = await store.provide(BANK, "alice")

    assert [one.public_key for one in await stored(database)] == [key.public_key]


@pytest.mark.row("E113")
async def test_a_subject_that_never_had_a_key_is_fenced_too(store: EncryptionKeys) -> None:
    await store.erase([BANK], "alice")

    with pytest.raises(EncryptionKeyErased, match="alice"):
        await store.provide(BANK, "alice")
    await store.allow_new([BANK], "alice")
    assert (await store.provide(BANK, "alice")).revision == 2


@pytest.mark.row("E114")
async def test_revisions_go_on_after_each_erasure(store: EncryptionKeys, database: Database) -> None:
    made = []
    for _ in range(3):
        made.append(await store.provide(BANK, "alice"))
        await store.erase([BANK], "alice")
        await store.allow_new([BANK], "alice")

    assert [key.revision for key in made] == [1, 2, 3]
    assert await stored(database) == []
    assert await store.find(BANK, {"alice"}) == {}


@pytest.mark.row("E114")
async def test_a_key_that_was_deleted_cannot_come_back(store: EncryptionKeys) -> None:
    key = as_stored("alice", await store.provide(BANK, "alice"))
    fresh = as_stored("alice", await store.provide(SHOP, "alice"))
    await store.erase([BANK], "alice")

    with pytest.raises(EncryptionKeyErased, match="no new key is allowed"):
        await store.save(BANK, fresh._replace(revision=2))
    await store.allow_new([BANK], "alice")
    with pytest.raises(EncryptionKeyErased, match="this very key"):
        await store.save(BANK, key._replace(revision=2))
    with pytest.raises(EncryptionKeyErased, match="revision 1"):
        await store.save(BANK, fresh)
    await store.save(BANK, fresh._replace(revision=2))

    assert (await store.find(BANK, {"alice"}))["alice"].public_key == fresh.public_key


async def test_to_allow_a_new_key_changes_nothing_for_who_was_not_erased(
    store: EncryptionKeys, database: Database
) -> None:
    await store.allow_new([BANK], "alice")
    key = await store.provide(BANK, "alice")
    await store.allow_new([BANK], "alice")

    assert key.revision == 1
    assert (await store.provide(BANK, "alice")).public_key == key.public_key


@pytest.mark.row("E112")
async def test_a_key_is_deleted_in_the_scopes_given_and_in_no_other(store: EncryptionKeys) -> None:
    await store.provide(BANK, "alice")
    await store.provide(BANK_ACME, "alice")
    await store.provide(BANK, "bob")
    assert await store.copy(BANK, SHOP, "alice")

    await store.erase([BANK, SHOP], "alice")

    assert await store.find(BANK, {"alice", "bob"}) != {}
    assert (await store.find(BANK, {"alice"})) == (await store.find(SHOP, {"alice"})) == {}
    assert (await store.find(BANK_ACME, {"alice"})).keys() == {"alice"}


async def test_a_key_is_copied_once_and_not_to_where_it_was_erased(store: EncryptionKeys) -> None:
    assert not await store.copy(BANK, SHOP, "alice")
    key = await store.provide(BANK, "alice")
    assert await store.copy(BANK, SHOP, "alice")
    assert not await store.copy(BANK, SHOP, "alice")
    assert (await store.find(SHOP, {"alice"}))["alice"].public_key == key.public_key

    await store.erase([SHOP], "alice")

    assert not await store.copy(BANK, SHOP, "alice")


async def test_what_was_found_while_it_was_deleted_is_not_kept(
    store: EncryptionKeys, database: Database
) -> None:
    await store.provide(BANK, "alice")
    other = EncryptionKeys(database)

    finding = [asyncio.create_task(other.find(BANK, {"alice"})) for _ in range(20)]
    await asyncio.gather(other.erase([BANK], "alice"), *finding)

    assert await other.find(BANK, {"alice"}) == {}
    await other.close()


async def test_a_key_made_while_it_was_deleted_is_not_kept(store: EncryptionKeys, database: Database) -> None:
    making = asyncio.create_task(store.provide(BANK, "alice"))
    await asyncio.gather(store.erase([BANK], "alice"), making, return_exceptions=True)

    await store.erase([BANK], "alice")

    assert store.in_memory(BANK, "alice") is None
    assert await stored(database) == []


async def test_a_key_that_came_from_elsewhere_is_found_also_when_its_caller_has_left(
    store: EncryptionKeys, database: Database
) -> None:
    assert await store.find(BANK, {"alice"}) == {}
    saving = asyncio.create_task(store.save(BANK, as_stored("alice", SubjectKey.generate())))
    await asyncio.sleep(0)
    saving.cancel()
    await asyncio.gather(saving, return_exceptions=True)
    await database.write(lambda connection: None)
    await asyncio.sleep(0)

    assert (await store.find(BANK, {"alice"})).keys() == {"alice"}


async def test_nothing_of_a_deleted_key_is_left_in_the_file(
    store: EncryptionKeys, database: Database
) -> None:
    key = await store.provide(BANK, "alice")
    for number in range(20):
        await store.provide(BANK, f"subject-{number}")
    folder = database.path.parent if database.path else Path()

    def found() -> bool:
        # The part that no other key has; what leads up to it is alike in all.
        secret = key.private_key[300:400]
        return any(secret in file.read_bytes() for file in folder.iterdir() if file.is_file())

    assert found()
    await store.erase([BANK], "alice")
    assert not found()


async def test_only_so_many_keys_are_kept_in_memory(
    store: EncryptionKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "MOST_KEYS_IN_MEMORY", 4)
    subjects = {f"subject-{number}" for number in range(12)}

    assert await store.find(BANK, subjects) == {}
    for subject in sorted(subjects)[:6]:
        await store.provide(BANK, subject)

    assert len(await store.find(BANK, subjects)) == 6
    assert sum(store.in_memory(BANK, subject) is not None for subject in subjects) <= 4


async def test_a_store_of_keys_that_is_closed_makes_none(database: Database) -> None:
    store = EncryptionKeys(database)
    await store.close()

    with pytest.raises(NotRunningError):
        await store.provide(BANK, "alice")


def test_a_key_does_not_show_itself() -> None:
    shown = repr(StoredKey("alice", 1, b"the-public-one", b"the-private-one"))
    assert shown == "StoredKey(identifier='alice', revision=1)"


def test_fingerprints_are_lowercase_sha_256() -> None:
    assert fingerprint(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
