"""Forwards the outbox of one namespace to an inbox, each event once and in order (observation.md 10).

It is an observer of the outbox, so its position is kept like any other. It also moves in the very transaction
that appends to the inbox: what was appended is not appended again, wherever the process dies. Other than in
the real kernel no event overtakes one that could not be stored: all wait until it is.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from chronicle.errors import NotRunningError
from chronicle.kernel.completion import end
from chronicle.kernel.event_store import EventStore
from chronicle.kernel.names import key_of
from chronicle.kernel.observation import (
    Batch,
    ObservationState,
    ObserverDefinition,
    ObserverOwner,
    ObserverType,
    Outcome,
)
from chronicle.kernel.observation.kernel_owned import keep_subscribed
from chronicle.kernel.observation.observer import Observer
from chronicle.kernel.observation.subscriber import DISCONNECTED
from chronicle.kernel.sequences import Append, EventToAppend
from chronicle.kernel.storage import observers
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.encryption_keys import KeyScope
from chronicle.kernel.storage.events import StoredEvent
from chronicle.kernel.subscriptions.definitions import EventStoreSubscription
from chronicle.values import OUTBOX, inbox_of, now_ticks

_log = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 100
"""So many events are appended together, if they can be."""


def observer_id(subscription: EventStoreSubscription, target: EventStore) -> str:
    """The id of the observer that forwards, in the source."""
    return f"{subscription.identifier}->{target.name}"


class Forwarder:
    """Forwards from one namespace of the source to the same one of the target."""

    def __init__(
        self,
        database: Database,
        subscription: EventStoreSubscription,
        *,
        source: EventStore,
        target: EventStore,
        namespace: str,
    ) -> None:
        self.subscription: Final = subscription
        self.is_ready: Final = asyncio.Event()
        """Set once it is subscribed."""
        self._database = database
        self._source = source
        self._target = target
        self._namespace = namespace
        self._definition = ObserverDefinition(
            observer_id(subscription, target),
            ObserverType.EXTERNAL,
            ObserverOwner.KERNEL,
            OUTBOX,
            subscription.event_types,
            is_replayable=False,
        )
        self._forwarded_to: int | None = None
        """The number of the last event that is behind us; -1 for none, `None` while that is not known."""
        self._is_closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins, or goes on, to forward."""
        observing = keep_subscribed(
            self,
            self._definition,
            self._source.observer_definitions,
            self._find_observer,
            self._source.observation,
            subscribed=self.is_ready.set,
        )
        self._task = asyncio.create_task(observing, name=f"chronicle-forwarder {self._definition.id}")

    async def close(self) -> None:
        """Stops after what is being appended."""
        self._is_closing.set()
        await end(self._task)

    @property
    def folds(self) -> bool:
        """See `Subscriber`."""
        return False

    async def undo(self, partition: str) -> None:
        """See `Subscriber`: it is never replayed."""

    async def deliver(self, batches: Sequence[Batch]) -> Sequence[Outcome]:
        """See `Subscriber`. Returns once all is forwarded, however long that takes, or when it is closed."""
        # Of several partitions, in the order in which they happened.
        events = sorted((event for batch in batches for event in batch.events), key=lambda one: one.number)
        failures = 0
        while not self._is_closing.is_set():
            try:
                await self._forward(events)
            except NotRunningError:
                break
            except Exception:
                failures += 1
                _log.exception(
                    "'%s' waits in namespace '%s'; it is tried again in a while",
                    self._definition.id,
                    self._namespace,
                )
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._source.observation.retry_delay(failures)):
                        await self._is_closing.wait()
            else:
                return [Outcome(ObservationState.SUCCESS, batch.events[-1].number) for batch in batches]
        return [DISCONNECTED] * len(batches)

    async def _find_observer(self) -> Observer:
        namespace = await self._source.namespace(self._namespace)
        return await namespace.observers.get(self._definition.id)

    async def _forward(self, events: Sequence[StoredEvent]) -> None:
        source = await self._source.namespace(self._namespace)
        if self._forwarded_to is None:
            # A write job although it only reads: it comes after what a former forwarder has left to append.
            self._forwarded_to = await self._database.write(
                partial(_last_handled, namespace_id=source.id, observer_id=self._definition.id)
            )
        ahead = self._forwarded_to
        for run in _runs([event for event in events if event.number > ahead]):
            await self._copy_keys(run)
            released = await source.compliance.release_events(run, self._source.event_types)
            contents = released.contents or [event.content for event in run]
            to_append = [_to_append(*one) for one in zip(run, contents, strict=True)]
            # One transaction for all of them, unless one is refused: then each for itself.
            if await self._append(run, to_append):
                continue
            for event, one in zip(run, to_append, strict=True):
                if not await self._append([event], [one]):
                    # No reasons: they may tell of persons.
                    _log.warning(
                        "event %d of the outbox of '%s' is lost to '%s', which refuses it",
                        event.number,
                        self._source.name,
                        self._target.name,
                    )
                    self._forwarded_to = event.number

    async def _append(self, run: Sequence[StoredEvent], events: Sequence[EventToAppend]) -> bool:
        """Appends to the inbox; returns whether it was accepted. Raises what kept it from being stored."""
        source = await self._source.namespace(self._namespace)
        target = await self._target.namespace(self._namespace)
        last = run[-1].number
        advance = partial(
            observers.advance,
            namespace_id=source.id,
            observer_id=self._definition.id,
            next_number=last + 1,
            last_handled=last,
            # The observer counts them itself, after this.
            handled=0,
            ahead=None,
        )
        caused_by = source.identities.chain_of(run[0].caused_by)
        inbox = target.event_sequence(inbox_of(self.subscription.source_event_store))
        outcome = await inbox.append(Append(events, caused_by, alongside=advance))
        if outcome.failure is not None:
            raise outcome.failure
        if outcome.is_success:
            self._forwarded_to = last
        return outcome.is_success

    async def _copy_keys(self, events: Sequence[StoredEvent]) -> None:
        """Gives the target the keys of those whom the events are about, so that one erasure is for both."""
        keys = self._source.encryption_keys
        source, target = (KeyScope(one.id, key_of(self._namespace)) for one in (self._source, self._target))
        held = set(await keys.find(source, {event.subject or event.event_source_id for event in events}))
        for subject in held - set(await keys.find(target, held)):
            await keys.copy(source, target, subject)


def _runs(events: Sequence[StoredEvent]) -> Iterator[Sequence[StoredEvent]]:
    """Events in a row with the same cause, which is what one append can have; not too many at once."""
    start = 0
    for at in range(1, len(events) + 1):
        is_over = at == len(events) or events[at].caused_by != events[start].caused_by
        if is_over or at - start == MOST_AT_ONCE:
            yield events[start:at]
            start = at


def _to_append(event: StoredEvent, content: str) -> EventToAppend:
    return EventToAppend(
        event_source_id=event.event_source_id,
        event_source_type=event.event_source_type,
        event_stream_type=event.event_stream_type,
        event_stream_id=event.event_stream_id,
        event_type=event.event_type,
        generation=event.generation,
        occurred=now_ticks(),
        correlation_id=event.correlation_id,
        causation=event.causation,
        tags=None,
        subject=event.subject,
        content=content,
    )


def _last_handled(connection: sqlite3.Connection, namespace_id: int, observer_id: str) -> int:
    state = observers.state(connection, namespace_id, observer_id)
    return -1 if state is None or state.last_handled is None else state.last_handled
