"""Scopes for the appends to one sequence that are given none, as the client's strategy chooses them."""

from collections.abc import Mapping, Sequence
from typing import Final

from chronicle.event_sequences.concurrency import ConcurrencyScope
from chronicle.event_sequences.concurrency_strategies import (
    AppendTarget,
    ConcurrencyStrategy,
    SeenTails,
)
from chronicle.event_sequences.event_for import EventFor


class Scoping:
    """A strategy and what it goes by."""

    def __init__(self, strategy: ConcurrencyStrategy, seen: SeenTails) -> None:
        self.seen: Final = seen
        self._strategy = strategy

    async def chosen(self, target: AppendTarget) -> ConcurrencyScope:
        """The scope for an append to a target. Raises as the strategy does."""
        return await self._strategy.scope_for(target, self.seen.last_seen)

    async def completed(
        self, scopes: Mapping[str, ConcurrencyScope], events: Sequence[EventFor]
    ) -> dict[str, ConcurrencyScope]:
        """The scopes given, and one for every event source of the batch that has none."""
        found = dict(scopes)
        for event in events:
            if event.event_source_id not in found:
                found[event.event_source_id] = await self.chosen(AppendTarget.of(event))
        return found

    def take_in(self, targets: Sequence[AppendTarget], numbers: Sequence[int]) -> None:
        """Takes in the numbers of what was appended; with none, that somebody else was faster, perhaps."""
        for target in targets:
            self.seen.forget(target.event_source_id)
        for target, number in zip(targets, numbers, strict=False):
            self.seen.appended(target, number)
