"""The Reactors service (contract package Observation.Reactors; observation.md 4)."""

from collections.abc import AsyncIterator, Callable

from chronicle.contracts import observation_reactors_pb2 as pb
from chronicle.contracts.observation_reactors_pb2_grpc import ReactorsServicer
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.observation import (
    ClientStream,
    ObserverDefinition,
    ObserverOwner,
    ObserverType,
    Subscription,
    Targets,
)
from chronicle.kernel.services import observing
from chronicle.kernel.services.events import AppendedEvents
from chronicle.kernel.services.faults import Context, InvalidRequest
from chronicle.kernel.services.observing import ClientNotConnected


class ReactorsService(ReactorsServicer):
    """Clients that react to events."""

    def __init__(self, kernel: Kernel) -> None:
        self._event_stores = kernel.event_stores
        self._clients = kernel.clients

    async def HasReactor(self, request: pb.HasReactorRequest, context: Context) -> pb.HasReactorResponse:
        """Whether a reactor was ever registered in the event store, and for which sequence (O142)."""
        store = await self._event_stores.get(request.EventStore)
        definition = await store.observer_definitions.find(request.ReactorId)
        if definition is None or definition.type is not ObserverType.REACTOR:
            return pb.HasReactorResponse()
        return pb.HasReactorResponse(Exists=True, EventSequenceId=definition.event_sequence)

    async def Observe(
        self, request_iterator: AsyncIterator[pb.ReactorMessage], context: Context
    ) -> AsyncIterator[pb.EventsToObserve]:
        """Batches for a reactor, from its position on; the initial metadata say that it is subscribed."""
        requests = aiter(request_iterator)
        request: pb.RegisterReactor = await observing.registration(requests)
        definition = _definition(request.Reactor)
        store = await self._event_stores.get(request.EventStore)
        namespace = await store.namespace(request.Namespace)
        observer = await namespace.observers.get(definition.id)
        await store.observer_definitions.set(definition)
        if not self._clients.is_connected(request.ConnectionId):
            raise ClientNotConnected(request.ConnectionId)
        targets = Targets()
        filters = observing.observer_filters(request.Reactor.Filters)
        stream = ClientStream(request.ConnectionId)
        events = AppendedEvents(
            pb, event_store=store.name, namespace=namespace.name, identities=namespace.identities
        )
        try:
            await observer.join(stream, Subscription(definition, targets, targets, filters))
            await context.send_initial_metadata(())
            async for batch in observing.batches(stream, requests, _taker(stream)):
                message = pb.EventsToObserve(
                    Partition=batch.partition, ReplayState=pb.ReplayState.ValueType(batch.notice)
                )
                readable = await namespace.compliance.release_events(batch.events, store.event_types)
                events.add_to(message.Events, readable, observing.state_of(batch))
                yield message
        finally:
            observer.leave(stream)


def _taker(stream: ClientStream) -> Callable[[pb.ReactorMessage], None]:
    def take(message: pb.ReactorMessage) -> None:
        if message.Content.HasField("Value0"):
            raise InvalidRequest("A stream takes one registration. Open another stream for another reactor.")
        result = message.Content.Value1
        stream.answer(result.Partition, observing.outcome(result))

    return take


def _definition(reactor: pb.ReactorDefinition) -> ObserverDefinition:
    observing.check_named(reactor.ReactorId, reactor.EventSequenceId)
    return ObserverDefinition(
        reactor.ReactorId,
        ObserverType.REACTOR,
        ObserverOwner.CLIENT,
        reactor.EventSequenceId,
        observing.observed_event_types(reactor.EventTypes),
        is_replayable=reactor.IsReplayable if reactor.HasField("IsReplayable") else True,
    )
