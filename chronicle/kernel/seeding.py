"""Events that an event store or a namespace starts with, appended once (events.md 15).

What was seeded is recorded for each namespace, and for the event store what all its namespaces have been
given. A namespace that comes later is given that as well.
"""

import asyncio
import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple, Protocol

import msgspec

from chronicle.kernel.completion import to_the_end
from chronicle.kernel.errors import InvalidSeed
from chronicle.kernel.identities import SYSTEM
from chronicle.kernel.schemas import InvalidContent, content_of
from chronicle.kernel.sequences import Append, EventSequence, EventToAppend
from chronicle.kernel.storage import seeding as storage
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.seeding import SeededEvent
from chronicle.values import (
    DEFAULT_NAMESPACE,
    EVENT_LOG,
    now_ticks,
    uuid7,
)

_log = logging.getLogger(__name__)

BATCH_SIZE: Final = 100
"""So many events are appended together, or not at all."""

_Key = tuple[str, str, str, frozenset[str]]

_encode: Final = msgspec.json.Encoder().encode
_decode_tags: Final = msgspec.json.Decoder(list[str]).decode


class SeedEntry(NamedTuple):
    """An event to be seeded. Entries with equal members, whatever the order of tags, are the same one."""

    event_source_id: str
    event_type: str
    content: str
    """JSON object."""
    tags: tuple[str, ...] = ()

    @property
    def key(self) -> _Key:
        """What the entry is compared by."""
        return self.event_source_id, self.event_type, self.content, frozenset(self.tags)


class Seeds(NamedTuple):
    """What one call brings."""

    everywhere: Sequence[SeedEntry]
    """For all namespaces, those that come later among them."""
    by_namespace: Mapping[str, Sequence[SeedEntry]]
    causation: bytes
    """The chain that the events carry, in the wire's own encoding."""

    def entries(self) -> Iterable[SeedEntry]:
        """All entries."""
        yield from self.everywhere
        for entries in self.by_namespace.values():
            yield from entries


class SeededNamespace(Protocol):
    """A namespace, as far as seeding is concerned."""

    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...
    def event_sequence(self, name: str) -> EventSequence: ...


class SeededStore(Protocol):
    """An event store, as far as seeding is concerned."""

    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...
    def namespaces(self) -> Sequence[str]: ...
    async def ensure_namespace(self, name: str) -> None: ...
    async def namespace(self, name: str) -> SeededNamespace: ...


