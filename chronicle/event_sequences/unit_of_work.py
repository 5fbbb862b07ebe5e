"""Units of work: events that are collected, and then appended together or not at all (events.md 12).

    async with store.unit_of_work() as unit:
        unit.append("account-42", FundsWithdrawn(amount=10))
        unit.append("account-43", FundsDeposited(amount=10))

The unit that was begun last is the current one of its task and of the tasks that are started from there.
`event_log.transactional` appends to the current unit; `event_log.append` never does, it goes out at once.

A kernel stores events of one sequence together. A unit with events for several sequences is one append for
each, in the order in which they were first named: see `UnitOfWork.commit`.
"""

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextvars import ContextVar
from enum import Enum
from types import TracebackType
from typing import Any, Final, Self, Unpack, overload
from uuid import UUID

from chronicle.context import Causation, current_correlation_id
from chronicle.errors import (
    AppendError,
    NoUnitOfWorkError,
    PartialCommitError,
    UnitOfWorkCompletedError,
    UnitOfWorkError,
)
from chronicle.event_sequences.batches import Batches
from chronicle.event_sequences.concurrency import ConcurrencyScope
from chronicle.event_sequences.event_for import (
    EventFor,
    StagingBatchOptions,
    StagingOptions,
    check_options,
)
from chronicle.event_sequences.requests import TRANSACTIONAL
from chronicle.event_sequences.results import AppendManyResult
from chronicle.event_sequences.staging import Staged

_log: Final = logging.getLogger(__name__)


class UnitOfWorkState(Enum):
    """Where a unit of work stands. Only an open one takes events; every other state but one is for good."""

    OPEN = "open"
    COMMITTING = "being committed"
    COMMITTED = "already committed"
    REJECTED = "already committed, and was rejected"
    """The kernel refused the events: nothing was stored."""
    COMMITTED_IN_PART = "already committed, in part"
    """The kernel refused the events for one sequence; those for sequences before it are stored."""
    FAILED = "already committed, and has failed"
    """The call failed: whether anything was stored is not known."""
    ROLLED_BACK = "already rolled back"


Callback = Callable[["UnitOfWork"], Awaitable[None] | None]


