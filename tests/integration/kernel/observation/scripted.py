"""Clients that do as the test says, and a sequence to observe, inside the kernel."""

import asyncio
from collections.abc import Callable, Sequence

from chronicle.kernel.event_types import EventTypeRegistration
from chronicle.kernel.identities import SYSTEM
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.namespace import Namespace
from chronicle.kernel.observation import (
    NO_FILTERS,
    Batch,
    ClientStream,
    ObservationState,
    ObservedEventType,
    Observer,
    ObserverDefinition,
    ObserverFilters,
    ObserverOwner,
    ObserverType,
    Outcome,
    ReducerSubscriber,
    ReplayState,
    Subscriber,
    Subscription,
    Targets,
)
from chronicle.kernel.sequences import Append, EventSequence, EventToAppend
from chronicle.values import (
    ALL_STREAM_TYPE,
    DEFAULT_SOURCE_TYPE,
    DEFAULT_STREAM_ID,
    EVENT_LOG,
    NO_GUID,
    UNAVAILABLE,
)

HAPPENED = "happened"
OTHER = "other"
"""An event type that is known, and that nobody observes."""

Delivered = tuple[str, list[int]]
"""A partition and the numbers of its events."""


def event(
    source: str,
    *,
    type_: str = HAPPENED,
    content: str = "{}",
    tags: str | None = None,
    source_type: str = DEFAULT_SOURCE_TYPE,
    stream_type: str = ALL_STREAM_TYPE,
    generation: int = 1,
) -> EventToAppend:
    return EventToAppend(
        source,
        source_type,
        stream_type,
        DEFAULT_STREAM_ID,
        type_,
        generation,
        0,
        NO_GUID.bytes,
        b"",
        tags,
        None,
        content,
    )


def succeed(batch: Batch) -> Outcome:
    return Outcome(ObservationState.SUCCESS, batch.events[-1].number)


def fail(batch: Batch, *, after: int | None = None, message: str = "it broke") -> Outcome:
    """A failure, `after` the event with this number was handled."""
    outcome = Outcome(ObservationState.FAILED, messages=(message,), stack_trace="somewhere")
    return outcome if after is None else Outcome(outcome.state, after, outcome.messages, outcome.stack_trace)


Script = Callable[[Batch], Outcome | None]
"""Answers a batch, or keeps it waiting with `None`."""


class Client:
    """A client's stream that is subscribed until it is left."""

    def __init__(self, observer: Observer, script: Script, connection_id: str) -> None:
        self.observer = observer
        self.script = script
        self.stream = ClientStream(connection_id)
        self.batches: list[Batch] = []
        self.answered: list[tuple[Batch, Outcome]] = []
        self.waiting: list[Batch] = []
        self.notices: list[tuple[ReplayState, str]] = []
        self._arrived = asyncio.Condition()
        self.task = asyncio.create_task(self._receive())

    @property
    def delivered(self) -> list[Delivered]:
        """What came, batch by batch."""
        return [(batch.partition, [event.number for event in batch.events]) for batch in self.batches]

    @property
    def numbers(self) -> list[int]:
        """The numbers of all events that came, in the order in which they came."""
        return [number for _, numbers in self.delivered for number in numbers]

    def numbers_of(self, partition: str) -> list[int]:
        """The numbers of a partition's events that were handled, in the order in which they were."""
        return [
            event.number
            for batch, outcome in self.answered
            if batch.partition == partition
            for event in batch.events
            if event.number <= outcome.last_successful != UNAVAILABLE
        ]

    async def until(self, condition: Callable[["Client"], bool]) -> None:
        """Waits until what came makes the condition true."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: condition(self))

    def answer(self, outcome: Outcome | None = None) -> None:
        """Answers the batch that waits longest; with success unless told otherwise."""
        batch = self.waiting.pop(0)
        self._answer(batch, outcome or succeed(batch))

    def leave(self) -> None:
        """Goes away, whatever is outstanding."""
        self.observer.leave(self.stream)
        self.stream.end()

    def _answer(self, batch: Batch, outcome: Outcome) -> None:
        self.answered.append((batch, outcome))
        self.stream.answer(batch.partition, outcome)

    async def _receive(self) -> None:
        async for batch in self.stream.batches():
            if batch.notice is not ReplayState.NONE:
                self.notices.append((batch.notice, batch.partition))
                async with self._arrived:
                    self._arrived.notify_all()
                continue
            self.batches.append(batch)
            outcome = self.script(batch)
            if outcome is None:
                self.waiting.append(batch)
            else:
                self._answer(batch, outcome)
            async with self._arrived:
                self._arrived.notify_all()


class World:
    """A namespace with an event log and the clients that a test lets in."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self._clients: list[Client] = []

    @classmethod
    async def of(cls, kernel: Kernel) -> "World":
        store = await kernel.event_stores.ensure("world")
        known = [EventTypeRegistration(HAPPENED, 1), EventTypeRegistration(OTHER, 1)]
        await store.event_types.register(known, validate=False)
        return cls(await store.namespace("Default"))

    @property
    def log(self) -> EventSequence:
        return self.namespace.event_sequence(EVENT_LOG)

    async def append(self, *events: EventToAppend | str) -> list[int]:
        """Appends in one go; a text stands for events of the sources that it names, as in `"A A B"`."""
        wanted: list[EventToAppend] = []
        for one in events:
            wanted += map(event, one.split()) if isinstance(one, str) else [one]
        outcome = await self.log.append(Append(wanted, (SYSTEM,)))
        assert outcome.is_success, outcome.errors
        return [stored.number for stored in outcome.events]

    async def observer(self, observer_id: str = "observer") -> Observer:
        return await self.namespace.observers.get(observer_id)

    async def join(
        self,
        script: Script = succeed,
        *,
        observer: str = "observer",
        connection: str = "client",
        event_types: Sequence[str] = (HAPPENED,),
        filters: ObserverFilters = NO_FILTERS,
        read_model: str = "",
        replayable: bool = True,
    ) -> Client:
        """Lets a client subscribe: a reactor, or a reducer of a read model."""
        targets = Targets()
        definition = ObserverDefinition(
            observer,
            ObserverType.REDUCER if read_model else ObserverType.REACTOR,
            ObserverOwner.CLIENT,
            EVENT_LOG,
            tuple(map(ObservedEventType, event_types)),
            is_replayable=replayable,
        )
        subscriber: Subscriber = targets
        if read_model:
            store = self.namespace.store
            subscriber = ReducerSubscriber(
                targets, store.read_models, self.namespace.sinks, self.namespace.compliance, read_model
            )
        client = Client(await self.observer(observer), script, connection)
        self._clients.append(client)
        await client.observer.join(
            client.stream, Subscription(definition, targets, subscriber, filters, purpose=read_model)
        )
        return client

    async def close(self) -> None:
        """Lets all clients go."""
        for client in self._clients:
            client.leave()
        await asyncio.gather(*(client.task for client in self._clients), return_exceptions=True)


async def until(observer: Observer, condition: Callable[[Observer], bool]) -> None:
    """Waits until the observer is as it should be."""
    changes = observer.state.changes
    while not condition(observer):
        await changes.wait(changes.revision)


async def handled(observer: Observer, number: int) -> None:
    """Waits until everything up to a number is behind the observer."""
    await until(observer, lambda one: one.state.next_number > number)
