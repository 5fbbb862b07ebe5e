"""Cuts what lies before an observer into what is delivered at once (observation.md 3.1 and 3.2)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chronicle.kernel.observation.subscriber import Batch
from chronicle.kernel.storage.events import StoredEvent


class Slice(NamedTuple):
    """Batches of different partitions, made of the first events of what was cut."""

    batches: list[Batch]
    taken: int
    """How many events were taken, left out ones included."""


def cut_run(events: Sequence[StoredEvent], start: int) -> Slice:
    """One batch: the events of one source in a row. So live events keep the order of the sequence."""
    partition = events[start].event_source_id
    end = start + 1
    while end < len(events) and events[end].event_source_id == partition:
        end += 1
    return Slice([Batch(partition, events[start:end])], end - start)


def cut_spread(events: Sequence[StoredEvent], start: int, *, last: int, batch_size: int) -> Slice:
    """As many batches as there are partitions, until one is full or the number `last` is passed.

    Only the order within a partition is kept: so the partitions can be delivered side by side.
    """
    partitions: dict[str, list[StoredEvent]] = {}
    taken = 0
    for event in events[start:] if start else events:
        if event.number > last:
            break
        batch = partitions.get(event.event_source_id)
        if batch is None:
            partitions[event.event_source_id] = [event]
        elif len(batch) < batch_size:
            batch.append(event)
        else:
            break
        taken += 1
    return Slice([Batch(partition, batch) for partition, batch in partitions.items()], taken)


def without_handled(batches: list[Batch], ahead: Mapping[str, int]) -> list[Batch]:
    """The batches without the events that their partitions have behind them."""
    if not ahead:
        return batches
    left = []
    for batch in batches:
        handled = ahead.get(batch.partition)
        events = batch.events if handled is None else [e for e in batch.events if e.number > handled]
        if events:
            left.append(Batch(batch.partition, events))
    return left