class EventSeeding:
    """The seeding of one event store."""

    def __init__(self, database: Database, store: SeededStore) -> None:
        self._database = database
        self._store = store
        # What is recorded decides what is appended, so it is one after the other.
        self._seeding = asyncio.Lock()

    async def seed(self, seeds: Seeds) -> None:
        """Appends what was not seeded before, first what is for all namespaces.

        A batch that is refused is logged, and offered again with the next call; the others are appended.
        Raises `InvalidSeed`, before anything is appended, for content that is no JSON object.
        """
        for entry in seeds.entries():
            _check(entry)
        await to_the_end(self._seed(seeds))

    async def welcome(self, namespace: str) -> None:
        """Gives a namespace that has just been added what all the others have."""
        by_causation: dict[bytes, list[SeedEntry]] = {}
        for seeded in await self._recorded(None):
            by_causation.setdefault(seeded.causation, []).append(_entry(seeded))
        for causation, entries in by_causation.items():
            await self.seed(Seeds((), {namespace: entries}, causation))

    async def seeded(self, namespace: SeededNamespace | None = None) -> list[SeedEntry]:
        """What a namespace was given, or all of them, in order."""
        return [_entry(one) for one in await self._recorded(None if namespace is None else namespace.id)]

    async def _seed(self, seeds: Seeds) -> None:
        # First of all: a namespace that is added is welcomed, and that waits for the lock.
        if seeds.everywhere:
            await self._store.ensure_namespace(DEFAULT_NAMESPACE)
        namespaces = {
            name: await self._store.namespace(name) for name, entries in seeds.by_namespace.items() if entries
        }
        async with self._seeding:
            await self._seed_everywhere(seeds.everywhere, seeds.causation)
            for name, namespace in namespaces.items():
                await self._seed_namespace(namespace, seeds.by_namespace[name], seeds.causation)

    async def _seed_everywhere(self, entries: Sequence[SeedEntry], causation: bytes) -> None:
        if not entries:
            return
        # Offered to all namespaces each time: one of them may lack what another has.
        namespaces = [await self._store.namespace(name) for name in self._store.namespaces()]
        complete = [await self._seed_namespace(one, entries, causation) for one in namespaces]
        if all(complete):
            missing = await self._missing(None, entries)
            await self._database.write(self._recording(None, missing, causation))

    async def _seed_namespace(
        self, namespace: SeededNamespace, entries: Sequence[SeedEntry], causation: bytes
    ) -> bool:
        """Appends what a namespace lacks; returns whether it now has everything."""
        missing = await self._missing(namespace.id, entries)
        is_complete = True
        for start in range(0, len(missing), BATCH_SIZE):
            batch = missing[start : start + BATCH_SIZE]
            # In one transaction: else a crash in between would have the events appended once more.
            append = _append_of(batch, causation)._replace(
                alongside=self._recording(namespace.id, batch, causation)
            )
            outcome = await namespace.event_sequence(EVENT_LOG).append(append)
            if not outcome.is_success:
                is_complete = False
                # No reasons: they may tell of persons.
                _log.error(
                    "%d events were not seeded in namespace %s of %s: they were refused",
                    len(batch),
                    namespace.name,
                    self._store.name,
                )
        return is_complete

    async def _missing(self, namespace_id: int | None, entries: Sequence[SeedEntry]) -> list[SeedEntry]:
        """Which entries are more than those that are recorded; equal ones count each for itself."""
        recorded = Counter(_entry(one).key for one in await self._recorded(namespace_id))
        missing = []
        for entry in entries:
            if recorded[entry.key] > 0:
                recorded[entry.key] -= 1
            else:
                missing.append(entry)
        return missing

    async def _recorded(self, namespace_id: int | None) -> list[SeededEvent]:
        return await self._database.read(
            partial(storage.recorded, event_store_id=self._store.id, namespace_id=namespace_id)
        )

    def _recording(
        self, namespace_id: int | None, entries: Sequence[SeedEntry], causation: bytes
    ) -> Callable[[sqlite3.Connection], None]:
        """The write job that records entries."""
        return partial(
            storage.record,
            event_store_id=self._store.id,
            namespace_id=namespace_id,
            events=[_seeded(entry, causation) for entry in entries],
        )


def _check(entry: SeedEntry) -> None:
    try:
        content_of(entry.content)
    except InvalidContent as error:
        raise InvalidSeed(
            f"A seed of event type '{entry.event_type}' has content that is no JSON object: {error}"
        ) from error


def _append_of(entries: Iterable[SeedEntry], causation: bytes) -> Append:
    correlation_id, occurred = uuid7().bytes, now_ticks()
    return Append(
        [
            EventToAppend.by_default(
                entry.event_source_id,
                entry.event_type,
                entry.content,
                occurred=occurred,
                correlation_id=correlation_id,
                causation=causation,
                tags=_encode(entry.tags).decode() if entry.tags else None,
            )
            for entry in entries
        ],
        caused_by=(SYSTEM,),
    )


def _seeded(entry: SeedEntry, causation: bytes) -> SeededEvent:
    tags = _encode(entry.tags).decode()
    return SeededEvent(entry.event_source_id, entry.event_type, entry.content, tags, causation)


def _entry(seeded: SeededEvent) -> SeedEntry:
    tags = tuple(_decode_tags(seeded.tags))
    return SeedEntry(seeded.event_source_id, seeded.event_type, seeded.content, tags)
