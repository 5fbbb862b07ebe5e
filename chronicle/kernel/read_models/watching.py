"""Who watches the instances of a namespace change (projections-and-read-models.md 3.5, "Watch")."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from enum import IntEnum
from typing import Final, NamedTuple

from chronicle.errors import ChronicleError
from chronicle.kernel.storage.events import StoredEvent
from chronicle.kernel.storage.read_models import StoredInstance

CAPACITY: Final = 10_000
"""Changes that are kept for a watcher that does not take them; their documents are no copies."""


class ChangeKind(IntEnum):
    """What became of an instance; the numbers are the contract's."""

    ADDED = 0
    MODIFIED = 1
    REMOVED = 2


class InstanceChange(NamedTuple):
    """One instance that has changed."""

    kind: ChangeKind
    instance: StoredInstance
    """As it is stored; one that was removed, as it was."""
    cause: StoredEvent | None
    """The last event that led to it; `None` when the last one there was is gone."""


class WatcherFellBehind(ChronicleError):
    """A watcher has not taken its changes for so long that some had to be dropped."""


class Watcher:
    """The changes of one container, for one who watches, in the order in which they were stored."""

    def __init__(self) -> None:
        self._changes: deque[InstanceChange] = deque()
        self._arrived = asyncio.Event()
        self._has_fallen_behind = False

    def take(self, change: InstanceChange) -> None:
        """Takes a change. Never waits: whoever stores must not be held up by whoever watches."""
        if len(self._changes) == CAPACITY:
            self._has_fallen_behind = True
            self._changes.clear()
        if not self._has_fallen_behind:
            self._changes.append(change)
        self._arrived.set()

    async def changes(self) -> AsyncIterator[InstanceChange]:
        """The changes, without end; raises `WatcherFellBehind`."""
        while True:
            if self._has_fallen_behind:
                raise WatcherFellBehind(
                    f"More than {CAPACITY} changes were not taken. Watch again, and read what you need anew."
                )
            if self._changes:
                yield self._changes.popleft()
            else:
                self._arrived.clear()
                await self._arrived.wait()


class Watchers:
    """All watchers of a namespace, by container."""

    def __init__(self) -> None:
        self._of: dict[str, list[Watcher]] = {}

    def add(self, container: str) -> Watcher:
        """A new watcher of a container."""
        watcher = Watcher()
        self._of.setdefault(container, []).append(watcher)
        return watcher

    def remove(self, container: str, watcher: Watcher) -> None:
        """Takes a watcher out."""
        self._of[container].remove(watcher)
        if not self._of[container]:
            del self._of[container]

    def tell(self, container: str, change: InstanceChange) -> None:
        """Tells all watchers of a container what was stored there."""
        for watcher in self._of.get(container, ()):
            watcher.take(change)
