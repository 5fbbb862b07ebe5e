"""What an outcome means for the position of an observer (observation.md 3.1 and 3.2)."""

import traceback
from typing import NamedTuple

from chronicle.kernel.observation.failures import Attempt
from chronicle.kernel.observation.subscriber import Batch, ObservationState, Outcome
from chronicle.values import now_ticks


class Verdict(NamedTuple):
    """What became of a batch that was answered."""

    handled_to: int | None
    """The last number that was handled; `None` for none."""
    handled: int
    """How many events were handled."""
    failed_at: int | None
    """Where a failed partition resumes; `None` when nothing failed."""
    is_settled: bool
    """Whether nothing of the batch is left."""


def judge(batch: Batch, outcome: Outcome, *, is_live: bool) -> Verdict | None:
    """The verdict on a batch; `None` when nobody answered it.

    A last successful number outside the batch counts as none: taken at its word it would lose events.
    """
    state = outcome.state
    if state is ObservationState.DISCONNECTED:
        return None
    events = batch.events
    last = events[-1].number
    if outcome.last_successful == last and state is ObservationState.SUCCESS:
        return Verdict(last, len(events), None, True)
    if state is ObservationState.NONE and not is_live:
        return Verdict(None, 0, None, False)
    handled_to = outcome.last_successful if events[0].number <= outcome.last_successful <= last else None
    handled = 0 if handled_to is None else sum(event.number <= handled_to for event in events)
    if state is ObservationState.FAILED:
        return Verdict(handled_to, handled, _resumes_at(batch, handled_to, is_live), False)
    return Verdict(handled_to, handled, None, handled_to == last)


def _resumes_at(batch: Batch, handled_to: int | None, is_live: bool) -> int:
    if handled_to is None:
        return batch.events[0].number
    if is_live:
        # The real kernel hands the last successful event of a live batch out again (observation.md 13).
        return handled_to
    return next((event.number for event in batch.events if event.number > handled_to), handled_to + 1)


def attempt(outcome: Outcome, sequence_number: int) -> Attempt:
    """The record of a failure that happened now."""
    return Attempt(now_ticks(), sequence_number, tuple(outcome.messages), outcome.stack_trace)


def raised(error: BaseException) -> Outcome:
    """The outcome of a delivery that raised: nothing handled, and the messages of the whole chain."""
    messages = []
    cause: BaseException | None = error
    while cause is not None:
        messages.append(str(cause) or type(cause).__name__)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return Outcome(
        ObservationState.FAILED, messages=messages, stack_trace="".join(traceback.format_exception(error))
    )
