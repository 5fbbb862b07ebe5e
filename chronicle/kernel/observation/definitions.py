"""What an observer is, whoever runs it: stored once per event store (observation.md 2.1)."""

import asyncio
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, partial
from typing import Final

import msgspec

from chronicle.kernel.completion import to_the_end
from chronicle.kernel.storage import observers as storage
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.observers import StoredDefinition
from chronicle.values import EVENT_SOURCE_ID_KEY


class ObserverType(IntEnum):
    """What kind of observer it is; the numbers are the contract's."""

    UNKNOWN = 0
    REACTOR = 1
    PROJECTION = 2
    REDUCER = 3
    EXTERNAL = 4
    """Webhooks and event store subscriptions."""


class ObserverOwner(IntEnum):
    """Who an observer belongs to; the numbers are the contract's."""

    NONE = 0
    CLIENT = 1
    KERNEL = 2


class ObservedEventType(msgspec.Struct, frozen=True):
    """An event type that an observer wants. Events are matched by id; the rest is kept for those who ask."""

    id: str
    generation: int = 1
    key: str = EVENT_SOURCE_ID_KEY


@dataclass(frozen=True)
class ObserverDefinition:
    """What an observer is."""

    id: str
    type: ObserverType
    owner: ObserverOwner
    event_sequence: str
    event_types: tuple[ObservedEventType, ...]
    is_replayable: bool = True
    is_active: bool = True
    """False for a passive reducer, which is known but never subscribes."""

    @cached_property
    def event_type_ids(self) -> frozenset[str]:
        """The ids of the event types that are observed."""
        return frozenset(event_type.id for event_type in self.event_types)


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(tuple[ObservedEventType, ...]).decode


class ObserverDefinitions:
    """The observers of one event store. They are read when first asked for, and kept."""

    def __init__(self, database: Database, *, event_store_id: int) -> None:
        self._database = database
        self._event_store_id = event_store_id
        self._definitions: dict[str, ObserverDefinition] | None = None
        self._lock = asyncio.Lock()

    async def find(self, observer_id: str) -> ObserverDefinition | None:
        """The definition, if the observer was ever registered."""
        return (await self._known()).get(observer_id)

    async def all(self) -> list[ObserverDefinition]:
        """All observers, by id."""
        known = await self._known()
        return [known[id_] for id_ in sorted(known)]

    async def set(self, definition: ObserverDefinition) -> None:
        """Stores a definition in place of the one under its id."""
        known = await self._known()
        if known.get(definition.id) != definition:
            await to_the_end(self._store(known, definition))

    async def remove(self, observer_id: str) -> None:
        """Forgets an observer that will not come again, so that nobody waits for it.

        How far it has come stays, for the case that it does.
        """
        known = await self._known()
        if observer_id in known:
            await to_the_end(self._remove(known, observer_id))

    async def _remove(self, known: dict[str, ObserverDefinition], observer_id: str) -> None:
        async with self._lock:
            await self._database.write(
                partial(
                    storage.remove_definition, event_store_id=self._event_store_id, observer_id=observer_id
                )
            )
            known.pop(observer_id, None)

    async def _store(self, known: dict[str, ObserverDefinition], definition: ObserverDefinition) -> None:
        stored = _to_stored(definition)
        async with self._lock:
            await self._database.write(
                partial(storage.set_definition, event_store_id=self._event_store_id, definition=stored)
            )
            known[definition.id] = definition

    async def _known(self) -> dict[str, ObserverDefinition]:
        if self._definitions is None:
            async with self._lock:
                if self._definitions is None:
                    stored = await self._database.read(
                        partial(storage.definitions, event_store_id=self._event_store_id)
                    )
                    self._definitions = {one.id: _from_stored(one) for one in stored}
        return self._definitions


def _to_stored(definition: ObserverDefinition) -> StoredDefinition:
    return StoredDefinition(
        definition.id,
        definition.type,
        definition.owner,
        definition.event_sequence,
        _encode(definition.event_types).decode(),
        definition.is_replayable,
        definition.is_active,
    )


def _from_stored(stored: StoredDefinition) -> ObserverDefinition:
    return ObserverDefinition(
        stored.id,
        ObserverType(stored.type),
        ObserverOwner(stored.owner),
        stored.event_sequence,
        _decode(stored.event_types),
        stored.is_replayable,
        stored.is_active,
    )
