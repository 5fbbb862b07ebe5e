"""An observer of one namespace: who is subscribed, and the loop that serves them (observation.md 2)."""

import asyncio
import contextvars
import logging
from collections.abc import Callable
from enum import IntEnum

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
                stream.end()
                return
            subscription.targets.add(stream)
            self._subscription = subscription
            self.state.changes.notify()
            if subscription.definition.event_types:
                self._start(subscription, sequence, live_from=0 if tail is None else tail + 1)

    def leave(self, stream: ClientStream) -> None:
        """Takes a stream out. What it has not answered goes to the others, or waits for the next to come."""
        subscription = self.subscription
        if subscription is None or stream not in subscription.targets:
            return
        subscription.targets.remove(stream)
        if not subscription.targets:
            self._close(subscription)
        self.state.changes.notify()

    def leave_connection(self, connection_id: str) -> None:
        """Takes out whatever stream a connection has here."""
        subscription = self.subscription
        if subscription is not None:
            for stream in subscription.targets.of_connection(connection_id):
                self.leave(stream)

    async def close(self) -> None:
        """Ends the subscription for good, and returns once everything that was handled is stored."""
        self._is_closed = True
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
            # Clients see their stream fail and subscribe again: from the position that is stored.
            _log.exception("observer '%s' has stopped", self.id)
            subscription.is_open = False
            subscription.targets.end(error)
            self.state.changes.notify()

    async def _stop(self) -> None:
        if self._subscription is not None:
            self._close(self._subscription)
            self._subscription = None
        task, self._task, self._loop = self._task, None, None
        if task is None:
            return
        done, _ = await asyncio.wait((task,), timeout=self._settings.stop_timeout)
        if not done:
            _log.warning("observer '%s' did not stop in time and is cancelled", self.id)
            task.cancel()
            await asyncio.wait((task,))

    def _close(self, subscription: Subscription) -> None:
        subscription.close()
        if self._loop is not None:
            self._loop.wake()
