"""The Reducers service (contract package Observation.Reducers; observation.md 5)."""

from collections.abc import AsyncIterator, Callable

from chronicle.contracts import observation_reducers_pb2 as pb
from chronicle.contracts.observation_reducers_pb2_grpc import ReducersServicer
from chronicle.errors import ChronicleError
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.namespace import Namespace
from chronicle.kernel.observation import (
    ClientStream,
    ObserverDefinition,
    ObserverOwner,
    ObserverType,
    ReducerSubscriber,
    Subscription,
    Targets,
)
from chronicle.kernel.services import observing
from chronicle.kernel.services.events import AppendedEvents
from chronicle.kernel.services.faults import Context
from chronicle.kernel.services.observing import ClientNotConnected


class ReducerRegistrationFailed(ChronicleError):
    """A reducer that cannot be registered, in the real kernel's words."""

    def __init__(self, request: pb.RegisterReducer, cause: Exception) -> None:
        super().__init__(
            f"Failed to register reducer '{request.Reducer.ReducerId}' for event store "
            f"'{request.EventStore}', namespace '{request.Namespace}', event sequence "
            f"'{request.Reducer.EventSequenceId}', connection '{request.ConnectionId}'. Root cause: {cause}"
        )


class ReducersService(ReducersServicer):
    """Clients that fold events into read models."""

    def __init__(self, kernel: Kernel) -> None:
        self._event_stores = kernel.event_stores
        self._clients = kernel.clients

    async def Observe(
        self, request_iterator: AsyncIterator[pb.ReducerMessage], context: Context
    ) -> AsyncIterator[pb.ReduceOperationMessage]:
        """Batches for a reducer, from its position on; the initial metadata say that it is registered."""
        requests = aiter(request_iterator)
        request: pb.RegisterReducer = await observing.registration(requests)
        definition = _definition(request.Reducer)
        store = await self._event_stores.get(request.EventStore)
        namespace = await store.namespace(request.Namespace)
        observer = await namespace.observers.get(definition.id)
        stream = ClientStream(request.ConnectionId)
        events = AppendedEvents(
            pb, event_store=store.name, namespace=namespace.name, identities=namespace.identities
        )
        await store.observer_definitions.set(definition)
        try:
            if definition.is_active:
                await observer.join(stream, await self._subscription(request, definition, namespace))
            else:
                observer.leave_connection(request.ConnectionId)
            await context.send_initial_metadata(())
            async for batch in observing.batches(stream, requests, _taker(stream)):
                message = pb.ReduceOperationMessage(
                    Partition=batch.partition,
                    InitialState=batch.initial_state or "",
                    ReplayState=pb.ReplayState.ValueType(batch.notice),
                )
                readable = await namespace.compliance.release_events(batch.events, store.event_types)
                events.add_to(message.Events, readable, observing.state_of(batch))
                yield message
        finally:
            observer.leave(stream)

    async def _subscription(
        self, request: pb.RegisterReducer, definition: ObserverDefinition, namespace: Namespace
    ) -> Subscription:
        """What an active reducer subscribes with; raises `ReducerRegistrationFailed`."""
        store = namespace.store
        try:
            if not self._clients.is_connected(request.ConnectionId):
                raise ClientNotConnected(request.ConnectionId)
            # A schema without a key property will do: the key is kept beside the document (O71, P 3.3).
            read_model = (await store.read_models.get(request.Reducer.ReadModel)).definition
            if read_model.is_materialized:
                namespace.sinks.of(read_model)
        except ChronicleError as error:
            raise ReducerRegistrationFailed(request, error) from error
        targets = Targets()
        subscriber = ReducerSubscriber(
            targets,
            store.read_models,
            namespace.sinks,
            namespace.compliance,
            read_model.identifier,
            guard_on_watermark=store.observation.guard_on_watermark,
        )
        filters = observing.observer_filters(request.Reducer.Filters)
        return Subscription(definition, targets, subscriber, filters, purpose=read_model.identifier)


def _taker(stream: ClientStream) -> Callable[[pb.ReducerMessage], None]:
    def take(message: pb.ReducerMessage) -> None:
        # A second registration is ignored, other than a reactor's.
        if message.Content.HasField("Value1"):
            result = message.Content.Value1
            outcome = observing.outcome(result, result.ReadModelState or None)
            stream.answer(result.Partition, outcome)

    return take


def _definition(reducer: pb.ReducerDefinition) -> ObserverDefinition:
    observing.check_named(reducer.ReducerId, reducer.EventSequenceId)
    return ObserverDefinition(
        reducer.ReducerId,
        ObserverType.REDUCER,
        ObserverOwner.CLIENT,
        reducer.EventSequenceId,
        observing.observed_event_types(reducer.EventTypes),
        is_active=reducer.IsActive,
    )
