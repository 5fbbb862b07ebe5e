"""An event sequence of one namespace: appends in order, reads, and the pages that observers live on."""

import asyncio
import sqlite3
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple, Protocol

from chronicle.errors import NotRunningError
from chronicle.kernel.compliance import Compliance
from chronicle.kernel.constraints import Claims, Constraints
from chronicle.kernel.identities import IdentityChain
from chronicle.kernel.sequences.appending import (
    Append,
    AppendJob,
    AppendOutcome,
    PreparedAppend,
    following,
    refusal_of,
)
from chronicle.kernel.sequences.events import EventToAppend
from chronicle.kernel.sequences.feed import Feed, Page
from chronicle.kernel.sequences.preparation import Preparation, Prepared, PreparedEvent, Unprotected
from chronicle.kernel.storage import events
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.events import EVERYTHING, EventFilter, StoredEvent


class IdentityStore(Protocol):
    """What a sequence asks about identities, from inside a write job."""

    def ids_json(self, connection: sqlite3.Connection, chain: IdentityChain) -> str:
        """The JSON array of the chain's identity ids; raises `ValueError` for a link without a user name."""
        ...


class _Waiting(NamedTuple):
    append: Append
    prepared: Sequence[Prepared]
    future: asyncio.Future[AppendOutcome]