class UnitOfWork:
    """Collects events for the sequences of one event store, and appends them when it is committed.

    Get one from `store.unit_of_work()`, an async context manager that commits when its block ends and rolls
    back when it raises, or from `store.begin_unit_of_work()`, for which `commit` and `rollback` are yours
    to call.
    """

    def __init__(self, event_log: Batches, correlation_id: UUID | None = None) -> None:
        self.correlation_id: Final = correlation_id or current_correlation_id()
        """The correlation id of all events of the unit."""
        self._event_log = event_log
        self._staged: dict[str, Staged] = {}  # by event sequence, in the order of first mention
        self._state = UnitOfWorkState.OPEN
        self._events: list[tuple[EventFor, Staged]] = []
        self._callbacks: list[Callback] = []
        self._result: AppendManyResult | None = None
        self._results: dict[str, AppendManyResult] = {}
        self._outer: UnitOfWork | None = None

    @property
    def state(self) -> UnitOfWorkState:
        """Where the unit stands now."""
        return self._state

    @property
    def is_completed(self) -> bool:
        """Whether the unit was committed, with whatever result, or rolled back."""
        return self._state not in (UnitOfWorkState.OPEN, UnitOfWorkState.COMMITTING)

    @property
    def is_success(self) -> bool:
        """Whether the unit was committed and everything in it stored."""
        return self._state is UnitOfWorkState.COMMITTED

    @property
    def events(self) -> tuple[EventFor, ...]:
        """What was added so far, in that order."""
        return tuple(event for event, _ in self._events)

    @property
    def result(self) -> AppendManyResult | None:
        """What the kernel said to the commit; None before, and when it said nothing."""
        return self._result

    @property
    def results(self) -> Mapping[str, AppendManyResult]:
        """What the kernel said, by event sequence; without those that it was not asked for."""
        return dict(self._results)

    @property
    def last_sequence_number(self) -> int | None:
        """The number of the event that was added last; None before the commit, and if it was not stored."""
        numbers = self._result.sequence_numbers if self._result is not None else ()
        return numbers[-1] if numbers else None

    def append(self, event_source_id: str, event: object, **options: Unpack[StagingOptions]) -> None:
        """Adds an event for the event log. Nothing is sent before the commit.

        Of several scopes that are given so for an event source the last one counts; one that checks nothing
        takes none away.

        Raises `UnitOfWorkCompletedError`; `ConcurrencyScopeError` for a scope of another event source; for
        an event that cannot be appended, the same as `EventSequence.append`. What raises adds nothing.
        """
        self._add(self._event_log, event_source_id, [event], **options)

    @overload
    def append_many(
        self, event_source_id: str, events: Iterable[object], /, **options: Unpack[StagingOptions]
    ) -> None: ...

    @overload
    def append_many(self, events: Iterable[EventFor], /, **options: Unpack[StagingBatchOptions]) -> None: ...

    def append_many(self, first: Any, second: Any = None, /, **options: Any) -> None:
        """Adds events for the event log: all of them or, when it raises as `append` does, none.

        Scopes that come with events of several sources, `concurrency={"alice": scope}`, must not contradict
        each other, nor what was expected of their sources before: else `ConcurrencyScopeError`.
        """
        self._add(self._event_log, first, second, **options)

    def expect(self, event_source_id: str, scope: ConcurrencyScope) -> None:
        """Makes the commit depend on a scope of the event log, also for a source without events here.

        Raises `ConcurrencyScopeError` for a blank id, and for a scope of another event source.
        """
        self._expect(self._event_log, event_source_id, scope)

    def on_completed(self, callback: Callback) -> None:
        """Has a function, plain or async, called with the unit when it is completed.

        Functions are called in the order in which they were added. What they raise is logged: the unit is
        done.
        """
        self._check_open("watch")
        self._callbacks.append(callback)

    async def commit(self) -> AppendManyResult:
        """Appends everything that was added, in that order; a unit without anything commits without a call.

        One call for each event sequence, in the order in which they were first named. The numbers of the
        result are in the order in which the events were added. When the kernel refuses one of the calls those
        after it are not made; what earlier calls have stored stays.

        The unit is completed whatever happens. Raises `UnitOfWorkCompletedError` if it was before,
        `PartialCommitError` when some sequences are stored and one was refused, otherwise as
        `EventSequence.append_many` does. (EventSequences/AppendMany)
        """
        result = await self.try_commit()
        try:
            result.raise_for_failure()
        except AppendError as error:
            if self._state is not UnitOfWorkState.COMMITTED_IN_PART:
                raise
            stored = [each for each, done in self._results.items() if done.sequence_numbers]
            raise PartialCommitError(stored, list(self._results)[-1]) from error
        return result

    async def try_commit(self) -> AppendManyResult:
        """Commits; a refusal by the kernel is in the result. Otherwise as `commit`."""
        self._check_open("commit")
        self._state = UnitOfWorkState.COMMITTING
        outcome = UnitOfWorkState.FAILED
        try:
            telemetry = self._event_log.store.calls.telemetry
            sending = self._send() if telemetry is None else telemetry.commit(self.correlation_id, self._send)
            result = self._result = await sending
            outcome = self._outcome(result)
        finally:
            await self._complete(outcome)
        return result

    async def rollback(self) -> None:
        """Forgets everything that was added.

        Raises `UnitOfWorkCompletedError` if the unit was completed before.
        """
        self._check_open("roll back")
        telemetry = self._event_log.store.calls.telemetry
        if telemetry is not None:
            telemetry.rolled_back(self.correlation_id)
        await self._complete(UnitOfWorkState.ROLLED_BACK)

    async def close(self) -> None:
        """Rolls back, unless the unit was completed before."""
        if self._state is UnitOfWorkState.OPEN:
            await self.rollback()

    async def __aenter__(self) -> Self:
        self._check_open("enter")
        self.make_current()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            await self.close()
        elif self._state is UnitOfWorkState.OPEN:
            await self.commit()

    def make_current(self) -> None:
        """Makes this unit the current one here; when it is completed, the present one will be again."""
        if _current.get() is not self:
            self._outer = _find_open(_current.get())
            _current.set(self)

    def _add(self, batches: Batches, first: Any, second: Any, **options: Any) -> None:
        self._check_open("add to")
        check_options("An append in a unit of work", options, StagingOptions)
        staged = self._staged_for(batches)
        added = staged.add(first, second, **options)
        self._staged[batches.sequence_id] = staged
        self._events += [(event, staged) for event in added]

    def _expect(self, batches: Batches, event_source_id: str, scope: ConcurrencyScope) -> None:
        self._check_open("expect something of")
        staged = self._staged_for(batches)
        staged.expect(event_source_id, scope)
        self._staged[batches.sequence_id] = staged

    def _staged_for(self, batches: Batches) -> Staged:
        """What is staged for a sequence; not kept before something was: what is refused leaves no trace."""
        if batches.store is not self._event_log.store:
            own, other = self._event_log.store, batches.store
            raise UnitOfWorkError(
                f"This unit of work is for the event store '{own.event_store}' in namespace "
                f"'{own.namespace}', and takes nothing for '{other.event_store}' in '{other.namespace}'. "
                "Begin a unit for each."
            )
        return self._staged.get(batches.sequence_id) or Staged(batches)

    async def _send(self) -> AppendManyResult:
        for sequence_id, staged in self._staged.items():
            reason = Causation(TRANSACTIONAL, {"eventSequenceId": sequence_id})
            result = self._results[sequence_id] = await staged.send(self.correlation_id, reason)
            if not result.is_success or len(self._staged) == 1:
                return result
        numbers = {
            staged: iter(self._results[each].sequence_numbers) for each, staged in self._staged.items()
        }
        in_order = tuple(next(numbers[staged]) for _, staged in self._events)
        return AppendManyResult(self.correlation_id, sequence_numbers=in_order)

    def _outcome(self, result: AppendManyResult) -> UnitOfWorkState:
        if result.is_success:
            return UnitOfWorkState.COMMITTED
        in_part = any(each.sequence_numbers for each in self._results.values())
        return UnitOfWorkState.COMMITTED_IN_PART if in_part else UnitOfWorkState.REJECTED

    async def _complete(self, state: UnitOfWorkState) -> None:
        self._state = state
        if _current.get() is self:
            _current.set(self._outer)
        for callback in self._callbacks:
            try:
                outcome = callback(self)
                if inspect.isawaitable(outcome):
                    await outcome
            except Exception:
                _log.exception("A callback of a unit of work that is %s has failed.", state.value)

    def _check_open(self, what: str) -> None:
        if self._state is not UnitOfWorkState.OPEN:
            raise UnitOfWorkCompletedError(
                f"You cannot {what} this unit of work: it is {self._state.value}. Begin a new one."
            )


