"""Event stores, their namespaces, and what hangs on them (events.md 1)."""

import asyncio
import logging
import sqlite3
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final, NamedTuple, Self

from chronicle.errors import StorageError
from chronicle.kernel import system_events
from chronicle.kernel.changes import Changes
from chronicle.kernel.completion import to_the_end
from chronicle.kernel.compliance import Compliance, EncryptionKeys
from chronicle.kernel.constraints import Constraints
from chronicle.kernel.errors import InvalidEventStoreName, InvalidNamespaceName
from chronicle.kernel.event_types import EventTypeDefinition, EventTypeRegistration, EventTypes
from chronicle.kernel.event_types.event_types import definitions_by_store
from chronicle.kernel.event_types.kernel_owned import EVENT_TYPE_ADDED, SYSTEM_EVENT_STORE, kernel_owned
from chronicle.kernel.event_types.rewriting import Rewriting
from chronicle.kernel.identities import Identities
from chronicle.kernel.observation.definitions import ObserverDefinitions
from chronicle.kernel.observation.observers import Observers
from chronicle.kernel.observation.settings import DEFAULT_SETTINGS, ObservationSettings
from chronicle.kernel.read_models import ReadModelDefinitions, Sinks
from chronicle.kernel.redaction import OBSERVER_ID, REQUEST_TYPES, EventSequencesReactor
from chronicle.kernel.seeding import EventSeeding
from chronicle.kernel.sequence_queries import SequenceQueries
from chronicle.kernel.sequences import ConcurrencyScope, EventSequence
from chronicle.kernel.sequences.event_queries import EventQueries
from chronicle.kernel.sequences.preparation import Preparation
from chronicle.kernel.sequences.streams import Streams
from chronicle.kernel.storage import constraints as constraint_storage
from chronicle.kernel.storage import event_stores as storage
from chronicle.kernel.storage import event_types as event_type_storage
from chronicle.kernel.storage import events as event_storage
from chronicle.kernel.storage import generations as generation_storage
from chronicle.kernel.storage import redaction as redaction_storage
from chronicle.kernel.storage.constraints import StoredConstraint
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.encryption_keys import KeyScope
from chronicle.kernel.storage.event_stores import StoredEventStore, StoredNamespace
from chronicle.kernel.storage.events import EventFilter, StoredEvent
from chronicle.kernel.storage.sequence_queries import Kind
from chronicle.values import DEFAULT_NAMESPACE, EVENT_LOG, NOT_SET, SYSTEM_SEQUENCE

_log = logging.getLogger(__name__)


class Namespace:
    """One namespace of an event store; there is one object per namespace in a kernel."""

    def __init__(
        self, database: Database, store: "EventStore", stored: StoredNamespace, identities: Identities
    ) -> None:
        self.store: Final = store
        self.id: Final = stored.id
        """Its row in the database."""
        self.name: Final = stored.name
        self.identities: Final = identities
        self.sinks: Final = Sinks(database, namespace_id=stored.id)
        self.compliance: Final = store.compliance_of(stored.name)
        self.streams: Final = Streams(database, namespace_id=stored.id)
        self.event_queries: Final = EventQueries(database, namespace_id=stored.id)
        self.observers: Final = Observers(
            database, namespace_id=stored.id, event_sequence=self.event_sequence, settings=store.observation
        )
        self._event_sequences_reactor = EventSequencesReactor(
            database,
            event_store_id=store.id,
            namespace_id=stored.id,
            event_sequence=self.event_sequence,
            definitions=store.observer_definitions,
            observers=self.observers,
            settings=store.observation,
        )
        self._database = database
        self._sequences: dict[str, EventSequence] = {}

    def start(self) -> None:
        """Lets the kernel do what the `system` sequence asks for."""
        # The kernel's own event store knows none of the requests.
        if self.store.name != SYSTEM_EVENT_STORE:
            self._event_sequences_reactor.start()

    async def close(self) -> None:
        """Stops the observers, the kernel's own first."""
        await self._event_sequences_reactor.close()
        await self.observers.close()

    @property
    def event_store(self) -> str:
        """The name of the event store."""
        return self.store.name

    def event_sequence(self, name: str) -> EventSequence:
        """The event sequence with this name; any name will do, and a sequence exists once it is used."""
        sequence = self._sequences.get(name)
        if sequence is None:
            sequence = self._sequences[name] = EventSequence(
                self._database,
                namespace_id=self.id,
                name=name,
                preparation=self.store.preparation,
                constraints=self.store.constraints,
                compliance=self.compliance,
                identities=self.identities,
            )
        return sequence

    def forget_events(self, event_sequence: str) -> None:
        """Lets go of events that were read before they were changed in the database."""
        self.event_sequence(event_sequence).forget_events()
        for observer in self.observers.all():
            observer.forget_events(event_sequence)

    async def event_sequence_names(self) -> Sequence[str]:
        """The names of the event sequences that were used."""
        return await self._database.read(partial(event_storage.sequence_names, namespace_id=self.id))