class EventSequence:
    """One sequence: `(event store, namespace, name)`. There is one object per sequence in a kernel."""

    def __init__(
        self,
        database: Database,
        *,
        namespace_id: int,
        name: str,
        preparation: Preparation,
        constraints: Constraints,
        compliance: Compliance,
        identities: IdentityStore,
    ) -> None:
        self.name = name
        self._database = database
        self._namespace_id = namespace_id
        self._preparation = preparation
        self._constraints = constraints
        self._compliance = compliance
        self._identities = identities
        self._id: int | None = None
        self._feed = Feed(None)
        self._is_open = False
        self._opening = asyncio.Lock()
        self._waiting: list[_Waiting] = []
        self._writing = 0

    async def append(self, append: Append) -> AppendOutcome:
        """Appends events, all or none; returns once they are on the disk.

        What the kernel refuses is in the outcome (events.md 4.3). Raises `InvalidContent` for a content that
        is no JSON object, and then looks no further.
        """
        revision = None
        # Event types may be registered anew while a key or the sequence is made: then events are prepared as
        # the new definitions want it, because what rewrites stored events has passed already.
        while revision != self._preparation.revision:
            revision = self._preparation.revision
            prepared = await self._prepare(append.events)
            refusal = refusal_of(prepared)
            if refusal is not None:
                return refusal
            if self._id is None:
                await self._create()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[AppendOutcome] = loop.create_future()
        self._waiting.append(_Waiting(append, prepared, future))
        if not self._writing:
            # Nobody to wait for: a turn of the loop is time that a single append can save.
            self._write()
        elif len(self._waiting) == 1:
            # Whoever else appends in this turn of the loop goes into the same job.
            loop.call_soon(self._write)
        return await future

    async def read(
        self, narrowing: EventFilter = EVERYTHING, *, first: int = 0, last: int | None = None, limit: int = -1
    ) -> Sequence[StoredEvent]:
        """Events that match, ascending, `first` and `last` included (events.md 9.1, 9.2)."""
        await self._open()
        if self._id is None or self._feed.tail is None or first > self._feed.tail:
            return ()
        return await self._database.read(
            partial(events.read, sequence=self._id, narrowing=narrowing, first=first, last=last, limit=limit)
        )

    async def tail(self, narrowing: EventFilter = EVERYTHING) -> int | None:
        """The highest number that matches; `None` when nothing does (events.md 9.3)."""
        await self._open()
        if narrowing == EVERYTHING or self._id is None:
            return self._feed.tail
        return await self._database.read(partial(events.tail, sequence=self._id, narrowing=narrowing))

    async def has_events_for(self, event_source_id: str) -> bool:
        """Whether the source has any event (events.md 9.4)."""
        await self._open()
        if self._id is None:
            return False
        return await self._database.read(
            partial(events.has_events_of_source, sequence=self._id, event_source_id=event_source_id)
        )

    async def page(self, first: int, event_types: frozenset[str], limit: int) -> Page:
        """Up to `limit` events of these types from `first` on.

        They come from memory when they are recent, else from the database.
        """
        await self._open()
        page = self._feed.page(first, event_types, limit)
        if page is not None:
            return page
        tail = self._feed.tail
        assert tail is not None, "the feed answers for an empty sequence"
        found = await self.read(
            EventFilter(event_types=tuple(sorted(event_types))), first=first, last=tail, limit=limit
        )
        return Page(found, found[-1].number + 1 if len(found) == limit else tail + 1)

    async def wait_for(self, number: int) -> None:
        """Returns when an event with this number, or a higher one, was committed."""
        await self._open()
        await self._feed.wait_for(number)

    def forget_events(self) -> None:
        """Lets go of the events in memory, some of which are otherwise in the database now."""
        self._feed.forget()

    async def _prepare(self, events: Sequence[EventToAppend]) -> Sequence[Prepared]:
        # A loop, as a comprehension that may await costs more than preparing an event does.
        prepared: list[Prepared] = []
        for event in map(self._preparation.prepare, events):
            if isinstance(event, Unprotected):
                prepared.append(await self._preparation.protect(event, self._compliance))
            else:
                prepared.append(event)
        return prepared

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            # An append that came after the last write had ended took them along.
            return
        # With no write under way memory knows the tail, and the job need not ask for it.
        next_number = None if self._writing else following(self._feed.tail)
        self._writing += 1
        assert self._id is not None, "an append opens the sequence first"
        # Claims are made in the very turn in which their job is submitted: constraints rely on it.
        appends = [
            PreparedAppend(append, prepared, self._claims(prepared)) for append, prepared, _ in waiting
        ]
        job = AppendJob(self._id, appends, self._identities.ids_json, next_number)
        try:
            self._database.write_then(job, partial(self._settle, waiting))
        except NotRunningError as error:
            # Raised from a callback of the loop it would reach nobody, and the appenders would wait for ever.
            self._writing -= 1
            for *_, future in waiting:
                if not future.done():
                    future.set_exception(error)

    def _claims(self, prepared: Sequence[Prepared]) -> Sequence[Claims]:
        concern = self._constraints.concern
        claims = [
            self._constraints.claims(one.event, one.readable)
            if isinstance(one, PreparedEvent) and concern(one.event.event_type)
            else ()
            for one in prepared
        ]
        return claims if any(claims) else ()

    def _settle(
        self, waiting: list[_Waiting], outcomes: list[AppendOutcome] | None, error: Exception | None
    ) -> None:
        self._writing -= 1
        if outcomes is None:
            failed = AppendOutcome(errors=[f"{type(error).__name__}: {error}"], failure=error)
            outcomes = [failed] * len(waiting)
        # Observers hear of an event before its appender does: then waiting for them after an append is
        # possible.
        self._feed.add([event for outcome in outcomes for event in outcome.events])
        for (_, _, future), outcome in zip(waiting, outcomes, strict=True):
            if not future.done():
                future.set_result(outcome)

    async def _open(self) -> None:
        """Finds out where the sequence stands; does not create it."""
        if not self._is_open:
            async with self._opening:
                if not self._is_open:
                    self._id, tail = await self._database.read(self._find)
                    self._feed = Feed(tail)
                    self._is_open = True

    def _find(self, connection: sqlite3.Connection) -> tuple[int | None, int | None]:
        found = events.find_sequence(connection, self._namespace_id, self.name)
        return found, None if found is None else events.tail(connection, found)

    async def _create(self) -> None:
        await self._open()
        async with self._opening:
            if self._id is None:
                self._id = await self._database.write(
                    partial(events.ensure_sequence, namespace_id=self._namespace_id, name=self.name)
                )
