"""An event store with constraints, and appends to one of its event sequences."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from chronicle.kernel.constraints import Constraint, ConstraintViolation
from chronicle.kernel.event_store import EventStore
from chronicle.kernel.event_types import EventTypeRegistration
from chronicle.kernel.identities import Identity, IdentityChain
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.sequences import (
    Append,
    AppendOutcome,
    ConcurrencyScope,
    EventSequence,
    EventToAppend,
)

EVENT_TYPES = ("registered", "moved", "left", "banned", "noted")

SOMEBODY: IdentityChain = (Identity("subject", "Somebody", "somebody"),)


class Event(NamedTuple):
    """What a test says about an event."""

    source: str
    type: str
    content: Mapping[str, Any] = MappingProxyType({})
    source_type: str = "Default"
    stream_type: str = "All"
    stream_id: str = "Default"


class Log:
    """One event sequence."""

    def __init__(self, store: EventStore, namespace: str = "Default", sequence: str = "event-log") -> None:
        self.store = store
        self._namespace = namespace
        self._sequence = sequence

    async def append(self, source: str, event_type: str, /, **content: Any) -> list[ConstraintViolation]:
        """The violations of one event, in the default stream."""
        return await self.append_many(Event(source, event_type, content))

    async def append_many(self, *events: Event) -> list[ConstraintViolation]:
        """The violations of a batch."""
        return list((await self.outcome(*events)).constraint_violations)

    async def outcome(self, *events: Event, scopes: Sequence[ConcurrencyScope] = ()) -> AppendOutcome:
        append = Append([_to_append(event) for event in events], SOMEBODY, scopes)
        outcome = await (await self.sequence()).append(append)
        assert not outcome.errors
        return outcome

    async def tail(self) -> int | None:
        return await (await self.sequence()).tail()

    async def sequence(self) -> EventSequence:
        namespace = await self.store.namespace(self._namespace)
        return namespace.event_sequence(self._sequence)


async def open_store(kernel: Kernel, *constraints: Constraint) -> EventStore:
    store = await kernel.event_stores.ensure("bank")
    await store.register_event_types([EventTypeRegistration(one, 1) for one in EVENT_TYPES])
    await store.constraints.register(constraints)
    return store


def _to_append(event: Event) -> EventToAppend:
    return EventToAppend(
        event.source,
        event.source_type,
        event.stream_type,
        event.stream_id,
        event.type,
        1,
        0,
        bytes(16),
        b"",
        None,
        None,
        json.dumps(dict(event.content)),
    )
