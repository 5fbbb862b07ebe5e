"""The replay of one partition: its events once more, from the first one on (observation.md 7.2)."""

from collections.abc import Awaitable, Callable, Sequence

from chronicle.kernel.observation import verdicts
from chronicle.kernel.observation.failures import FailedPartition
from chronicle.kernel.observation.state import ObserverState, Step
from chronicle.kernel.observation.subscriber import Batch, Effect, ObservationState, Outcome, ReplayState
from chronicle.kernel.observation.subscription import Subscription
from chronicle.kernel.sequences import Page

EventsOf = Callable[[str, int, int], Awaitable[Page]]
"""Gives the next events of a partition, from one number up to another."""
Deliver = Callable[[Sequence[Batch]], Awaitable[Sequence[Outcome]]]


class PartitionReplay:
    """Delivers again what a partition has behind it, up to and including the number `last`.

    Nothing of what it comes to is stored before its end: until then a reader sees what was there before, and
    whatever breaks it off, it can begin anew.
    """

    def __init__(
        self, partition: str, last: int, *, state: ObserverState, subscription: Subscription, deliver: Deliver
    ) -> None:
        self._partition = partition
        self._last = last
        self._state = state
        self._subscription = subscription
        self._deliver = deliver
        self._request = state.replays[partition]
        self._failed = state.failed.get(partition)
        self._read_model: str | None = None
        self._effect: Effect | None = None

    async def run(self, events_of: EventsOf) -> Step | None:
        """The step that ends it; `None` when nobody is there to answer, and it stays to be done."""
        self._notify(ReplayState.BEGIN_PARTITION)
        first, has_events = 0, False
        while first <= self._last:
            page = await events_of(self._partition, first, self._last)
            first = page.next_number
            if not page.events:
                continue
            has_events = True
            batch = Batch(self._partition, page.events, self._read_model, is_replay=True)
            (outcome,) = await self._deliver([batch])
            verdict = verdicts.judge(batch, outcome, is_live=False)
            if verdict is None:
                return None
            if verdict.failed_at is not None:
                return self._end(self._failure(outcome, verdict.failed_at))
            if outcome.state is ObservationState.SUCCESS:
                self._read_model, self._effect = outcome.read_model, outcome.effect
        if not has_events:
            self._effect = await self._subscription.subscriber.undo(self._partition)
        return self._end(self._success())

    def _success(self) -> Step:
        step = Step(replayed=[(self._partition, self._request)])
        if self._effect is not None:
            step.effects.append(self._effect)
        if self._failed is not None:
            step.recovered.append(self._failed)
        return step

    def _failure(self, outcome: Outcome, failed_at: int) -> Step:
        attempt = verdicts.attempt(outcome, failed_at)
        if self._failed is None:
            failed = FailedPartition.first(self._partition, attempt)
        else:
            failed = self._failed.again(attempt)
        step = Step(failed=[failed])
        if not self._subscription.subscriber.folds:
            # What was delivered need not be again; the attempts that follow go on from where it failed.
            step.replayed.append((self._partition, self._request))
        return step

    def _end(self, step: Step) -> Step:
        self._notify(ReplayState.END_PARTITION)
        return step

    def _notify(self, notice: ReplayState) -> None:
        self._subscription.targets.notify(Batch(self._partition, (), notice=notice))
