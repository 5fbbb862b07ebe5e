"""The event stores of a kernel, and what is loaded of them when it opens (events.md 1)."""

import asyncio
import sqlite3
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final, NamedTuple, Self

from chronicle.errors import StorageError
from chronicle.kernel import system_events
from chronicle.kernel.changes import Changes
from chronicle.kernel.completion import to_the_end
from chronicle.kernel.compliance import EncryptionKeys
from chronicle.kernel.event_store import EventStore
from chronicle.kernel.event_types.event_types import definitions_by_store
from chronicle.kernel.event_types.kernel_owned import SYSTEM_EVENT_STORE
from chronicle.kernel.names import check_event_store, key_of
from chronicle.kernel.observation.settings import DEFAULT_SETTINGS, ObservationSettings
from chronicle.kernel.redaction import OBSERVER_ID, REQUEST_TYPES
from chronicle.kernel.sequences import ConcurrencyScope
from chronicle.kernel.storage import constraints as constraint_storage
from chronicle.kernel.storage import event_stores as storage
from chronicle.kernel.storage import event_types as event_type_storage
from chronicle.kernel.storage import generations as generation_storage
from chronicle.kernel.storage import redaction as redaction_storage
from chronicle.kernel.storage.constraints import StoredConstraint
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.encryption_keys import KeyScope
from chronicle.kernel.storage.event_stores import StoredEventStore, StoredNamespace
from chronicle.kernel.storage.events import EventFilter
from chronicle.values import DEFAULT_NAMESPACE, SYSTEM_SEQUENCE


class EventStores:
    """The event stores of a kernel."""

    def __init__(
        self,
        database: Database,
        observation: ObservationSettings,
        encryption_keys: EncryptionKeys,
        stores: Iterable[EventStore],
    ) -> None:
        self.encryption_keys: Final = encryption_keys
        """Those of all event stores, in all namespaces."""
        self.changes: Final = Changes()
        """When an event store was added."""
        self._database = database
        self._observation = observation
        self._stores = {key_of(store.name): store for store in stores}
        self._adding = asyncio.Lock()
        self._ensuring = asyncio.Lock()

    @classmethod
    async def load(cls, database: Database, observation: ObservationSettings = DEFAULT_SETTINGS) -> Self:
        """Loads what is stored, and brings the kernel's own part of it up to date."""
        stored = await database.read(_load)
        event_types = definitions_by_store(stored.generations, stored.migrations)
        encryption_keys = EncryptionKeys(database)
        stores = cls(
            database,
            observation,
            encryption_keys,
            [
                EventStore(
                    database,
                    store,
                    observation,
                    encryption_keys,
                    namespaces=[one for one in stored.namespaces if one.event_store_id == store.id],
                    event_types=event_types.get(store.id, ()),
                    constraints=[one for one in stored.constraints if one.event_store_id == store.id],
                )
                for store in stored.event_stores
            ],
        )
        await stores.get(SYSTEM_EVENT_STORE)
        for store in tuple(stores._stores.values()):
            await store.register_kernel_owned()
            await store.ensure_namespace(DEFAULT_NAMESPACE)
        for store in tuple(stores._stores.values()):
            if store.id in stored.rewrites:
                store.rewriting.start()
        for event_store, namespace in stored.with_requests:
            # To open it is to go on with them; all others are opened when somebody uses them.
            await (await stores.get(event_store)).namespace(namespace)
        return stores

    def names(self) -> Sequence[str]:
        """The names of the event stores, the kernel's own among them, in the order in which they came."""
        return [store.name for store in self._stores.values()]

    def key_scopes(self, namespace: str) -> Sequence[KeyScope]:
        """Where a subject may have keys: this namespace of every event store, whether it is there or not."""
        return [KeyScope(store.id, key_of(namespace)) for store in self._stores.values()]

    def find(self, name: str) -> EventStore | None:
        """The event store with this name in any casing, if there is one."""
        return self._stores.get(key_of(name))

    async def get(self, name: str) -> EventStore:
        """The event store with this name in any casing, which is added if need be.

        One that is added so has neither namespaces nor the kernel's own event types; see `ensure`.
        Raises `InvalidEventStoreName`.
        """
        store = self._stores.get(key_of(name))
        if store is None:
            check_event_store(name)
            store = await to_the_end(self._add(name))
        return store

    async def ensure(self, name: str) -> EventStore:
        """The event store with this name, with the kernel's own event types and the default namespace.

        Of one that is added the kernel's own event store is told, once. Raises `InvalidEventStoreName`.
        """
        check_event_store(name)
        return await to_the_end(self._ensure(name))

    async def close(self) -> None:
        """Stops all observers. A second call does nothing."""
        await asyncio.gather(*(store.close() for store in self._stores.values()))
        await self.encryption_keys.close()

    async def _ensure(self, name: str) -> EventStore:
        async with self._ensuring:
            if key_of(name) not in self._stores:
                await self._record_added(name)
            store = await self.get(name)
            await store.register_kernel_owned()
            await store.ensure_namespace(DEFAULT_NAMESPACE)
            return store

    async def _record_added(self, name: str) -> None:
        # Before the event store itself: when the process dies in between, the next attempt finds the event
        # there (the scope) and goes on. The other way round the event would be lost.
        namespace = await self._stores[key_of(SYSTEM_EVENT_STORE)].namespace(DEFAULT_NAMESPACE)
        event = system_events.event_store_added(name)
        none_yet = ConcurrencyScope(
            None, EventFilter(event_source_id=event.event_source_id, event_types=(event.event_type,))
        )
        append = system_events.append_of([event], none_yet)
        outcome = await namespace.event_sequence(SYSTEM_SEQUENCE).append(append)
        if outcome.errors:
            raise StorageError(
                f"The event store '{name}' cannot be added: {'; '.join(outcome.errors)}. "
                "Nothing was stored; try again."
            )

    async def _add(self, name: str) -> EventStore:
        # One at a time: the database would keep two casings of a name apart.
        async with self._adding:
            store = self._stores.get(key_of(name))
            if store is None:
                stored = await self._database.write(partial(storage.ensure_event_store, name=name))
                store = self._stores[key_of(name)] = EventStore(
                    self._database, stored, self._observation, self.encryption_keys
                )
                self.changes.notify()
            return store


class _Stored(NamedTuple):
    event_stores: Sequence[StoredEventStore]
    namespaces: Sequence[StoredNamespace]
    generations: Sequence[event_type_storage.StoredGeneration]
    migrations: Sequence[event_type_storage.StoredMigration]
    constraints: Sequence[StoredConstraint]
    rewrites: frozenset[int]
    with_requests: Sequence[tuple[str, str]]
    """Event stores and namespaces where events are still to be redacted or revised."""


def _load(connection: sqlite3.Connection) -> _Stored:
    return _Stored(
        storage.event_stores(connection),
        storage.namespaces(connection),
        event_type_storage.generations(connection),
        event_type_storage.migrations(connection),
        constraint_storage.constraints(connection),
        generation_storage.event_stores_to_rewrite(connection),
        redaction_storage.namespaces_with_requests(
            connection, system=SYSTEM_SEQUENCE, observer_id=OBSERVER_ID, event_types=REQUEST_TYPES
        ),
    )
