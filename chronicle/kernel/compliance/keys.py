"""The encryption keys of a kernel: one for each subject in each namespace of each event store.

What was asked for is kept in memory. A deletion forgets it, and everyone who was asking meanwhile asks again:
`_epoch` counts the deletions.
"""

import asyncio
from collections.abc import Callable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, TypeVar

from chronicle.errors import NotRunningError
from chronicle.kernel.completion import end, to_the_end
from chronicle.kernel.compliance import key_records
from chronicle.kernel.compliance.errors import EncryptionKeyErased
from chronicle.kernel.storage import encryption_keys as storage
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.encryption_keys import KeyScope, StoredKey
from chronicle.kernel.storage.writer import Job

if TYPE_CHECKING:
    # At run time only once there is personal data: it takes as long to import as the rest of the kernel.
    from chronicle.kernel.compliance.ciphers import SubjectKey

T = TypeVar("T")

# A key in memory takes two to three kilobytes.
MOST_KEYS_IN_MEMORY: Final = 10_000
# Keys that lie ready, so that few subjects wait for theirs to be made.
RESERVE: Final = 2
_THREADS: Final = 2


class _Missing(NamedTuple):
    """A subject without a key."""

    is_erased: bool
    """Whether its keys were deleted, and no new one is allowed."""


_Known: TypeAlias = "SubjectKey | _Missing"


