"""Units of work: events that are collected, and then appended together or not at all (events.md 12).

    async with store.unit_of_work() as unit:
        unit.append("account-42", FundsWithdrawn(amount=10))
        unit.append("account-43", FundsDeposited(amount=10))

The unit that was begun last is the current one of its task and of the tasks that are started from there.
`event_log.transactional` appends to the current unit; `event_log.append` never does, it goes out at once.
"""

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from enum import Enum
from types import TracebackType
from typing import Any, Final, Self, Unpack, overload
from uuid import UUID

from chronicle.context import Causation, current_correlation_id
from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.errors import NoUnitOfWorkError, UnitOfWorkCompletedError, UnitOfWorkError
from chronicle.event_sequences.batches import Batches, batch_of
from chronicle.event_sequences.concurrency import NO_CONCURRENCY_CHECK, ConcurrencyScope
from chronicle.event_sequences.event_for import EventFor, StagingOptions
from chronicle.event_sequences.requests import TRANSACTIONAL
from chronicle.event_sequences.results import AppendManyResult

_log: Final = logging.getLogger(__name__)


class UnitOfWorkState(Enum):
    """Where a unit of work stands. Only an open one takes events; every other state but one is for good."""

    OPEN = "open"
    COMMITTING = "being committed"
    COMMITTED = "already committed"
    REJECTED = "already committed, and was rejected"
    """The kernel refused the events: nothing was stored."""
    FAILED = "already committed, and has failed"
    """The call failed: whether anything was stored is not known."""
    ROLLED_BACK = "already rolled back"


Callback = Callable[["UnitOfWork"], Awaitable[None] | None]


class UnitOfWork:
    """Collects events for one event sequence and appends them with one call.

    Get one from `store.unit_of_work()`, an async context manager that commits when its block ends and rolls
    back when it raises, or from `store.begin_unit_of_work()`, for which `commit` and `rollback` are yours
    to call.
    """

    def __init__(self, event_log: Batches, correlation_id: UUID | None = None) -> None:
        self.correlation_id: Final = correlation_id or current_correlation_id()
        """The correlation id of all events of the unit."""
        self._event_log = event_log
        self._batches: Batches | None = None  # of the sequence that the unit is for, once it has events
        self._state = UnitOfWorkState.OPEN
        self._events: list[EventFor] = []
        self._written: list[pb.EventToAppend] = []
        self._scopes: dict[str, ConcurrencyScope] = {}
        self._callbacks: list[Callback] = []
        self._result: AppendManyResult | None = None
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
        return tuple(self._events)

    @property
    def result(self) -> AppendManyResult | None:
        """What the kernel said to the commit; None before, and when it said nothing."""
        return self._result

    def append(self, event_source_id: str, event: object, **options: Unpack[StagingOptions]) -> None:
        """Adds an event for the event log. Nothing is sent before the commit.

        Raises `UnitOfWorkCompletedError`; `UnitOfWorkError` when the unit has events for another sequence;
        for an event that cannot be appended, the same as `EventSequence.append`. What raises adds nothing.
        """
        self._add(self._event_log, event_source_id, [event], options)

    @overload
    def append_many(
        self, event_source_id: str, events: Iterable[object], /, **options: Unpack[StagingOptions]
    ) -> None: ...

    @overload
    def append_many(self, events: Iterable[EventFor], /) -> None: ...

    def append_many(self, first: Any, second: Any = None, /, **options: Unpack[StagingOptions]) -> None:
        """Adds events for the event log: all of them or, when it raises as `append` does, none."""
        self._add(self._event_log, first, second, options)

    def expect(self, event_source_id: str, scope: ConcurrencyScope) -> None:
        """Makes the commit depend on a scope, also for an event source that the unit adds nothing for."""
        self._check_open("expect something of")
        # A scope that checks nothing never takes away one that does.
        if scope != NO_CONCURRENCY_CHECK:
            self._scopes[event_source_id] = scope

    def on_completed(self, callback: Callback) -> None:
        """Has a function, plain or async, called with the unit when it is completed.

        Functions are called in the order in which they were added. What they raise is logged: the unit is
        done.
        """
        self._check_open("watch")
        self._callbacks.append(callback)

    async def commit(self) -> AppendManyResult:
        """Appends everything that was added, in that order; a unit without events commits without a call.

        The unit is completed whatever happens. Raises `UnitOfWorkCompletedError` if it was before,
        otherwise as `EventSequence.append_many` does. (EventSequences/AppendMany)
        """
        result = await self.try_commit()
        result.raise_for_failure()
        return result

    async def try_commit(self) -> AppendManyResult:
        """Commits; a refusal by the kernel is in the result. Otherwise as `commit`."""
        self._check_open("commit")
        self._state = UnitOfWorkState.COMMITTING
        outcome = UnitOfWorkState.FAILED
        try:
            result = self._result = await self._send()
            outcome = UnitOfWorkState.COMMITTED if result.is_success else UnitOfWorkState.REJECTED
        finally:
            await self._complete(outcome)
        return result

    async def rollback(self) -> None:
        """Forgets everything that was added.

        Raises `UnitOfWorkCompletedError` if the unit was completed before.
        """
        self._check_open("roll back")
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

    def _add(
        self,
        batches: Batches,
        first: str | Iterable[EventFor],
        second: Iterable[object] | None,
        options: StagingOptions,
    ) -> None:
        self._check_open("add to")
        if self._batches is not None and self._batches is not batches:
            raise UnitOfWorkError(
                f"This unit of work has events for the sequence '{self._batches.sequence_id}' and takes none "
                f"for '{batches.sequence_id}'. Begin a unit for each."
            )
        scope = options.pop("concurrency", None) or NO_CONCURRENCY_CHECK
        events = batch_of(first, second, options)
        # Written before anything is kept: an event that cannot be leaves the unit as it was.
        self._written += batches.write(events)
        self._events += events
        self._batches = batches
        for event in events:
            self.expect(event.event_source_id, scope)

    async def _send(self) -> AppendManyResult:
        if self._batches is None:
            return AppendManyResult(self.correlation_id)
        reason = Causation(TRANSACTIONAL, {"eventSequenceId": self._batches.sequence_id})
        return await self._batches.send(self._written, self.correlation_id, self._scopes, reason)

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
        current_unit_of_work()._add(self._batches, event_source_id, [event], options)

    @overload
    def append_many(
        self, event_source_id: str, events: Iterable[object], /, **options: Unpack[StagingOptions]
    ) -> None: ...

    @overload
    def append_many(self, events: Iterable[EventFor], /) -> None: ...

    def append_many(self, first: Any, second: Any = None, /, **options: Unpack[StagingOptions]) -> None:
        """Adds events to the current unit of work, all or none."""
        current_unit_of_work()._add(self._batches, first, second, options)

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
