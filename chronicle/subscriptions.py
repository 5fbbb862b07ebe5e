"""Subscriptions: what an event store gets from the outboxes of others (observation.md 10).

    @event_store_subscription("shop", event_types=[OrderPlaced])
    class Orders:
        '''What the bank wants to know of the shop.'''

The kernel forwards the events to `store.inbox("shop")`, in the namespace in which they were appended to the
outbox, also while this application does not run. A declared subscription is added when its event store is
opened. It stays until somebody unsubscribes: leaving out the declaration does not end it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from chronicle.connections.calls import Call
from chronicle.contracts import observation_event_store_subscriptions_pb2 as pb
from chronicle.contracts.observation_event_store_subscriptions_pb2_grpc import EventStoreSubscriptionsStub
from chronicle.errors import DeclarationError
from chronicle.events.event_types import event_type_of
from chronicle.store_access import StoreAccess

_SUBSCRIPTION: Final = "__chronicle_event_store_subscription__"

_Target = TypeVar("_Target", bound=type)


@dataclass(frozen=True, slots=True)
class SubscriptionDeclaration:
    """What `@event_store_subscription` says about a class."""

    id: str
    source_event_store: str
    event_types: tuple[type, ...]
    """All that the event store knows, when there are none."""


@dataclass(frozen=True, slots=True)
class EventStoreSubscription:
    """A subscription as the kernel has it."""

    id: str
    source_event_store: str
    event_type_ids: tuple[str, ...]
    """What is forwarded, in whatever generation; nothing when there are none."""


def event_store_subscription(
    source_event_store: str,
    *,
    id: str | None = None,  # noqa: A002 - what it is
    event_types: Iterable[type] = (),
) -> Callable[[_Target], _Target]:
    """Declares a class as a subscription to the outbox of another event store.

    `id` is how the kernel knows it, the class's full name if none is given. Without `event_types` it is for
    all that the event store knows. The decorator registers nothing; it marks the class for `Artifacts`.

    Raises `DeclarationError` for anything but a class, and for a blank id or source;
    `UnknownEventTypeError` for a class among the event types that is none.
    """
    types = tuple(event_types)
    for one in types:
        event_type_of(one)

    def declare(target: _Target) -> _Target:
        if not isinstance(target, type):
            raise DeclarationError(
                f"@event_store_subscription belongs above a class, and {target!r} is none."
            )
        subscription_id = f"{target.__module__}.{target.__qualname__}" if id is None else id
        _check_named(subscription_id, source_event_store)
        setattr(target, _SUBSCRIPTION, SubscriptionDeclaration(subscription_id, source_event_store, types))
        return target

    return declare


def is_subscription(target: object) -> bool:
    """Whether a class was decorated with `@event_store_subscription`; a subclass of one was not."""
    return isinstance(target, type) and _SUBSCRIPTION in target.__dict__


def subscription_of(target: Any) -> SubscriptionDeclaration:
    """The declaration of a class. Raises `DeclarationError` for what is no subscription."""
    if not is_subscription(target):
        raise DeclarationError(
            f"{target!r} is no subscription. Put @event_store_subscription above the class."
        )
    declaration: SubscriptionDeclaration = target.__dict__[_SUBSCRIPTION]
    return declaration


class Subscriptions:
    """What an event store gets from others, in all of its namespaces."""

    def __init__(self, store: StoreAccess, declared: Iterable[type] = ()) -> None:
        self._store = store
        self._declared = tuple(declared)
        stub = EventStoreSubscriptionsStub(store.channel)
        self._add = Call(stub.Add, "EventStoreSubscriptions/Add", store.calls)
        self._remove = Call(stub.Remove, "EventStoreSubscriptions/Remove", store.calls)
        self._get = Call(stub.GetSubscriptions, "EventStoreSubscriptions/GetSubscriptions", store.calls)

    async def subscribe(
        self,
        id: str,  # noqa: A002 - what it is
        source_event_store: str,
        *,
        event_types: Iterable[type] = (),
    ) -> None:
        """Has the kernel forward events from the outbox of another event store to `store.inbox(...)`.

        Those of these event types, or of all that this event store knows. What is in the outbox already is
        forwarded first. A subscription with the same id is changed, and goes on from where it is. The other
        event store need not be there yet. What this one refuses, by a constraint say, it does not get.

        Raises `DeclarationError` for a blank id or source, and when there are no event types at all,
        `UnknownEventTypeError` for one that is not among the artifacts, `CallError`.
        (EventStoreSubscriptions/Add)
        """
        _check_named(id, source_event_store)
        await self._send([SubscriptionDeclaration(id, source_event_store, tuple(event_types))])

    async def unsubscribe(self, id: str) -> None:  # noqa: A002 - what it is
        """Ends a subscription; nothing happens when there is none with this id.

        What was forwarded stays. The kernel knows where it was: with the same id it goes on from there.
        Raises `CallError`. (EventStoreSubscriptions/Remove)
        """
        request = pb.RemoveEventStoreSubscriptions(
            TargetEventStore=self._store.event_store, SubscriptionIds=[id]
        )
        await self._remove(request)

    async def register(self, *subscriptions: type) -> None:
        """Subscribes as decorated classes say; for those that are not among the artifacts.

        Raises `DeclarationError` for a class that is no subscription; otherwise as `subscribe`.
        (EventStoreSubscriptions/Add)
        """
        await self._send([subscription_of(one) for one in subscriptions])

    async def register_discovered(self) -> None:
        """Subscribes as the artifacts say. That happens by itself when the event store is opened.

        Raises as `register`. (EventStoreSubscriptions/Add)
        """
        await self.register(*self._declared)

    async def all(self) -> list[EventStoreSubscription]:
        """The subscriptions of this event store, whoever has added them.

        Raises `CallError`. (EventStoreSubscriptions/GetSubscriptions)
        """
        response = await self._get(
            pb.GetEventStoreSubscriptionsRequest(TargetEventStore=self._store.event_store)
        )
        return [
            EventStoreSubscription(
                one.Identifier, one.SourceEventStore, tuple(type_.Id for type_ in one.EventTypes)
            )
            for one in response.items
        ]

    async def _send(self, subscriptions: Sequence[SubscriptionDeclaration]) -> None:
        if subscriptions:
            await self._add(
                pb.AddEventStoreSubscriptions(
                    TargetEventStore=self._store.event_store,
                    Subscriptions=[self._definition(one) for one in subscriptions],
                )
            )

    def _definition(self, subscription: SubscriptionDeclaration) -> pb.EventStoreSubscriptionDefinition:
        return pb.EventStoreSubscriptionDefinition(
            Identifier=subscription.id,
            SourceEventStore=subscription.source_event_store,
            EventTypes=self._event_types(subscription),
        )

    def _event_types(self, subscription: SubscriptionDeclaration) -> Sequence[pb.EventType]:
        known = self._store.event_types
        if subscription.event_types:
            return [
                pb.EventType(Id=one.id, Generation=one.generation)
                for one in map(known.of, subscription.event_types)
            ]
        if not known.ids:
            # For the kernel none is none, and not all.
            raise DeclarationError(
                f"The subscription '{subscription.id}' would get nothing: its event store knows no event "
                "types. Name the event types of the other event store, or add them to the artifacts."
            )
        return [pb.EventType(Id=id_, Generation=1) for id_ in known.ids]


def _check_named(id_: str, source_event_store: str) -> None:
    if not id_.strip() or not source_event_store.strip():
        raise DeclarationError(
            f"The subscription '{id_}' to event store '{source_event_store}' cannot be: neither may be blank."
        )