class EncryptionKeys:
    """All encryption keys. Close it, before the database is."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[tuple[KeyScope, str], _Known] = {}
        self._making: dict[tuple[KeyScope, str], asyncio.Task[SubjectKey]] = {}
        self._reserve: list[SubjectKey] = []
        self._filling: asyncio.Task[None] | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._epoch = 0
        self._is_closed = False

    def in_memory(self, scope: KeyScope, identifier: str) -> "SubjectKey | None":
        """The key, if it is at hand."""
        known = self._known.get((scope, identifier))
        return None if known is None or isinstance(known, _Missing) else known

    async def find(self, scope: KeyScope, identifiers: Set[str]) -> "dict[str, SubjectKey]":
        """The keys of the highest revision of those identifiers that have one."""
        found = {one: known for one in identifiers if (known := self._known.get((scope, one))) is not None}
        if len(found) < len(identifiers):
            found |= await self._load(scope, [one for one in identifiers if one not in found])
        return {one: known for one, known in found.items() if not isinstance(known, _Missing)}

    async def provide(self, scope: KeyScope, identifier: str) -> "SubjectKey":
        """The key of an identifier, which is made if it has none.

        Raises `EncryptionKeyErased` when its keys were deleted and no new one is allowed.
        """
        key = self.in_memory(scope, identifier)
        if key is not None:
            return key
        # All who ask for a first key at once get the same one, and it is stored whoever still waits.
        making = self._making.get((scope, identifier))
        if making is None:
            making = asyncio.create_task(self._provide(scope, identifier), name="chronicle-key")
            self._making[scope, identifier] = making
            making.add_done_callback(partial(self._made, scope, identifier))
        return await asyncio.shield(making)

    async def copy(self, source: KeyScope, target: KeyScope, identifier: str) -> bool:
        """Gives the target the key of the source, unless it has one or has deleted it; whether it did."""
        job = partial(key_records.copy_key, source=source, target=target, identifier=identifier)
        return await to_the_end(self._write([target], identifier, job))

    async def save(self, scope: KeyScope, key: StoredKey) -> None:
        """Stores a key that comes from elsewhere.

        Raises `EncryptionKeyErased` when the key or its revision was deleted, or no new one is allowed.
        """
        job = partial(key_records.save_key, scope=scope, key=key)
        await to_the_end(self._write([scope], key.identifier, job))

    async def erase(self, scopes: Sequence[KeyScope], identifier: str) -> None:
        """Deletes all keys of an identifier in all the scopes, or in none; returns when no file has them.

        Raises `StorageError` when they are deleted and the database's log cannot be emptied of them.
        """
        await to_the_end(self._erase(scopes, identifier))

    async def allow_new(self, scopes: Sequence[KeyScope], identifier: str) -> None:
        """Allows an identifier whose keys were deleted to have a new one, in all the scopes or in none."""
        job = partial(key_records.allow_new_key, scopes=scopes, identifier=identifier)
        await to_the_end(self._write(scopes, identifier, job))

    async def run(self, work: Callable[[], T]) -> T:
        """Runs what takes long on a thread."""
        if self._is_closed:
            raise NotRunningError("The embedded kernel is closed. Open a new client to go on.")
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="chronicle-keys")
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def close(self) -> None:
        """Ends the threads."""
        self._is_closed = True
        if self._threads is not None:
            await asyncio.to_thread(self._threads.shutdown)
        await end(self._filling)

    async def _erase(self, scopes: Sequence[KeyScope], identifier: str) -> None:
        job = partial(key_records.erase_keys, scopes=scopes, identifier=identifier)
        await self._write(scopes, identifier, job)
        await self._database.forget_what_was_overwritten()

    async def _write(self, scopes: Sequence[KeyScope], identifier: str, job: Job[T]) -> T:
        """Writes keys, and forgets what memory knew of them."""
        result = await self._database.write(job)
        self._epoch += 1
        for scope in scopes:
            self._known.pop((scope, identifier), None)
        return result

    async def _load(self, scope: KeyScope, identifiers: Sequence[str]) -> dict[str, _Known]:
        while True:
            epoch = self._epoch
            stored, fences = await self._database.read(
                lambda connection: (
                    storage.latest_keys(connection, scope, identifiers),
                    storage.fences(connection, scope, identifiers),
                )
            )
            if epoch == self._epoch:
                break
        loaded: dict[str, _Known] = {}
        for identifier in identifiers:
            key, fence = stored.get(identifier), fences.get(identifier)
            if key is not None:
                loaded[identifier] = _subject_key(key)
            else:
                loaded[identifier] = _Missing(fence is not None and not fence.new_key_allowed)
            self._remember(scope, identifier, loaded[identifier])
        return loaded

    async def _provide(self, scope: KeyScope, identifier: str) -> "SubjectKey":
        while True:
            known = self._known.get((scope, identifier))
            if known is None:
                known = (await self._load(scope, [identifier]))[identifier]
            if not isinstance(known, _Missing):
                return known
            if known.is_erased:
                raise EncryptionKeyErased(identifier, "no new key is allowed.")
            made = await self._new_key()
            offered = StoredKey(identifier, made.revision, made.public_key, made.private_key)
            epoch = self._epoch
            stored = await self._database.write(partial(key_records.ensure_key, scope=scope, offered=offered))
            # Else it may have been deleted before we heard of it.
            if epoch == self._epoch:
                key = _subject_key(stored)
                self._remember(scope, identifier, key)
                return key

    async def _new_key(self) -> "SubjectKey":
        key = self._reserve.pop() if self._reserve else await self.run(_generate)
        if self._filling is None or self._filling.done():
            self._filling = asyncio.create_task(self._fill_reserve(), name="chronicle-keys")
        return key

    async def _fill_reserve(self) -> None:
        while len(self._reserve) < RESERVE and not self._is_closed:
            self._reserve.append(await self.run(_generate))

    def _remember(self, scope: KeyScope, identifier: str, known: _Known) -> None:
        if len(self._known) >= MOST_KEYS_IN_MEMORY:
            for oldest in list(self._known)[: MOST_KEYS_IN_MEMORY // 4]:
                del self._known[oldest]
        self._known[scope, identifier] = known

    def _made(self, scope: KeyScope, identifier: str, making: "asyncio.Task[SubjectKey]") -> None:
        del self._making[scope, identifier]
        if not making.cancelled():
            making.exception()  # whoever waited has it; it is no loss when nobody did


def _generate() -> "SubjectKey":
    from chronicle.kernel.compliance.ciphers import SubjectKey

    return SubjectKey.generate()


def _subject_key(stored: StoredKey) -> "SubjectKey":
    from chronicle.kernel.compliance.ciphers import SubjectKey

    return SubjectKey(stored.public_key, stored.private_key, stored.revision)
