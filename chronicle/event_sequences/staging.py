"""What a unit of work keeps for one event sequence until it commits (events.md 12)."""

from collections.abc import Iterable, Mapping
from typing import Any, cast
from uuid import UUID

from chronicle.context import Causation
from chronicle.errors import ConcurrencyScopeError
from chronicle.event_sequences.batches import Batches, WrittenEvent, agreed_causation, batch_of
from chronicle.event_sequences.concurrency import (
    NO_CONCURRENCY_CHECK,
    ConcurrencyScope,
    Scopes,
    agree,
    check_label,
    scopes_by_source,
)
from chronicle.event_sequences.event_for import EventFor, EventOptions
from chronicle.event_sequences.results import AppendManyResult


class Staged:
    """The events for one sequence in their order, and what is expected of it, by event source id."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._written: list[WrittenEvent] = []
        self._scopes: dict[str, ConcurrencyScope] = {}

    def add(
        self,
        first: str | Iterable[EventFor],
        second: Iterable[object] | None,
        *,
        concurrency: Scopes = None,
        **options: Any,
    ) -> list[EventFor]:
        """Adds events, in either form of `batch_of`, and returns them; what raises adds nothing."""
        names_sources = second is None
        more_tags = options.pop("tags", ()) if names_sources else ()
        written = self._batches.write(batch_of(first, second, cast("EventOptions", options)), more_tags)
        events = [each.event for each in written]
        agreed_causation(each.event for each in (*self._written, *written))
        scopes = scopes_by_source(concurrency, [event.event_source_id for event in events])
        if names_sources:
            self._check_agreement(scopes)
        self._written += written
        for event_source_id, scope in scopes.items():
            self._take(event_source_id, scope)
        return events

    def expect(self, event_source_id: str, scope: ConcurrencyScope) -> None:
        """Takes a scope for an event source. Raises `ConcurrencyScopeError` as `check_label` does."""
        check_label(event_source_id, scope)
        self._take(event_source_id, scope)

    async def send(self, correlation_id: UUID, reason: Causation) -> AppendManyResult:
        """Appends all events, if all that is expected holds."""
        return await self._batches.send(self._written, correlation_id, self._scopes, reason)

    def _take(self, event_source_id: str, scope: ConcurrencyScope) -> None:
        if scope == NO_CONCURRENCY_CHECK:
            # A scope that checks nothing never takes away one that does.
            self._scopes.setdefault(event_source_id, scope)
        else:
            self._scopes[event_source_id] = scope

    def _check_agreement(self, scopes: Mapping[str, ConcurrencyScope]) -> None:
        for event_source_id, scope in scopes.items():
            present = self._scopes.get(event_source_id, NO_CONCURRENCY_CHECK)
            if NO_CONCURRENCY_CHECK not in (present, scope) and not agree(present, scope):
                raise ConcurrencyScopeError(
                    f"The unit of work expects something else of the event source '{event_source_id}' "
                    "already. Give each source one scope, or change it with expect()."
                )
