"""The kernel's own reactor to requests for redaction and revision (events.md 10).

It is an observer like any other: its position is kept, and a request that was not finished when the kernel
stopped comes again. Other than in the real kernel there is one in every namespace, and a request that cannot
be granted is passed over: those after it for the same event sequence are not held up.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from chronicle.kernel.completion import end
from chronicle.kernel.observation import (
    Batch,
    ObservationSettings,
    ObservationState,
    ObservedEventType,
    ObserverDefinition,
    ObserverDefinitions,
    ObserverOwner,
    Observers,
    ObserverType,
    Outcome,
)
from chronicle.kernel.observation.kernel_owned import keep_subscribed
from chronicle.kernel.redaction import changes
from chronicle.kernel.redaction.changes import Change
from chronicle.kernel.redaction.requests import (
    REQUEST_TYPES,
    RedactEvent,
    RedactEventSource,
    UnreadableRequest,
    request_of,
)
from chronicle.kernel.schemas import InvalidContent
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.events import StoredEvent
from chronicle.kernel.storage.redaction import Place
from chronicle.kernel.storage.writer import Job
from chronicle.values import SYSTEM_SEQUENCE, now_ticks

_log = logging.getLogger(__name__)

OBSERVER_ID: Final = "$system.Cratis.Chronicle.EventSequences.EventSequencesReactor"
"""The real kernel's name for it."""

_DEFINITION: Final = ObserverDefinition(
    OBSERVER_ID,
    ObserverType.REACTOR,
    ObserverOwner.KERNEL,
    SYSTEM_SEQUENCE,
    tuple(map(ObservedEventType, REQUEST_TYPES)),
    is_replayable=False,
)


class EventSequencesReactor:
    """Redacts and revises events of one namespace, as its `system` sequence asks for."""

    def __init__(
        self,
        database: Database,
        *,
        event_store_id: int,
        namespace_id: int,
        forget_events: Callable[[str], None],
        definitions: ObserverDefinitions,
        observers: Observers,
        settings: ObservationSettings,
    ) -> None:
        """`forget_events` lets go of the events of a sequence, given by name, that memory still has."""
        self._database = database
        self._event_store_id = event_store_id
        self._namespace_id = namespace_id
        self._forget_events = forget_events
        self._definitions = definitions
        self._observers = observers
        # What fails here is not a handler that somebody will mend, but a disk that is full.
        self._settings = replace(settings, max_retry_attempts=0)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins, or goes on, to do what is asked for."""
        if self._task is None:
            observing = keep_subscribed(
                self,
                _DEFINITION,
                self._definitions,
                lambda: self._observers.get(OBSERVER_ID, self._settings),
                self._settings,
            )
            self._task = asyncio.create_task(observing, name="chronicle-event-sequences-reactor")

    async def close(self) -> None:
        """Stops after the change that is being made; to be called before the observers are closed."""
        await end(self._task)

    @property
    def folds(self) -> bool:
        """See `Subscriber`."""
        return False

    async def undo(self, partition: str) -> None:
        """See `Subscriber`: it is never replayed."""

    async def deliver(self, batches: Sequence[Batch]) -> Sequence[Outcome]:
        """See `Subscriber`. Raises what the database raises: then the requests come again, after a while."""
        takes_away = [await self._do(event) for batch in batches for event in batch.events]
        if any(takes_away):
            # Also when there was nothing to redact: after a crash this may be all that is left to do.
            await self._database.forget_what_was_overwritten()
        return [Outcome(ObservationState.SUCCESS, batch.events[-1].number) for batch in batches]

    async def _do(self, event: StoredEvent) -> bool:
        """Does what an event asks for; returns whether that was to take something away."""
        try:
            request = request_of(event)
            place = Place(self._event_store_id, self._namespace_id, request.sequence)
            if isinstance(request, RedactEvent):
                await self._change(event, place, partial(changes.redact_event, request=request))
            elif isinstance(request, RedactEventSource):
                first: int | None = 0
                while first is not None:
                    job = partial(changes.redact_source, request=request, first=first)
                    first = (await self._change(event, place, job)).goes_on_at
            else:
                job = partial(changes.revise_event, request=request, occurred=now_ticks())
                return bool((await self._change(event, place, job)).refusal)
        except (UnreadableRequest, InvalidContent) as error:
            _pass_over(event, str(error))
            return False
        return True

    async def _change(self, event: StoredEvent, place: Place, job: Callable[..., Change]) -> Change:
        """Makes a change, and lets everyone know who has the events in memory."""
        write: Job[Change] = partial(job, place=place, event=event)
        change = await self._database.write(write)
        if change.refusal:
            _pass_over(event, f"{change.refusal} in event sequence '{place.event_sequence}'")
        if change.changed or change.refusal:
            for name in {place.event_sequence, SYSTEM_SEQUENCE}:
                self._forget_events(name)
        known = {observer.id: observer for observer in self._observers.all()}
        for observer_id, partition, number in change.replays:
            # One that is not known now finds the request when it is loaded.
            if observer_id in known:
                known[observer_id].take_replay_request(partition, number)
        return change


def _pass_over(event: StoredEvent, reason: str) -> None:
    _log.warning(
        "event %d of the system sequence, of type '%s', is passed over: %s",
        event.number,
        event.event_type,
        reason,
    )
