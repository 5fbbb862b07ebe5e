"""The EventStoreSubscriptions service (contract package Observation.EventStoreSubscriptions)."""

from google.protobuf.empty_pb2 import Empty

from chronicle.contracts import observation_event_store_subscriptions_pb2 as pb
from chronicle.contracts.observation_event_store_subscriptions_pb2_grpc import EventStoreSubscriptionsServicer
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.observation import ObservedEventType
from chronicle.kernel.services.faults import Context
from chronicle.kernel.subscriptions import EventStoreSubscription


class EventStoreSubscriptionsService(EventStoreSubscriptionsServicer):
    """What event stores get from the outboxes of others (observation.md 10)."""

    def __init__(self, kernel: Kernel) -> None:
        self._event_stores = kernel.event_stores
        self._subscriptions = kernel.subscriptions

    async def Add(self, request: pb.AddEventStoreSubscriptions, context: Context) -> Empty:
        """Adds subscriptions, or changes those with their identifiers; events are forwarded from then on."""
        await self._subscriptions.add(
            request.TargetEventStore, [_subscription(one) for one in request.Subscriptions]
        )
        return Empty()

    async def Remove(self, request: pb.RemoveEventStoreSubscriptions, context: Context) -> Empty:
        """Ends subscriptions; identifiers that are not known are of no effect."""
        await self._subscriptions.remove(request.TargetEventStore, list(request.SubscriptionIds))
        return Empty()

    async def GetSubscriptions(
        self, request: pb.GetEventStoreSubscriptionsRequest, context: Context
    ) -> pb.IEnumerable_EventStoreSubscriptionDefinition:
        """The subscriptions of an event store, by identifier."""
        store = await self._event_stores.get(request.TargetEventStore)
        return pb.IEnumerable_EventStoreSubscriptionDefinition(
            items=[_message(one) for one in self._subscriptions.of(store.name)]
        )


def _subscription(message: pb.EventStoreSubscriptionDefinition) -> EventStoreSubscription:
    return EventStoreSubscription(
        message.Identifier,
        message.SourceEventStore,
        tuple(ObservedEventType(one.Id, one.Generation) for one in message.EventTypes),
    )


def _message(subscription: EventStoreSubscription) -> pb.EventStoreSubscriptionDefinition:
    return pb.EventStoreSubscriptionDefinition(
        Identifier=subscription.identifier,
        SourceEventStore=subscription.source_event_store,
        EventTypes=[pb.EventType(Id=one.id, Generation=one.generation) for one in subscription.event_types],
    )
