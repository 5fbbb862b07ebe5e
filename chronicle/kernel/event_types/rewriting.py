"""Gives stored events the generations that were registered after they were appended (events.md 3.6).

As in the real kernel, those are the events of the event log of the default namespace. What is left to do is
noted in the database together with the new generation, so that a kernel that was stopped goes on.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from chronicle.kernel.completion import end
from chronicle.kernel.errors import CannotMigrate
from chronicle.kernel.event_types.event_types import EventTypes
from chronicle.kernel.event_types.migrating import Generations
from chronicle.kernel.names import key_of
from chronicle.kernel.schemas import InvalidContent, content_of, text_of
from chronicle.kernel.storage import event_stores, events, generations
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.events import EventFilter, GenerationalEvent, RevisedEvent, StoredEvent
from chronicle.kernel.storage.generations import GenerationContent, PendingRewrite
from chronicle.values import DEFAULT_NAMESPACE, EVENT_LOG

_log = logging.getLogger(__name__)

# What a job looks through and what it changes at most: some ten milliseconds, in which appends wait.
RANGE: Final = 10_000
MOST_CHANGED: Final = 200

_DEFAULT: Final = key_of(DEFAULT_NAMESPACE)


class _Rewritten(NamedTuple):
    """What one job has done."""

    changed: int
    failed: list[int]
    is_over: bool


class Rewriting:
    """The rewriting of one event store's events, a few at a time, while appends go on in between."""

    def __init__(
        self,
        database: Database,
        event_types: EventTypes,
        *,
        event_store_id: int,
        rewritten: Callable[[], None] = lambda: None,
    ) -> None:
        """`rewritten` is called after events of the event log were changed."""
        self._database = database
        self._event_types = event_types
        self._event_store_id = event_store_id
        self._rewritten = rewritten
        self._task: asyncio.Task[None] | None = None
        self._is_asked = False
        self._is_closed = False

    def start(self) -> None:
        """Does what was noted, in the background; while it is at that, it looks once more at the end."""
        self._is_asked = True
        if not self._is_closed and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._run(), name="chronicle-rewriting")

    async def finished(self) -> None:
        """Returns when there is nothing left to do."""
        if self._task is not None:
            await asyncio.wait((self._task,))

    async def close(self) -> None:
        """Stops after what is being written at the moment; the next start goes on from there."""
        self._is_closed = True
        await end(self._task)

    async def _run(self) -> None:
        while self._is_asked:
            self._is_asked = False
            pending = await self._database.read(
                partial(generations.pending_rewrites, event_store_id=self._event_store_id)
            )
            for event_type, _ in pending:
                try:
                    await self._rewrite(event_type)
                except Exception:
                    # What is left stays noted, and the next start tries again.
                    _log.exception("events of type '%s' could not be given their new generation", event_type)

    async def _rewrite(self, event_type: str) -> None:
        failed: list[int] = []
        definition, migrating = None, None
        is_over = False
        while not is_over:
            # While a registration is under way, memory and database may not agree on what there is.
            async with self._event_types.registering:
                current = self._event_types.protecting(event_type)
                if current is not definition or migrating is None:
                    definition, migrating = current, Generations(current)
                job = partial(self._rewrite_next, event_type=event_type, migrating=migrating)
                changed, failures, is_over = await self._database.write(job)
            failed += failures
            if changed:
                self._rewritten()
        if failed:
            # Not why: that may quote what they say.
            _log.warning(
                "%d events of type '%s' stay in their generation, for they do not go through the migration. "
                "The first is number %d",
                len(failed),
                event_type,
                failed[0],
            )

    def _rewrite_next(
        self, connection: sqlite3.Connection, event_type: str, migrating: Generations
    ) -> _Rewritten:
        """Rewrites the next events; runs in a write job, so that nobody else changes them meanwhile."""
        first = generations.next_number(connection, self._event_store_id, event_type)
        sequence = self._event_log(connection)
        if first is None or sequence is None:
            generations.end_rewrite(connection, self._event_store_id, event_type)
            return _Rewritten(0, [], is_over=True)
        of_type = EventFilter(event_types=(event_type,))
        found = events.read(
            connection, sequence, of_type, first=first, last=first + RANGE - 1, limit=MOST_CHANGED
        )
        changed = 0
        failed: list[int] = []
        for event in found:
            try:
                changed += _rewrite(connection, sequence, event, migrating)
            except (CannotMigrate, InvalidContent):
                failed.append(event.number)
        next_number = found[-1].number + 1 if len(found) == MOST_CHANGED else first + RANGE
        tail = events.tail(connection, sequence)
        is_over = tail is None or next_number > tail
        if is_over:
            generations.end_rewrite(connection, self._event_store_id, event_type)
        else:
            pending = PendingRewrite(event_type, next_number)
            generations.move_rewrite(connection, self._event_store_id, pending)
        return _Rewritten(changed, failed, is_over)

    def _event_log(self, connection: sqlite3.Connection) -> int | None:
        for namespace in event_stores.namespaces(connection):
            if namespace.event_store_id == self._event_store_id and key_of(namespace.name) == _DEFAULT:
                return events.find_sequence(connection, namespace.id, EVENT_LOG)
        return None


def _rewrite(
    connection: sqlite3.Connection, sequence: int, event: StoredEvent, migrating: Generations
) -> bool:
    """Stores what an event lacks; returns whether there was anything. What it has stays as it was."""
    stored = _stored_generations(event)
    # A revised event is migrated as it is read.
    contents = migrating.contents(event.generation, content_of(event.content))
    lacking = [
        GenerationContent(generation, text_of(content), "")
        for generation, content in sorted(contents.items())
        if generation not in stored
    ]
    if lacking and lacking[-1].generation > max(stored):
        generations.raise_to(connection, sequence, event.number, lacking[-1])
        generations.add(connection, sequence, [(event.number, one) for one in lacking[:-1]])
    else:
        generations.add(connection, sequence, [(event.number, one) for one in lacking])
    return bool(lacking)


def _stored_generations(event: StoredEvent) -> set[int]:
    """Those of the event itself: a revision is kept beside them."""
    if not isinstance(event, GenerationalEvent):
        return {event.generation}
    others = {other.generation for other in event.others}
    return others if isinstance(event, RevisedEvent) else {event.generation, *others}
