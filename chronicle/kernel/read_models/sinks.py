"""Where the instances of read models are kept (projections-and-read-models.md 3.4)."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from chronicle.kernel.read_models.definitions import ReadModelDefinition
from chronicle.kernel.read_models.errors import UnknownSinkType
from chronicle.kernel.read_models.watching import ChangeKind, InstanceChange, Watcher, Watchers
from chronicle.kernel.storage import read_models as storage
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.read_models import StoredInstance
from chronicle.kernel.storage.writer import Job

# What clients ask for out of habit. All of it is kept in our own database.
_KNOWN_TYPES: Final = frozenset({"", "MongoDB", "SQL", "InMemory"})


class Sink:
    """One container of one namespace: documents by key."""

    def __init__(self, database: Database, *, namespace_id: int, container: str, watchers: Watchers) -> None:
        self._database = database
        self._watchers = watchers
        self._namespace_id = namespace_id
        self._container = container

    async def instances(self, keys: Sequence[str]) -> dict[str, StoredInstance]:
        """The instances that exist under these keys."""
        found = await self._database.read(
            partial(storage.instances, namespace_id=self._namespace_id, container=self._container, keys=keys)
        )
        return {instance.key: instance for instance in found}

    async def page(self, *, skip: int = 0, limit: int = -1) -> Sequence[StoredInstance]:
        """Instances in the order in which they were first stored; a negative limit is none."""
        return await self._database.read(
            partial(
                storage.page,
                namespace_id=self._namespace_id,
                container=self._container,
                skip=skip,
                limit=limit,
            )
        )

    async def count(self) -> int:
        """How many instances there are."""
        return await self._database.read(
            partial(storage.count, namespace_id=self._namespace_id, container=self._container)
        )

    def set(self, instance: StoredInstance) -> Job[None]:
        """The part of a write job that stores an instance; the number of its last event only grows."""
        return partial(
            storage.set_instance,
            namespace_id=self._namespace_id,
            container=self._container,
            instance=instance,
        )

    def remove(self, key: str) -> Job[None]:
        """The part of a write job that removes an instance."""
        return partial(
            storage.remove_instance, namespace_id=self._namespace_id, container=self._container, key=key
        )

    def write(self, change: InstanceChange) -> "SinkWrite":
        """A change as the effect of what an observer has handled; told to those who watch, once stored."""
        is_removal = change.kind is ChangeKind.REMOVED
        job = self.remove(change.instance.key) if is_removal else self.set(change.instance)
        return SinkWrite(job, partial(self._watchers.tell, self._container, change))

    def watch(self) -> Watcher:
        """What changes here from now on, until `unwatch`."""
        return self._watchers.add(self._container)

    def unwatch(self, watcher: Watcher) -> None:
        """Ends a watch."""
        self._watchers.remove(self._container, watcher)


@dataclass(frozen=True, slots=True)
class SinkWrite:
    """A write to a sink that is part of a larger one."""

    job: Job[None]
    tell: Callable[[], None]

    def __call__(self, connection: sqlite3.Connection) -> None:
        """Writes."""
        self.job(connection)

    def stored(self) -> None:
        """Says that it is on the disk. To be called on the event loop."""
        self.tell()


class Sinks:
    """The sinks of one namespace."""

    def __init__(self, database: Database, *, namespace_id: int) -> None:
        self._database = database
        self._namespace_id = namespace_id
        self._watchers = Watchers()

    def of(self, definition: ReadModelDefinition) -> Sink:
        """The sink of a read model that is materialised; raises `UnknownSinkType`."""
        if definition.sink_type not in _KNOWN_TYPES:
            raise UnknownSinkType(definition.sink_type, definition.identifier)
        return self.container(definition.container or definition.identifier)

    def container(self, name: str) -> Sink:
        """The sink of a container, by its name."""
        return Sink(self._database, namespace_id=self._namespace_id, container=name, watchers=self._watchers)
