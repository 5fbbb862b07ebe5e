"""One namespace of an event store: its sequences, observers, sinks and keys (events.md 1)."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from chronicle.kernel.event_types.kernel_owned import SYSTEM_EVENT_STORE
from chronicle.kernel.identities import Identities
from chronicle.kernel.observation.observers import Observers
from chronicle.kernel.read_models import Sinks
from chronicle.kernel.redaction import EventSequencesReactor
from chronicle.kernel.sequences import EventSequence
from chronicle.kernel.sequences.event_queries import EventQueries
from chronicle.kernel.sequences.streams import Streams
from chronicle.kernel.storage import events as event_storage
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.event_stores import StoredNamespace

if TYPE_CHECKING:
    from chronicle.kernel.event_store import EventStore


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
            forget_events=self.forget_events,
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
