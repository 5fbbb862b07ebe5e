"""The write job of appends: what is checked against the log, and how events get their place (events.md 4.2).

Appends that wait together are checked and numbered in order inside one job. It touches nothing but the
database, so it can run again when its transaction is rolled back (see `storage.writer`).
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import NamedTuple

from chronicle.kernel import constraints
from chronicle.kernel.constraints import BatchClaims, Claims, ConstraintViolation, Ledger
from chronicle.kernel.identities import IdentityChain
from chronicle.kernel.sequences.concurrency import ConcurrencyScope, ConcurrencyViolation, violation_of
from chronicle.kernel.sequences.events import EventToAppend
from chronicle.kernel.sequences.preparation import Prepared, PreparedEvent, Refusal
from chronicle.kernel.sequences.streams import closed_stream_violations
from chronicle.kernel.storage import events
from chronicle.kernel.storage.events import GenerationalEvent, StoredEvent


class Append(NamedTuple):
    """Events that are appended together or not at all."""

    events: Sequence[EventToAppend]
    caused_by: IdentityChain
    scopes: Sequence[ConcurrencyScope] = ()
    alongside: Callable[[sqlite3.Connection], object] | None = None
    """What else is stored if, and only if, the events are. Part of the same write job: it may run again."""


class AppendOutcome(NamedTuple):
    """What became of an append: its events as stored, or why there are none."""

    events: Sequence[StoredEvent] = ()
    constraint_violations: Sequence[ConstraintViolation] = ()
    concurrency_violations: Sequence[ConcurrencyViolation] = ()
    errors: Sequence[str] = ()
    was_compared: bool = False
    """Whether it came as far as the scopes, so that errors are of what comes after them."""
    failure: Exception | None = None
    """What kept it from being stored, such as a full disk, when it was not refused: it may be tried again."""

    @property
    def is_success(self) -> bool:
        """Whether nothing stood in the way; an append without events succeeds without any."""
        return not (self.constraint_violations or self.concurrency_violations or self.errors)


class PreparedAppend(NamedTuple):
    """An append whose events are prepared, and what they claim under the constraints."""

    append: Append
    events: Sequence[Prepared]
    claims: Sequence[Claims]
    """Those of each event; empty when none has any."""


def refusal_of(events: Sequence[Prepared]) -> AppendOutcome | None:
    """The outcome, when there are only events that cannot be appended whatever is in the log."""
    refused = [event for event in events if isinstance(event, Refusal)]
    return _refused(refused) if refused and len(refused) == len(events) else None


IdentitiesOf = Callable[[sqlite3.Connection, IdentityChain], str]
"""Gives the JSON array of identity ids of a chain, and stores the identities that are new."""


class AppendJob:
    """Checks and stores appends in their order, with consecutive numbers; a rejected one takes no number."""

    def __init__(
        self,
        sequence: int,
        appends: Sequence[PreparedAppend],
        identities_of: IdentitiesOf,
        next_number: int | None,
    ) -> None:
        self._sequence = sequence
        self._appends = appends
        self._identities_of = identities_of
        self._next_number = next_number
        """The first number, when whoever submits the job knows it."""

    def __call__(self, connection: sqlite3.Connection) -> list[AppendOutcome]:
        """The outcomes, in the order of the appends."""
        next_number = self._next_number
        if next_number is None:
            next_number = following(events.tail(connection, self._sequence))
        return _Run(connection, self._sequence, self._identities_of, next_number).outcomes(self._appends)


class _Run:
    """One run of the job: the number that comes next, and what is numbered but not in the table yet."""

    def __init__(
        self, connection: sqlite3.Connection, sequence: int, identities_of: IdentitiesOf, next_number: int
    ) -> None:
        self._connection = connection
        self._sequence = sequence
        self._identities_of = identities_of
        self._next_number = next_number
        self._numbered: list[StoredEvent] = []
        self._ledger = Ledger(connection, sequence)

    def outcomes(self, appends: Sequence[PreparedAppend]) -> list[AppendOutcome]:
        claims = [claim for append in appends for of_event in append.claims for claim in of_event]
        if claims:
            constraints.look_up(self._ledger, claims)
        outcomes = [self._append(append) for append in appends]
        self._store()
        self._ledger.holders.write()
        return outcomes

    def _append(self, prepared: PreparedAppend) -> AppendOutcome:
        append = prepared.append
        if append.scopes and any(map(self._may_be_about_pending, append.scopes)):
            # What this append must be compared with has to be in the table first.
            self._store()
        refused = self._refused_by_log(prepared)
        if refused is not None:
            return refused
        stale = [v for scope in append.scopes if (v := violation_of(self._connection, self._sequence, scope))]
        if stale:
            return AppendOutcome(concurrency_violations=stale)
        try:
            caused_by = self._identities_of(self._connection, append.caused_by)
        except ValueError as error:
            return AppendOutcome(errors=[str(error)], was_compared=True)
        failures = [
            event.failure for event in prepared.events if isinstance(event, PreparedEvent) and event.failure
        ]
        if failures:
            return AppendOutcome(errors=failures, was_compared=True)
        if append.alongside is not None:
            append.alongside(self._connection)
        return self._number(prepared, caused_by)

    def _refused_by_log(self, prepared: PreparedAppend) -> AppendOutcome | None:
        """All that is wrong with any event, in their order (events.md 4.4)."""
        closed = closed_stream_violations(self._connection, self._sequence, prepared.append.events)
        if not (closed or prepared.claims or Refusal in map(type, prepared.events)):
            return None
        batch: BatchClaims = {}
        refusals = []
        for index, event in enumerate(prepared.events):
            if isinstance(event, Refusal):
                refusals.append(event)
                continue
            violations = [closed[index]] if index in closed else []
            if prepared.claims:
                violations += constraints.check(self._ledger, prepared.claims[index], batch, self._store)
            refusals.append(Refusal(violations))
        outcome = _refused(refusals)
        return None if outcome.is_success else outcome

    def _number(self, prepared: PreparedAppend, caused_by: str) -> AppendOutcome:
        numbered = [
            _numbered(event, number, caused_by)
            for number, event in enumerate(prepared.events, self._next_number)
            if isinstance(event, PreparedEvent)
        ]
        for event, claims in zip(numbered, prepared.claims, strict=False):
            constraints.apply(self._ledger, claims, event.number)
        self._next_number += len(numbered)
        self._numbered += numbered
        return AppendOutcome(numbered)

    def _may_be_about_pending(self, scope: ConcurrencyScope) -> bool:
        """Whether a scope may select events that are not in the table yet; most look at one source."""
        source = scope.narrowing.event_source_id
        return source is None or source in [event.event_source_id for event in self._numbered]

    def _store(self) -> None:
        if self._numbered:
            events.insert(self._connection, self._sequence, self._numbered)
            self._numbered = []


def _numbered(prepared: PreparedEvent, number: int, caused_by: str) -> StoredEvent:
    event = prepared.event
    stored = StoredEvent(number, *event[:9], caused_by, *event[9:], prepared.hash)
    return GenerationalEvent.of(stored, prepared.others) if prepared.others else stored


def _refused(refusals: Sequence[Refusal]) -> AppendOutcome:
    return AppendOutcome(
        constraint_violations=[violation for refusal in refusals for violation in refusal.violations],
        errors=[error for refusal in refusals for error in refusal.errors],
    )


def following(tail: int | None) -> int:
    """The number that comes after the tail of a sequence."""
    return 0 if tail is None else tail + 1
