"""An observer of one namespace: who is subscribed, and the loop that serves them (observation.md 2)."""

import asyncio
import contextvars
import logging
from collections.abc import Callable
from enum import IntEnum

from chronicle.errors import NotRunningError
from chronicle.kernel.observation.loop import ObserverLoop
from chronicle.kernel.observation.settings import ObservationSettings
from chronicle.kernel.observation.state import ObserverState
from chronicle.kernel.observation.subscription import Subscription
from chronicle.kernel.observation.targets import ClientStream
from chronicle.kernel.sequences import EventSequence

_log = logging.getLogger(__name__)


class RunningState(IntEnum):
    """What an observer is doing; the numbers are the contract's."""

    UNKNOWN = 0
    ACTIVE = 1
    SUSPENDED = 2
    REPLAYING = 3
    DISCONNECTED = 4
    QUARANTINED = 5


class Observer:
    """One observer. It exists once it was asked for, and runs while someone is subscribed."""

    def __init__(
        self,
        state: ObserverState,
        event_sequence: Callable[[str], EventSequence],
        settings: ObservationSettings,
    ) -> None:
        self.id = state.observer_id
        self.state = state
        self._event_sequence = event_sequence
        self._settings = settings
        self._subscription: Subscription | None = None
        self._loop: ObserverLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._subscribing = asyncio.Lock()
        self._is_closed = False
        self._is_in_doubt = False
        """Whether memory may differ from what is stored: something broke in the middle of a step."""

    @property
    def subscription(self) -> Subscription | None:
        """Who is subscribed now."""
        subscription = self._subscription
        return subscription if subscription is not None and subscription.is_open else None

    @property
    def is_subscribed(self) -> bool:
        """Whether anyone is."""
        return self.subscription is not None

    @property
    def running_state(self) -> RunningState:
        """Active while it delivers or waits for events; also while it catches up."""
        subscription = self.subscription
        is_running = subscription is not None and bool(subscription.definition.event_types)
        return RunningState.ACTIVE if is_running else RunningState.DISCONNECTED

    async def join(self, stream: ClientStream, subscription: Subscription) -> None:
        """Subscribes a client's stream.

        It shares the work of those that are subscribed alike; otherwise `subscription` takes the place of
        theirs. Failed partitions are tried again at once. What is appended from now on counts as live.
        Raises `NotRunningError` when the kernel is closing.
        """
        sequence = self._event_sequence(subscription.definition.event_sequence)
        tail = await sequence.tail()
        async with self._subscribing:
            present = self.subscription
            if present is not None and present.is_like(subscription):
                present.targets.add(stream)
                self.state.changes.notify()
                if self._loop is not None:
                    self._loop.retry_failed()
                return
            await self._stop()
            if self._is_closed:
                raise NotRunningError("The kernel is closing. Connect again.")
            if self._is_in_doubt:
                await self.state.load()
                self._is_in_doubt = False
            subscription.targets.add(stream)
            self._subscription = subscription
            self.state.changes.notify()
            if subscription.definition.event_types:
                self._start(subscription, sequence, live_from=0 if tail is None else tail + 1)

    async def replay_partition(self, partition: str) -> None:
        """Lets a partition be handled again from its first event, now or by those who subscribe next.

        What it has not handled yet it goes on to handle in its turn. Nothing happens when the observer is
        not replayable.
        """
        subscription = self.subscription
        if subscription is None or subscription.definition.is_replayable:
            await self.state.request_replay(partition)
            self._look_around()

    def take_replay_request(self, partition: str, request: int) -> None:
        """Takes in a request for a replay that is stored already."""
        self.state.take_replay_request(partition, request)
        self._look_around()

    def forget_events(self, event_sequence: str) -> None:
        """Drops events that were read ahead, when they are of this sequence: some of them were changed."""
        subscription = self.subscription
        observed = None if subscription is None else subscription.definition.event_sequence
        if self._loop is not None and observed == event_sequence:
            self._loop.forget_events()

    def leave(self, stream: ClientStream) -> None:
        """Takes a stream out. What it has not answered goes to the others, or waits for the next to come."""
        subscription = self.subscription
        if subscription is None or stream not in subscription.targets:
            return
        subscription.targets.remove(stream)
        if subscription.targets:
            self.state.changes.notify()
        else:
            self._close(subscription)

    def leave_connection(self, connection_id: str) -> None:
        """Takes out whatever stream a connection has here."""
        subscription = self.subscription
        if subscription is not None:
            for stream in subscription.targets.of_connection(connection_id):
                self.leave(stream)

    async def close(self) -> None:
        """Ends the streams for good, and returns once everything that was handled is stored."""
        self._is_closed = True
        if self._subscription is not None:
            self._end(self._subscription, NotRunningError("The kernel is closing. Connect again."))
        async with self._subscribing:
            await self._stop()

    def _start(self, subscription: Subscription, sequence: EventSequence, *, live_from: int) -> None:
        self._loop = ObserverLoop(self.state, subscription, sequence, self._settings, live_from=live_from)
        self._task = asyncio.create_task(
            self._run(self._loop, subscription),
            name=f"chronicle-observer {self.id}",
            # What is ambient where a client subscribes has nothing to do with the deliveries that follow.
            context=contextvars.Context(),
        )

    async def _run(self, loop: ObserverLoop, subscription: Subscription) -> None:
        try:
            await loop.run()
        except Exception as error:
            _log.exception("observer '%s' has stopped", self.id)
            self._is_in_doubt = True
            # Clients see their streams fail, and subscribe again: from the position that is stored.
            self._end(subscription, error)

    async def _stop(self) -> None:
        """Waits for the loop to end. Cancelled meanwhile, it leaves the rest to whoever calls it next."""
        if self._subscription is not None:
            self._close(self._subscription)
        if self._task is not None:
            done, _ = await asyncio.wait((self._task,), timeout=self._settings.stop_timeout)
            if not done:
                _log.warning("observer '%s' did not stop in time and is cancelled", self.id)
                self._is_in_doubt = True
                self._task.cancel()
                await asyncio.wait((self._task,))
        self._subscription = self._task = self._loop = None

    def _look_around(self) -> None:
        if self._loop is not None:
            self._loop.wake()

    def _close(self, subscription: Subscription) -> None:
        subscription.close()
        self._look_around()
        self.state.changes.notify()

    def _end(self, subscription: Subscription, error: Exception) -> None:
        streams = subscription.targets.streams
        self._close(subscription)
        for stream in streams:
            stream.end(error)
