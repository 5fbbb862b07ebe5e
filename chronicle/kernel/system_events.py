"""The kernel's own events: what it appends to `system` sequences (events.md 1 and 3.2)."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from chronicle.kernel.event_types import AddedGeneration
from chronicle.kernel.event_types.kernel_owned import (
    EVENT_STORE_ADDED,
    EVENT_STORE_SUBSCRIPTION_ADDED,
    EVENT_STORE_SUBSCRIPTION_REMOVED,
    EVENT_TYPE_ADDED,
    EVENT_TYPE_GENERATION_ADDED,
)
from chronicle.kernel.identities import SYSTEM
from chronicle.kernel.sequences import Append, ConcurrencyScope, EventToAppend
from chronicle.values import now_ticks, uuid7


class SystemEvent(NamedTuple):
    """An event of the kernel's own; names in its content are in camelCase."""

    event_type: str
    event_source_id: str
    content: Mapping[str, object]


def event_store_added(name: str) -> SystemEvent:
    """What the kernel's own event store is told of a new one."""
    return SystemEvent(EVENT_STORE_ADDED, name, {"eventStore": name})


def subscription_added(
    identifier: str, source_event_store: str, event_types: Iterable[tuple[str, int]]
) -> SystemEvent:
    """What an event store is told of a new or changed subscription; event types are ids and generations."""
    wanted = [{"id": id_, "generation": generation, "tombstone": False} for id_, generation in event_types]
    content = {"sourceEventStore": source_event_store, "eventTypes": wanted}
    return SystemEvent(EVENT_STORE_SUBSCRIPTION_ADDED, identifier, content)


def subscription_removed(identifier: str) -> SystemEvent:
    """What an event store is told of a subscription that ends."""
    return SystemEvent(EVENT_STORE_SUBSCRIPTION_REMOVED, identifier, {})


def generations_added(added: Sequence[AddedGeneration]) -> list[SystemEvent]:
    """What an event store is told of new generations: each of a known event type, the lowest of a new one."""
    told: set[str] = set()
    events = []
    for event_type, generation, schema, is_first in sorted(added):
        if is_first and event_type in told:
            continue
        told.add(event_type)
        name = EVENT_TYPE_ADDED if is_first else EVENT_TYPE_GENERATION_ADDED
        content = {"eventTypeId": event_type, "generation": generation, "schema": schema}
        events.append(SystemEvent(name, event_type, content))
    return events


def append_of(events: Sequence[SystemEvent], *scopes: ConcurrencyScope) -> Append:
    """The append of system events, caused by the kernel itself."""
    correlation_id, occurred = uuid7().bytes, now_ticks()
    return Append(
        [
            EventToAppend.by_default(
                event.event_source_id,
                event.event_type,
                json.dumps(event.content, ensure_ascii=False, separators=(",", ":")),
                occurred=occurred,
                correlation_id=correlation_id,
            )
            for event in events
        ],
        caused_by=(SYSTEM,),
        scopes=scopes,
    )
