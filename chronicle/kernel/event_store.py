"""One event store: what is registered with it, and its namespaces (events.md 1)."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from chronicle.errors import NotRunningError
from chronicle.kernel import system_events
from chronicle.kernel.changes import Changes
from chronicle.kernel.completion import to_the_end
from chronicle.kernel.compliance import Compliance, EncryptionKeys
from chronicle.kernel.constraints import Constraints
from chronicle.kernel.event_types import EventTypeDefinition, EventTypeRegistration, EventTypes
from chronicle.kernel.event_types.kernel_owned import EVENT_TYPE_ADDED, kernel_owned
from chronicle.kernel.event_types.rewriting import Rewriting
from chronicle.kernel.identities import Identities
from chronicle.kernel.names import check_namespace, key_of
from chronicle.kernel.namespace import Namespace
from chronicle.kernel.observation.definitions import ObserverDefinitions
from chronicle.kernel.observation.settings import ObservationSettings
from chronicle.kernel.read_models import ReadModelDefinitions
from chronicle.kernel.seeding import EventSeeding
from chronicle.kernel.sequence_queries import SequenceQueries
from chronicle.kernel.sequences.preparation import Preparation
from chronicle.kernel.storage import event_stores as storage
from chronicle.kernel.storage.constraints import StoredConstraint
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.encryption_keys import KeyScope
from chronicle.kernel.storage.event_stores import StoredEventStore, StoredNamespace
from chronicle.kernel.storage.events import StoredEvent
from chronicle.kernel.storage.sequence_queries import Kind
from chronicle.values import DEFAULT_NAMESPACE, EVENT_LOG, SYSTEM_SEQUENCE

_log = logging.getLogger(__name__)


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
        self._stored_namespaces = {key_of(namespace.name): namespace for namespace in namespaces}
        self._namespaces: dict[str, Namespace] = {}
        self._changing = asyncio.Lock()
        self._is_closed = False

    def namespaces(self) -> Sequence[str]:
        """The names of the namespaces, in the order in which they came."""
        return [namespace.name for namespace in self._stored_namespaces.values()]

    def compliance_of(self, namespace: str) -> Compliance:
        """The personal data of a namespace, whether it is there or not."""
        return Compliance(self.encryption_keys, KeyScope(self.id, key_of(namespace)))

    async def ensure_namespace(self, name: str) -> None:
        """Adds a namespace unless there is one with this name in any casing.

        Raises `InvalidNamespaceName`.
        """
        if key_of(name) not in self._stored_namespaces:
            check_namespace(name)
            await to_the_end(self._add_namespace(name))

    async def namespace(self, name: str) -> Namespace:
        """The namespace with this name in any casing, which is added if need be.

        Raises `InvalidNamespaceName`.
        """
        namespace = self._namespaces.get(key_of(name))
        if namespace is not None:
            return namespace
        await self.ensure_namespace(name)
        return await to_the_end(self._open_namespace(key_of(name)))

    async def existing_namespace(self, name: str) -> Namespace | None:
        """The namespace with this name in any casing, if there is one: for those who only read."""
        return await self.namespace(name) if key_of(name) in self._stored_namespaces else None

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
            self._is_closed = True
            await asyncio.gather(*(namespace.close() for namespace in self._namespaces.values()))

    async def _release(self, namespace: str, events: Sequence[StoredEvent]) -> Sequence[str] | None:
        compliance = (await self.namespace(namespace)).compliance
        return (await compliance.release_events(events, self.event_types)).contents

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
        namespace = self._namespaces.get(key_of(DEFAULT_NAMESPACE))
        if namespace is not None:
            namespace.forget_events(EVENT_LOG)

    async def _add_namespace(self, name: str) -> None:
        async with self._changing:
            if key_of(name) in self._stored_namespaces:
                return
            job = partial(storage.ensure_namespace, event_store_id=self.id, name=name)
            self._stored_namespaces[key_of(name)] = await self._database.write(job)
            self.namespace_changes.notify()
        await self.seeding.welcome(name)

    async def _open_namespace(self, key: str) -> Namespace:
        async with self._changing:
            namespace = self._namespaces.get(key)
            if namespace is None:
                if self._is_closed:
                    raise NotRunningError("The embedded kernel is closed. Open a new client to go on.")
                stored = self._stored_namespaces[key]
                identities = await Identities.load(self._database, stored.id)
                namespace = self._namespaces[key] = Namespace(self._database, self, stored, identities)
                namespace.start()
            return namespace
