"""The loop of a subscribed observer: one task that catches up, follows live events and recovers partitions.

`cursor` is what was looked at: every event below it was answered, left out, or belongs to a failed partition.
Recovering goes in turns with the main way and stays below the cursor; so when a failed partition has nothing
more below it, the main way can take it back with no event lost or delivered twice between the two.
Replaying a partition goes in turns with both, and ends before either goes on.
"""

import asyncio
import logging
from collections.abc import Sequence

from chronicle.errors import StorageError
from chronicle.kernel.observation import verdicts
from chronicle.kernel.observation.failures import FailedPartition
from chronicle.kernel.observation.redactions import without_foreign
from chronicle.kernel.observation.replay import PartitionReplay
from chronicle.kernel.observation.settings import ObservationSettings
from chronicle.kernel.observation.slices import Slice, cut_run, cut_spread, without_handled
from chronicle.kernel.observation.state import ObserverState, Step
from chronicle.kernel.observation.subscriber import Batch, Outcome
from chronicle.kernel.observation.subscription import Subscription
from chronicle.kernel.sequences import EventSequence, Page
from chronicle.kernel.storage.events import EventFilter, GenerationalEvent, StoredEvent, as_read

_log = logging.getLogger(__name__)


class ObserverLoop:
    """Delivers events from the observer's position on, until its subscription is closed."""

    def __init__(
        self,
        state: ObserverState,
        subscription: Subscription,
        sequence: EventSequence,
        settings: ObservationSettings,
        *,
        live_from: int,
    ) -> None:
        self._state = state
        self._subscription = subscription
        self._sequence = sequence
        self._settings = settings
        self._event_types = subscription.definition.event_type_ids
        self._live_from = live_from
        """Events with this number and higher were appended after the subscription: filters apply to them."""
        self._catch_up_to = live_from - 1
        self._cursor = state.next_number
        self._page: Sequence[StoredEvent] = ()
        self._page_end = self._cursor
        self._at = 0
        """Where in the page the next slice begins."""
        self._is_unsettled = False
        """Whether something between the observer's next number and the cursor was left out or has failed."""
        self._is_page_outdated = False
        self._resting: asyncio.Timeout | None = None

    async def run(self) -> None:
        """Runs until the subscription is closed; then everything that was handled is stored."""
        self.retry_failed()
        while self._subscription.is_open:
            has_gone_back = await self._replay_next() or await self._recover()
            if not await self._advance() and not has_gone_back:
                await self._rest()
        await self._state.flush()

    def retry_failed(self) -> None:
        """Tries all failed partitions now, whatever was planned."""
        self._state.failed.retry_all(_now())
        self.wake()

    def wake(self) -> None:
        """Makes the loop look around instead of resting."""
        if self._resting is not None and not self._resting.expired():
            self._resting.reschedule(_now())

    def forget_events(self) -> None:
        """Lets go of events that were read and not delivered yet: they may have been changed meanwhile."""
        self._is_page_outdated = True

    async def _rest(self) -> None:
        if not self._subscription.is_open or self._next_to_replay is not None:
            return
        due = self._state.failed.next_due(before=self._cursor)
        try:
            async with asyncio.timeout_at(due) as self._resting:
                await self._sequence.wait_for(self._cursor)
        except TimeoutError:
            pass
        finally:
            self._resting = None

    async def _advance(self) -> bool:
        """Delivers the next slice; returns whether there was one."""
        if self._at == len(self._page) or self._is_page_outdated:
            await self._turn_page()
            if not self._page:
                return False
        first = self._page[self._at].number
        is_live = first > self._catch_up_to
        if is_live:
            cut = cut_run(self._page, self._at)
        else:
            cut = cut_spread(
                self._page, self._at, last=self._catch_up_to, batch_size=self._settings.batch_size
            )
        self._at += cut.taken
        end = self._page[self._at].number if self._at < len(self._page) else self._page_end
        await self._handle(
            cut, end=end, is_live=is_live, is_filtered=self._is_filtered and end > self._live_from
        )
        return True

    async def _turn_page(self) -> None:
        self._is_page_outdated = False
        page = await self._sequence.page(self._cursor, self._event_types, self._settings.page_size)
        while self._is_page_outdated:
            self._is_page_outdated = False
            page = await self._sequence.page(self._cursor, self._event_types, self._settings.page_size)
        page = Page(without_foreign(page.events, self._event_types), page.next_number)
        self._page, self._page_end, self._at = page.events, page.next_number, 0
        if len(page.events) >= self._settings.behind_from:
            # Too far behind to go run by run.
            self._catch_up_to = max(self._catch_up_to, page.events[-1].number)
        if GenerationalEvent in map(type, page.events):
            # Recent ones may come as they were appended, which is for live delivery only.
            self._page = [as_read(e) if e.number <= self._catch_up_to else e for e in page.events]
        if self._is_filtered and page.events:
            let_pass = self._subscription.filters.let_pass
            self._page = [e for e in self._page if e.number < self._live_from or let_pass(e)]
        if not self._page:
            self._cursor = page.next_number
            # What is filtered out stays before the observer until a later event is delivered.
            self._is_unsettled = self._is_unsettled or bool(page.events)
            if not self._is_unsettled:
                self._state.pass_over(self._cursor)

    @property
    def _is_filtered(self) -> bool:
        return not self._subscription.filters.is_open

    async def _handle(self, cut: Slice, *, end: int, is_live: bool, is_filtered: bool) -> None:
        """Delivers a slice that ends before the number `end`, and moves the observer accordingly."""
        state = self._state
        failed = state.failed.among(batch.partition for batch in cut.batches)
        batches = [batch for batch in cut.batches if batch.partition not in failed] if failed else cut.batches
        batches = without_handled(batches, state.ahead)
        is_settled = not failed and not is_filtered
        step = Step()
        unanswered: list[Batch] = []
        handled_to: dict[str, int] = {}
        for batch, outcome in zip(batches, await self._deliver(batches), strict=True):
            verdict = verdicts.judge(batch, outcome, is_live=is_live)
            if verdict is None:
                unanswered.append(batch)
                continue
            is_settled = is_settled and verdict.is_settled
            step.handled += verdict.handled
            if verdict.handled_to is not None:
                handled_to[batch.partition] = verdict.handled_to
            if outcome.effect is not None:
                step.effects.append(outcome.effect)
            if verdict.failed_at is not None:
                attempt = verdicts.attempt(outcome, verdict.failed_at)
                step.failed.append(FailedPartition.first(batch.partition, attempt))
        if handled_to:
            step.last_handled = max(handled_to.values())
            step.next_number = step.last_handled + 1
            self._is_unsettled = False
        self._is_unsettled = self._is_unsettled or not is_settled
        if unanswered:
            self._stop_before(unanswered, step, handled_to)
        else:
            self._cursor = end
            if not self._is_unsettled:
                step.next_number = end
        await state.take(step)

    def _stop_before(self, unanswered: Sequence[Batch], step: Step, handled_to: dict[str, int]) -> None:
        """Everyone has left in the middle of a slice: notes which partitions are ahead of the others."""
        first = min(batch.events[0].number for batch in unanswered)
        step.next_number = min(step.next_number, first)
        ahead = {partition: number for partition, number in handled_to.items() if number >= first}
        if ahead:
            step.ahead = {**self._state.ahead, **ahead}
        self._subscription.close()

    async def _deliver(self, batches: Sequence[Batch]) -> Sequence[Outcome]:
        if not batches:
            return ()
        try:
            return await self._subscription.subscriber.deliver(batches)
        except Exception as error:
            _log.exception("observer '%s' could not deliver", self._state.observer_id)
            return [verdicts.raised(error)] * len(batches)

    async def _recover(self) -> bool:
        """Tries the failed partitions that are due; returns whether there were any."""
        due = self._state.failed.due(_now(), before=self._cursor)
        if not due:
            return False
        step = Step()
        batches: list[Batch] = []
        tried: list[tuple[FailedPartition, int]] = []
        for failed in due:
            if failed.partition in self._state.replays:
                await self._replay(failed.partition)
                continue
            page = await self._left_of(failed)
            if page is not None and page.events:
                batches.append(Batch(failed.partition, page.events))
                tried.append((failed, page.next_number))
            elif page is not None:
                # Nothing that is wanted was left there.
                step.recovered.append(failed)
                step.next_number = max(step.next_number, failed.sequence_number + 1)
        outcomes = await self._deliver(batches)
        for (failed, resumes_at), batch, outcome in zip(tried, batches, outcomes, strict=True):
            self._judge_recovery(failed, batch, outcome, step, resumes_at=resumes_at)
        await self._state.take(step)
        return True

    def _judge_recovery(
        self, failed: FailedPartition, batch: Batch, outcome: Outcome, step: Step, *, resumes_at: int
    ) -> None:
        verdict = verdicts.judge(batch, outcome, is_live=False)
        if verdict is None:
            self._subscription.close()
            return
        step.handled += verdict.handled
        if verdict.handled_to is not None:
            step.last_handled = max(step.last_handled or 0, verdict.handled_to)
            step.next_number = max(step.next_number, verdict.handled_to + 1)
        if outcome.effect is not None:
            step.effects.append(outcome.effect)
        if verdict.failed_at is not None:
            step.failed.append(failed.again(verdicts.attempt(outcome, verdict.failed_at)))
            return
        if resumes_at >= self._cursor:
            step.recovered.append(failed)
        else:
            step.moved.append(failed.moved_to(resumes_at))

    async def _left_of(self, failed: FailedPartition) -> Page | None:
        """The next events of a failed partition below the cursor; `None` when they cannot be read."""
        page = Page((), failed.sequence_number)
        try:
            while not page.events and page.next_number < self._cursor:
                page = await self._events_of(failed.partition, page.next_number, self._cursor - 1)
        except Exception:
            _log.exception("observer '%s' could not read a failed partition", self._state.observer_id)
            self._state.failed.retry_later(failed.partition, _now())
            return None
        return page

    async def _events_of(self, partition: str, first: int, last: int) -> Page:
        """The next events of a partition up to the number `last`."""
        limit = self._settings.batch_size
        narrowing = EventFilter(event_source_id=partition, event_types=tuple(self._event_types))
        events = await self._sequence.read(narrowing, first=first, last=last, limit=limit)
        next_number = events[-1].number + 1 if len(events) == limit else last + 1
        return Page(without_foreign(events, self._event_types), next_number)

    @property
    def _next_to_replay(self) -> str | None:
        """A partition that has to be replayed. One that has failed waits until it is due."""
        failed = self._state.failed
        return next((one for one in self._state.replays if failed.get(one) is None), None)

    async def _replay_next(self) -> bool:
        """Replays a partition; returns whether there was one."""
        partition = self._next_to_replay
        if partition is None:
            return False
        await self._replay(partition)
        return True

    async def _replay(self, partition: str) -> None:
        last = max(self._cursor - 1, self._state.ahead.get(partition, -1))
        replay = PartitionReplay(
            partition, last, state=self._state, subscription=self._subscription, deliver=self._deliver
        )
        step = await replay.run(self._events_of)
        if step is None:
            self._subscription.close()
            return
        await self._state.take(step)
        if step.effects and not self._state.replays:
            await self._forget_former_states()

    async def _forget_former_states(self) -> None:
        """A read model that was built anew may have held what is to be gone from the files."""
        try:
            await self._state.forget_former_states()
        except StorageError:
            _log.exception("former states of observer '%s' stay in the log for now", self._state.observer_id)


def _now() -> float:
    return asyncio.get_running_loop().time()
