"""Subscriptions: what an event store gets from the outbox of another one (observation.md 10)."""

from typing import Annotated

from pydantic import Field

from chronicle.contracts import observation_event_store_subscriptions_pb2 as pb
from chronicle.contracts.observation_event_store_subscriptions_pb2_grpc import EventStoreSubscriptionsStub
from chronicle_fastapi.admin.calls import ask
from chronicle_fastapi.admin.models import AdminModel, AdminRequest, EventTypeReference, Name, NewName
from chronicle_fastapi.admin.routes import ACCEPTED, resource_router
from chronicle_fastapi.admin.scopes import EventStoreScope, IdInPath, InEventStore, with_id


class SubscriptionSummary(AdminModel):
    """What an event store gets from the outbox of another one, into `inbox-<source_event_store>`."""

    id: str
    source_event_store: str
    event_types: list[EventTypeReference]


class NewSubscription(AdminRequest):
    """A subscription to add. The source need not be there yet."""

    id: NewName
    source_event_store: Name
    event_types: Annotated[list[EventTypeReference], Field(min_length=1, max_length=1000)]
    """What to get: the kernel forwards no other types."""


async def list_subscriptions(scope: EventStoreScope) -> list[SubscriptionSummary]:
    """The subscriptions of the event store, by id.

    Raises `CallError`. (EventStoreSubscriptions/GetSubscriptions)
    """
    response = await ask(
        scope.client,
        EventStoreSubscriptionsStub(scope.client.channel).GetSubscriptions,
        "EventStoreSubscriptions/GetSubscriptions",
        pb.GetEventStoreSubscriptionsRequest(TargetEventStore=scope.event_store),
    )
    subscriptions = [
        SubscriptionSummary(
            id=message.Identifier,
            source_event_store=message.SourceEventStore,
            event_types=[
                EventTypeReference(id=one.Id, generation=one.Generation) for one in message.EventTypes
            ],
        )
        for message in response.items
    ]
    return sorted(subscriptions, key=lambda one: one.id)


async def add_subscription(scope: EventStoreScope, subscription: NewSubscription) -> None:
    """Adds a subscription, or changes the one with its id. It begins with what is in the outbox already.

    Raises `CallError`. (EventStoreSubscriptions/Add)
    """
    await ask(
        scope.client,
        EventStoreSubscriptionsStub(scope.client.channel).Add,
        "EventStoreSubscriptions/Add",
        pb.AddEventStoreSubscriptions(
            TargetEventStore=scope.event_store,
            Subscriptions=[
                pb.EventStoreSubscriptionDefinition(
                    Identifier=subscription.id,
                    SourceEventStore=subscription.source_event_store,
                    EventTypes=[
                        pb.EventType(Id=one.id, Generation=one.generation) for one in subscription.event_types
                    ],
                )
            ],
        ),
    )


async def remove_subscription(scope: EventStoreScope, subscription_id: str) -> None:
    """Removes a subscription, in the background.

    Raises `NotThereError`, `CallError`. (EventStoreSubscriptions/GetSubscriptions, Remove)
    """
    with_id(await list_subscriptions(scope), "subscription", subscription_id)
    await ask(
        scope.client,
        EventStoreSubscriptionsStub(scope.client.channel).Remove,
        "EventStoreSubscriptions/Remove",
        pb.RemoveEventStoreSubscriptions(
            TargetEventStore=scope.event_store, SubscriptionIds=[subscription_id]
        ),
    )


router = resource_router("subscriptions", "/event-stores/{event_store}/subscriptions")


@router.get("")
async def get_subscriptions(scope: InEventStore) -> list[SubscriptionSummary]:
    """List the subscriptions of an event store."""
    return await list_subscriptions(scope)


@router.post("", name="add_subscription", **ACCEPTED)
async def _add(scope: InEventStore, body: NewSubscription) -> None:
    """Add a subscription, or change the one with its id."""
    await add_subscription(scope, body)


@router.delete("/{subscription_id}", name="remove_subscription", **ACCEPTED)
async def _remove(scope: InEventStore, subscription_id: IdInPath) -> None:
    """Remove a subscription."""
    await remove_subscription(scope, subscription_id)