class TransactionalEventSequence:
    """An event sequence that appends to the current unit of work: nothing is sent before that commits.

    Its methods raise `NoUnitOfWorkError` when there is no current unit, otherwise as `UnitOfWork.append`
    does.
    """

    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    def append(self, event_source_id: str, event: object, **options: Unpack[StagingOptions]) -> None:
        """Adds an event to the current unit of work."""
        current_unit_of_work()._add(self._batches, event_source_id, [event], **options)

    @overload
    def append_many(
        self, event_source_id: str, events: Iterable[object], /, **options: Unpack[StagingOptions]
    ) -> None: ...

    @overload
    def append_many(self, events: Iterable[EventFor], /, **options: Unpack[StagingBatchOptions]) -> None: ...

    def append_many(self, first: Any, second: Any = None, /, **options: Any) -> None:
        """Adds events to the current unit of work, all or none."""
        current_unit_of_work()._add(self._batches, first, second, **options)

    def expect(self, event_source_id: str, scope: ConcurrencyScope) -> None:
        """Makes the commit of the current unit of work depend on a scope of this sequence."""
        current_unit_of_work()._expect(self._batches, event_source_id, scope)

    def unit_of_work(self, correlation_id: UUID | None = None) -> UnitOfWork:
        """A new unit of work, not current yet; its own `append` adds for this sequence."""
        return UnitOfWork(self._batches, correlation_id)


_current: Final[ContextVar[UnitOfWork | None]] = ContextVar("chronicle_unit_of_work", default=None)


def current_unit_of_work() -> UnitOfWork:
    """The open unit of work that was begun last, here or where this task was started.

    Raises `NoUnitOfWorkError` when there is none.
    """
    unit = _find_open(_current.get())
    if unit is None:
        raise NoUnitOfWorkError(
            "There is no current unit of work. Begin one: `async with store.unit_of_work() as unit:`."
        )
    return unit


def has_current_unit_of_work() -> bool:
    """Whether there is an open unit of work."""
    return _find_open(_current.get()) is not None


def _find_open(unit: UnitOfWork | None) -> UnitOfWork | None:
    # A unit may have been completed in another task, whose context variables are not ours.
    while unit is not None and unit.is_completed:
        unit = unit._outer
    return unit
