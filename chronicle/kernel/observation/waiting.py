"""Waiting until observers have come as far as an event (observation.md 7.4)."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from chronicle.kernel.observation.definitions import ObserverDefinitions
from chronicle.kernel.observation.failures import FailedPartition
from chronicle.kernel.observation.observers import Observers
from chronicle.kernel.observation.state import ObserverState
from chronicle.values import is_actual


class FailedAt(NamedTuple):
    """A failed partition, and the observer that it is of."""

    observer_id: str
    failure: FailedPartition


async def wait_for_observers(
    observers: Observers, definitions: ObserverDefinitions, event_sequence: str, tail: int
) -> Sequence[FailedAt]:
    """What has failed, once every observer of the sequence is past the number `tail` or has failed.

    Events that an observer does not handle do not hold it up. An observer that nobody is subscribed to does
    not move at all, and is waited for until the caller gives up.
    """
    states = [
        (await observers.get(definition.id)).state
        for definition in await definitions.all()
        if definition.event_sequence == event_sequence
    ]
    if is_actual(tail):
        await asyncio.gather(*(_past(state, tail) for state in states))
    return [FailedAt(state.observer_id, failure) for state in states for failure in state.failed]


async def _past(state: ObserverState, number: int) -> None:
    revision = state.changes.revision
    while state.next_number <= number and not state.failed:
        revision = await state.changes.wait(revision)
