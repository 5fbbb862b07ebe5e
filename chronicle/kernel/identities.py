"""Who caused events: chains of identities, and the ids under which a namespace keeps them (events.md 14)."""

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final, NamedTuple, Self, TypeAlias

from chronicle.errors import NotRunningError
from chronicle.kernel.changes import Changes
from chronicle.kernel.completion import to_the_end
from chronicle.kernel.errors import MissingUserName
from chronicle.kernel.storage import identities as storage
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.identities import StoredIdentity


class Identity(NamedTuple):
    """Someone who causes events."""

    subject: str
    name: str
    user_name: str


IdentityChain: TypeAlias = tuple[Identity, ...]
"""Whoever acts comes first, then the one on whose behalf, and so on."""

NOT_SET: Final = Identity("1efc9b81-0612-4466-962c-86acc4e9a028", "[Not Set]", "[Not Set]")
UNKNOWN: Final = Identity("3321cf62-db16-425e-8173-99fcfefe11dd", "[Unknown]", "[Unknown]")
SYSTEM: Final = Identity("5d032c92-9d5e-41eb-947a-ee5314ed0032", "[System]", "[System]")

# Chains are few, but names are sent along and need not be.
_MOST_CHAINS_IN_MEMORY: Final = 10_000


def without_duplicates(chain: IdentityChain) -> IdentityChain:
    """The chain with each subject once, at its first place; links without a subject count as the same."""
    by_subject: dict[str, Identity] = {}
    for identity in chain:
        by_subject.setdefault(identity.subject, identity)
    return tuple(by_subject.values())


def identity_ids(connection: sqlite3.Connection, namespace_id: int, chain: IdentityChain) -> tuple[int, ...]:
    """The ids of a chain; identities that are new are stored. To be called inside a write job.

    Raises `MissingUserName`, a `ValueError`, for a link without a user name; then nothing is stored.
    """
    return tuple(identity.id for identity in _stored(connection, namespace_id, chain))


def _stored(connection: sqlite3.Connection, namespace_id: int, chain: IdentityChain) -> list[StoredIdentity]:
    chain = without_duplicates(chain)
    for subject, name, user_name in chain:
        if not user_name:
            raise MissingUserName(subject, name)
    return [_find_or_add(connection, namespace_id, identity) for identity in chain]


def _find_or_add(connection: sqlite3.Connection, namespace_id: int, identity: Identity) -> StoredIdentity:
    subject, name, user_name = identity
    return (
        (storage.find_by_subject(connection, namespace_id, subject) if subject else None)
        or storage.find_by_user_name(connection, namespace_id, user_name)
        or storage.add(connection, namespace_id, subject, name, user_name)
    )


class Identities:
    """The identities of one namespace, all of them in memory.

    `ids_json` runs on the writer's thread, inside a job whose transaction may still be rolled back. Under its
    id an identity is kept at once all the same: nobody asks for an id before the event that bears it is
    committed, and an id that was rolled back is overwritten when it is given out again. Which ids a chain has
    is kept only once they are known to be committed: `_learn` asks the database for that.
    """

    def __init__(self, database: Database, namespace_id: int, committed: Iterable[StoredIdentity]) -> None:
        self.changes: Final = Changes()
        """When an identity came or was renamed."""
        self.renames = 0
        """How often one was renamed: whoever keeps what a chain looks like has to look again."""
        self._database = database
        self._namespace_id = namespace_id
        self._loop = asyncio.get_running_loop()
        self._by_id: dict[int, Identity] = {}
        self._ids_of_chains: dict[IdentityChain, str] = {}
        self._highest_committed = 0
        self._keep_committed(committed)

    @classmethod
    async def load(cls, database: Database, namespace_id: int) -> Self:
        """Loads the identities of a namespace."""
        committed = await database.read(partial(storage.identities_after, namespace_id=namespace_id))
        return cls(database, namespace_id, committed)

    def ids_json(self, connection: sqlite3.Connection, chain: IdentityChain) -> str:
        """The ids of a chain as a JSON array; identities that are new are stored.

        To be called inside a write job.
        Raises `MissingUserName`, a `ValueError`, for a link without a user name; then nothing is stored.
        """
        known = self._ids_of_chains.get(chain)
        if known is not None:
            return known
        stored = _stored(connection, self._namespace_id, chain)
        for identity in stored:
            self._by_id[identity.id] = Identity(identity.subject, identity.name, identity.user_name)
        ids = [identity.id for identity in stored]
        text = json.dumps(ids)
        if max(ids, default=0) <= self._highest_committed:
            if len(self._ids_of_chains) >= _MOST_CHAINS_IN_MEMORY:
                self._ids_of_chains.clear()
            self._ids_of_chains[chain] = text
        else:
            # A loop that is closed has nobody left who could append again.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._learn)
        return text

    def chain_of(self, ids_json: str) -> IdentityChain:
        """The chain behind a JSON array of ids; unknown ids are `UNKNOWN`, and no ids at all `NOT_SET`."""
        ids: list[int] = json.loads(ids_json)
        return tuple(self._by_id.get(id_, UNKNOWN) for id_ in ids) or (NOT_SET,)

    async def all(self) -> Sequence[Identity]:
        """Everyone who caused an event, in the order in which they came."""
        stored = await self._database.read(partial(storage.identities_after, namespace_id=self._namespace_id))
        return [Identity(subject, name, user_name) for _, subject, name, user_name in stored]

    async def rename(self, subject: str, name: str) -> None:
        """Gives whoever has this subject another name, in all events that they ever caused.

        Does nothing when nobody has it.
        """
        # Identities that came without a subject have nothing in common.
        if subject:
            await to_the_end(self._rename(subject, name))

    async def _rename(self, subject: str, name: str) -> None:
        job = partial(storage.rename, namespace_id=self._namespace_id, subject=subject, name=name)
        renamed = await self._database.write(job)
        for id_, *identity in renamed:
            self._by_id[id_] = Identity(*identity)
        if renamed:
            self.renames += 1
            self.changes.notify()

    def _learn(self) -> None:
        # A write job although it only reads: it comes after the job that added the identities, and it is
        # answered after their commit.
        job = partial(
            storage.identities_after, namespace_id=self._namespace_id, after=self._highest_committed
        )
        with contextlib.suppress(NotRunningError):
            self._database.write(job).add_done_callback(self._learned)

    def _learned(self, job: asyncio.Future[list[StoredIdentity]]) -> None:
        # When it failed, the next append with an unknown chain asks again.
        if job.exception() is None and job.result():
            self._keep_committed(job.result())
            self.changes.notify()

    def _keep_committed(self, identities: Iterable[StoredIdentity]) -> None:
        for id_, subject, name, user_name in identities:
            self._by_id[id_] = Identity(subject, name, user_name)
            self._highest_committed = max(self._highest_committed, id_)
