"""The streams of observers on both channels, with a kernel that does as the test says (observation.md 4)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import grpc
import grpc.aio
import pytest

from chronicle.connections.calls import CallSettings
from chronicle.connections.embedded import EmbeddedChannel, EmbeddedServices
from chronicle.connections.remote import open_remote_channel
from chronicle.contracts import observation_reactors_pb2 as pb
from chronicle.contracts.observation_reactors_pb2_grpc import (
    ReactorsServicer,
    add_ReactorsServicer_to_server,
)
from chronicle.errors import RegistrationError
from chronicle.event_sequences.event_for import EventFor
from chronicle.event_sequences.results import AppendManyResult
from chronicle.events.event_types import EventTypes
from chronicle.kernel.services.faults import GuardedServer, Server
from chronicle.observation.declarations import reactor, reactor_of
from chronicle.observation.runtime import ObserverKind, Observers
from chronicle.observation.streams import ObserverState, StreamTiming
from chronicle.serialization import Serializer
from chronicle.store_access import StoreAccess
from tests.integration.client.observation.bank import Opened

TIMING = StreamTiming(reopen_after=0.01, acceptance_grace=0.05)


@dataclass
class ScriptedReactors(ReactorsServicer):
    """Serves streams as the test wants: `refusals` first, then streams of the batches put into `batches`."""

    refusals: list[str] = field(default_factory=list)
    accepts: bool = True
    registrations: asyncio.Queue[pb.RegisterReactor] = field(default_factory=asyncio.Queue)
    batches: asyncio.Queue[pb.EventsToObserve | None] = field(default_factory=asyncio.Queue)
    answers: asyncio.Queue[pb.ReactorResult] = field(default_factory=asyncio.Queue)
    was_completed: asyncio.Event = field(default_factory=asyncio.Event)

    async def Observe(
        self, request_iterator: AsyncIterator[pb.ReactorMessage], context: Any
    ) -> AsyncIterator[pb.EventsToObserve]:
        requests = aiter(request_iterator)
        first = await anext(requests)
        self.registrations.put_nowait(first.Content.Value0)
        if self.refusals:
            await context.abort(grpc.StatusCode.UNKNOWN, self.refusals.pop(0))
        if self.accepts:
            await context.send_initial_metadata(())
        reading = asyncio.create_task(self._read(requests))
        try:
            while (batch := await self.batches.get()) is not None:
                yield batch
        finally:
            reading.cancel()

    async def _read(self, requests: AsyncIterator[pb.ReactorMessage]) -> None:
        async for message in requests:
            self.answers.put_nowait(message.Content.Value1)
        self.was_completed.set()
        self.batches.put_nowait(None)


@pytest.fixture
def kernel() -> ScriptedReactors:
    return ScriptedReactors()


@pytest.fixture(params=["embedded", "remote"])
async def channel(
    request: pytest.FixtureRequest, kernel: ScriptedReactors
) -> AsyncIterator[grpc.aio.Channel]:
    if request.param == "embedded":
        services = EmbeddedServices()
        _serve(kernel, services)
        async with EmbeddedChannel(services, _nothing) as embedded:
            yield embedded
        return
    server = grpc.aio.server()
    _serve(kernel, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with open_remote_channel(f"127.0.0.1:{port}") as remote:
            yield remote
    finally:
        await server.stop(None)


def _serve(kernel: ScriptedReactors, server: Server) -> None:
    add_ReactorsServicer_to_server(kernel, cast("grpc.aio.Server", GuardedServer(server)))


async def _nothing() -> None: ...


async def _append(events: Sequence[EventFor]) -> AppendManyResult:
    raise AssertionError("nothing is appended here")


@pytest.fixture
async def observers(channel: grpc.aio.Channel) -> AsyncIterator[Callable[..., Observers]]:
    """Makes the observers of some reactors; they are stopped in the end."""
    made: list[Observers] = []
    store = StoreAccess(
        channel, "bank", "Default", EventTypes([Opened]), Serializer(), CallSettings(10, "somewhere")
    )

    def make(*reactors: Any) -> Observers:
        made.append(Observers(store, reactors=map(reactor_of, reactors), append=_append, timing=TIMING))
        return made[-1]

    yield make
    for each in made:
        await each.stop(1)


def _batch(number: int) -> pb.EventsToObserve:
    context = pb.EventContext(EventType=pb.EventType(Id="opened", Generation=1), SequenceNumber=number)
    return pb.EventsToObserve(
        Partition=f"p-{number}", Events=[pb.AppendedEvent(Context=context, Content='{"owner":"Ann"}')]
    )


@reactor(id="welcome")
async def welcome(event: Opened) -> None: ...


async def test_start_comes_back_when_the_kernel_has_accepted(
    kernel: ScriptedReactors, observers: Callable[..., Observers]
) -> None:
    running = observers(welcome)

    await running.start("c-1")

    [status] = running.statuses()
    assert (status.id, status.kind, status.state) == (
        "welcome",
        ObserverKind.REACTOR,
        ObserverState.SUBSCRIBED,
    )
    registration = kernel.registrations.get_nowait()
    assert (registration.ConnectionId, registration.EventStore) == ("c-1", "bank")


async def test_a_kernel_that_says_nothing_has_accepted_after_the_grace(
    kernel: ScriptedReactors, observers: Callable[..., Observers]
) -> None:
    kernel.accepts = False
    running = observers(welcome)

    await running.start("c-1")

    assert running.statuses()[0].state is ObserverState.SUBSCRIBED


async def test_batches_are_answered_in_the_order_of_their_arrival(
    kernel: ScriptedReactors, observers: Callable[..., Observers]
) -> None:
    running = observers(welcome)
    await running.start("c-1")

    for number in range(5):
        kernel.batches.put_nowait(_batch(number))

    answers = [await kernel.answers.get() for _ in range(5)]
    assert [(each.Partition, each.State, each.LastSuccessfulObservation) for each in answers] == [
        (f"p-{number}", pb.OBSERVATION_STATE_Success, number) for number in range(5)
    ]
    assert running.statuses()[0].handled == 5


async def test_a_refusal_is_an_error_that_names_the_observer_and_it_is_tried_again(
    kernel: ScriptedReactors, observers: Callable[..., Observers]
) -> None:
    kernel.refusals.append("Client 'c-1' is not connected.")
    running = observers(welcome)

    with pytest.raises(RegistrationError) as refused:
        await running.start("c-1")

    assert "1 of 1 observers could not be subscribed" in str(refused.value)
    assert "welcome: Reactors/Observe failed at somewhere: Client 'c-1' is not connected" in str(
        refused.value
    )
    kernel.batches.put_nowait(_batch(7))
    assert (await kernel.answers.get()).LastSuccessfulObservation == 7
    assert kernel.registrations.qsize() == 2


@pytest.mark.row("O138")
async def test_a_stream_that_the_kernel_ends_is_opened_again(
    kernel: ScriptedReactors, observers: Callable[..., Observers]
) -> None:
    running = observers(welcome)
    await running.start("c-1")
    await kernel.registrations.get()

    kernel.batches.put_nowait(None)

    assert (await kernel.registrations.get()).ConnectionId == "c-1"
    kernel.batches.put_nowait(_batch(7))
    assert (await kernel.answers.get()).LastSuccessfulObservation == 7


async def test_stopping_answers_the_batch_at_hand_and_completes_the_stream(
    kernel: ScriptedReactors, observers: Callable[..., Observers]
) -> None:
    started, may_go_on = asyncio.Event(), asyncio.Event()

    @reactor(id="slow")
    async def slow(event: Opened) -> None:
        started.set()
        await may_go_on.wait()

    running = observers(slow)
    await running.start("c-1")
    kernel.batches.put_nowait(_batch(1))
    kernel.batches.put_nowait(_batch(2))
    await started.wait()

    stopping = asyncio.create_task(running.stop(10))
    await asyncio.sleep(0)
    may_go_on.set()
    await stopping

    await kernel.was_completed.wait()
    assert kernel.answers.get_nowait().LastSuccessfulObservation == 1
    assert kernel.answers.empty()
    assert running.statuses()[0].state is ObserverState.STOPPED