class EventStore:
    """One event store; there is one object per event store in a kernel."""

    def __init__(
        self,
        database: Database,
        stored: StoredEventStore,
        observation: ObservationSettings,
        encryption_keys: EncryptionKeys,
        *,
        namespaces: Iterable[StoredNamespace] = (),
        event_types: Iterable[EventTypeDefinition] = (),
        constraints: Iterable[StoredConstraint] = (),
    ) -> None:
        self.id: Final = stored.id
        """Its row in the database."""
        self.name: Final = stored.name
        self.event_types: Final = EventTypes(
            database, event_store_id=stored.id, event_store=stored.name, stored=event_types
        )
        self.rewriting: Final = Rewriting(
            database, self.event_types, event_store_id=stored.id, rewritten=self._forget_event_log
        )
        self.constraints: Final = Constraints(
            database, event_store_id=stored.id, stored=constraints, release=self._release
        )
        self.preparation: Final = Preparation(stored.name, self.event_types)
        self.read_models: Final = ReadModelDefinitions(database, event_store_id=stored.id)
        self.observer_definitions: Final = ObserverDefinitions(database, event_store_id=stored.id)
        self.sequence_queries: Final = SequenceQueries(database, event_store_id=stored.id, kind=Kind.QUERY)
        self.sequence_query_folders: Final = SequenceQueries(
            database, event_store_id=stored.id, kind=Kind.FOLDER
        )
        self.seeding: Final = EventSeeding(database, self)
        self.observation: Final = observation
        """How the observers of all namespaces are driven."""
        self.encryption_keys: Final = encryption_keys
        """Those of the whole kernel."""
        self.namespace_changes: Final = Changes()
        """When a namespace was added."""
        self._database = database
        self._stored_namespaces = {_key(namespace.name): namespace for namespace in namespaces}
        self._namespaces: dict[str, Namespace] = {}
        self._changing = asyncio.Lock()

    def namespaces(self) -> Sequence[str]:
        """The names of the namespaces, in the order in which they came."""
        return [namespace.name for namespace in self._stored_namespaces.values()]

    def compliance_of(self, namespace: str) -> Compliance:
        """The personal data of a namespace, whether it is there or not."""
        return Compliance(self.encryption_keys, KeyScope(self.id, _key(namespace)))

    async def ensure_namespace(self, name: str) -> None:
        """Adds a namespace unless there is one with this name in any casing.

        Raises `InvalidNamespaceName`.
        """
        if _key(name) not in self._stored_namespaces:
            _check_namespace(name)
            await to_the_end(self._add_namespace(name))

    async def namespace(self, name: str) -> Namespace:
        """The namespace with this name in any casing, which is added if need be.

        Raises `InvalidNamespaceName`.
        """
        namespace = self._namespaces.get(_key(name))
        if namespace is not None:
            return namespace
        await self.ensure_namespace(name)
        return await to_the_end(self._open_namespace(_key(name)))

    async def existing_namespace(self, name: str) -> Namespace | None:
        """The namespace with this name in any casing, if there is one: for those who only read."""
        return await self.namespace(name) if _key(name) in self._stored_namespaces else None

    async def register_event_types(
        self, registrations: Sequence[EventTypeRegistration], *, validate: bool = True
    ) -> None:
        """As `EventTypes.register`; what is new is told to the `system` sequence of the default namespace.

        Events that are stored already are given new generations in the background.
        """
        await to_the_end(self._register(registrations, validate))

    async def register_kernel_owned(self) -> None:
        """Registers the kernel's own event types; nothing is told of them."""
        await self.event_types.register(kernel_owned(self.name), validate=False)

    async def close(self) -> None:
        """Stops what runs in the background, and the observers of all namespaces."""
        await self.rewriting.close()
        async with self._changing:
            await asyncio.gather(*(namespace.close() for namespace in self._namespaces.values()))

    async def _release(self, namespace: str, events: Sequence[StoredEvent]) -> Sequence[str] | None:
        compliance = (await self.namespace(namespace)).compliance
        return await compliance.release_events(events, self.event_types)

    async def _register(self, registrations: Sequence[EventTypeRegistration], validate: bool) -> None:
        added = await self.event_types.register(registrations, validate=validate)
        if not all(one.is_first for one in added):
            self.rewriting.start()
        # An event store that was never ensured lacks the kernel's own event types; then nothing is told.
        if not added or not self.event_types.knows(EVENT_TYPE_ADDED):
            return
        namespace = await self.namespace(DEFAULT_NAMESPACE)
        append = system_events.append_of(system_events.generations_added(added))
        outcome = await namespace.event_sequence(SYSTEM_SEQUENCE).append(append)
        if not outcome.is_success:
            # They are registered all the same, and would not count as new another time.
            _log.error("%s was not told of new event types: %s", self.name, "; ".join(outcome.errors))

    def _forget_event_log(self) -> None:
        namespace = self._namespaces.get(_key(DEFAULT_NAMESPACE))
        if namespace is not None:
            namespace.forget_events(EVENT_LOG)

    async def _add_namespace(self, name: str) -> None:
        async with self._changing:
            if _key(name) in self._stored_namespaces:
                return
            job = partial(storage.ensure_namespace, event_store_id=self.id, name=name)
            self._stored_namespaces[_key(name)] = await self._database.write(job)
            self.namespace_changes.notify()
        await self.seeding.welcome(name)

    async def _open_namespace(self, key: str) -> Namespace:
        async with self._changing:
            namespace = self._namespaces.get(key)
            if namespace is None:
                stored = self._stored_namespaces[key]
                identities = await Identities.load(self._database, stored.id)
                namespace = self._namespaces[key] = Namespace(self._database, self, stored, identities)
                namespace.start()
            return namespace


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
        self._stores = {_key(store.name): store for store in stores}
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
        return [KeyScope(store.id, _key(namespace)) for store in self._stores.values()]

    async def get(self, name: str) -> EventStore:
        """The event store with this name in any casing, which is added if need be.

        One that is added so has neither namespaces nor the kernel's own event types; see `ensure`.
        Raises `InvalidEventStoreName`.
        """
        store = self._stores.get(_key(name))
        if store is None:
            _check_event_store(name)
            store = await to_the_end(self._add(name))
        return store

    async def ensure(self, name: str) -> EventStore:
        """The event store with this name, with the kernel's own event types and the default namespace.

        Of one that is added the kernel's own event store is told, once. Raises `InvalidEventStoreName`.
        """
        _check_event_store(name)
        return await to_the_end(self._ensure(name))

    async def close(self) -> None:
        """Stops all observers. A second call does nothing."""
        await asyncio.gather(*(store.close() for store in self._stores.values()))
        await self.encryption_keys.close()

    async def _ensure(self, name: str) -> EventStore:
        async with self._ensuring:
            if _key(name) not in self._stores:
                await self._record_added(name)
            store = await self.get(name)
            await store.register_kernel_owned()
            await store.ensure_namespace(DEFAULT_NAMESPACE)
            return store

    async def _record_added(self, name: str) -> None:
        # Before the event store itself: when the process dies in between, the next attempt finds the event
        # there (the scope) and goes on. The other way round the event would be lost.
        namespace = await self._stores[_key(SYSTEM_EVENT_STORE)].namespace(DEFAULT_NAMESPACE)
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
            store = self._stores.get(_key(name))
            if store is None:
                stored = await self._database.write(partial(storage.ensure_event_store, name=name))
                store = self._stores[_key(name)] = EventStore(
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


def _key(name: str) -> str:
    """Names are compared without regard to casing; the first casing is kept."""
    return name.lower()


def _check_event_store(name: str) -> None:
    if not name.strip():
        raise InvalidEventStoreName(name, "it must not be empty.")
    if name == NOT_SET:
        raise InvalidEventStoreName(name, "it is reserved for a name that is not set.")


def _check_namespace(name: str) -> None:
    if not name.strip():
        raise InvalidNamespaceName(name, "it must not be empty.")
    if name == NOT_SET:
        raise InvalidNamespaceName(name, "it is reserved for a name that is not set.")
