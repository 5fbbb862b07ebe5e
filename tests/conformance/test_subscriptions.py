"""Subscriptions by the contract and through the client: from outbox to inbox (observation.md 10)."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import grpc.aio
import pytest
from pydantic import BaseModel

from chronicle import (
    Artifacts,
    ChronicleClient,
    DeclarationError,
    EventStore,
    EventStoreSubscription,
    UnknownEventTypeError,
    event_store_subscription,
    event_type,
)
from chronicle.contracts import event_sequences_pb2 as sequences
from chronicle.contracts import observation_event_store_subscriptions_pb2 as pb
from chronicle.contracts.compliance_pb2 import DeleteEncryptionKeyRequest
from chronicle.contracts.compliance_pb2_grpc import ComplianceStub
from chronicle.contracts.observation_event_store_subscriptions_pb2_grpc import EventStoreSubscriptionsStub
from tests.conformance.bank import BANK, EVENT_TYPES, AccountClosed, AccountOpened, NoEvent
from tests.conformance.raw import RawStore, Stubs, from_guid, guid, to_append
from tests.waiting import eventually

SUBSCRIPTION = "from-source"
NAME_IS_PERSONAL = json.dumps(
    {
        "type": "object",
        "properties": {
            "name": {"type": "string", "compliance": [{"metadataType": "PII", "details": "why"}]},
            "city": {"type": "string"},
        },
    }
)


class Subscriptions:
    """The service, for one event store that subscribes."""

    def __init__(self, channel: grpc.aio.Channel, target: str) -> None:
        self._stub = EventStoreSubscriptionsStub(channel)
        self._target = target

    async def add(
        self, source: RawStore, *event_types: str, identifier: str = SUBSCRIPTION, generation: int = 1
    ) -> None:
        await self._stub.Add(
            pb.AddEventStoreSubscriptions(
                TargetEventStore=self._target,
                Subscriptions=[
                    pb.EventStoreSubscriptionDefinition(
                        Identifier=identifier,
                        SourceEventStore=source.name,
                        EventTypes=[pb.EventType(Id=one, Generation=generation) for one in event_types],
                    )
                ],
            )
        )

    async def remove(self, *identifiers: str) -> None:
        await self._stub.Remove(
            pb.RemoveEventStoreSubscriptions(TargetEventStore=self._target, SubscriptionIds=identifiers)
        )

    async def all(self) -> Sequence[pb.EventStoreSubscriptionDefinition]:
        request = pb.GetEventStoreSubscriptionsRequest(TargetEventStore=self._target)
        return (await self._stub.GetSubscriptions(request)).items

    async def known(self) -> list[tuple[str, str, list[str]]]:
        return [
            (one.Identifier, one.SourceEventStore, [kind.Id for kind in one.EventTypes])
            for one in await self.all()
        ]


@pytest.fixture
async def source(stubs: Stubs, raw: RawStore) -> RawStore:
    """Another event store of the test's own, seen at its outbox; `raw` is the one that subscribes."""
    store = RawStore(stubs, f"{raw.name}-source", sequence="outbox")
    await store.ensure()
    await store.register("happened", "other", "third")
    return store


@pytest.fixture
def subscriptions(channel: grpc.aio.Channel, raw: RawStore) -> Subscriptions:
    return Subscriptions(channel, raw.name)


def inbox(target: RawStore, source: RawStore) -> RawStore:
    return target.within(sequence=f"inbox-{source.name}")


async def arrived(target: RawStore, source: RawStore, number: int) -> Sequence[sequences.AppendedEvent]:
    """What is in the inbox, once there are so many events."""
    events = await eventually(inbox(target, source).read, lambda found: len(found) >= number)
    assert len(events) == number
    return events


def numbers(events: Sequence[sequences.AppendedEvent]) -> list[Any]:
    return [json.loads(event.Content).get("n") for event in events]


@pytest.mark.row("O120")
async def test_given_a_subscription_when_added_again_then_it_is_stored_once(
    raw: RawStore, source: RawStore, subscriptions: Subscriptions
) -> None:
    assert await subscriptions.known() == []
    for _ in range(2):
        await subscriptions.add(source, "happened")
    assert await subscriptions.known() == [(SUBSCRIPTION, source.name, ["happened"])]
    await subscriptions.add(source, "other", "happened")
    await subscriptions.add(source, "happened", "other")
    assert await subscriptions.known() == [(SUBSCRIPTION, source.name, ["other", "happened"])]
    told = [event for event in await raw.within(sequence="system").read() if _is_about_subscriptions(event)]
    assert [(event.Context.EventSourceId, event.Context.EventType.Id) for event in told] == [
        (SUBSCRIPTION, "EventStoreSubscriptionAdded")
    ] * 2
    assert json.loads(told[0].Content) == {
        "sourceEventStore": source.name,
        "eventTypes": [{"id": "happened", "generation": 1, "tombstone": False}],
    }


def _is_about_subscriptions(event: sequences.AppendedEvent) -> bool:
    return event.Context.EventType.Id.startswith("EventStoreSubscription")


@pytest.mark.row("O120")
async def test_given_a_subscription_when_it_is_given_another_source_then_events_come_from_there(
    raw: RawStore, source: RawStore, subscriptions: Subscriptions, stubs: Stubs
) -> None:
    another = RawStore(stubs, f"{raw.name}-another", sequence="outbox")
    await another.ensure()
    await another.register("happened")
    await subscriptions.add(source, "happened")
    await subscriptions.add(another, "happened")
    assert await subscriptions.known() == [(SUBSCRIPTION, another.name, ["happened"])]
    await source.append("happened", {"n": 0})
    await another.append("happened", {"n": 1})
    assert numbers(await arrived(raw, another, 1)) == [1]
    assert await inbox(raw, source).read() == []


@pytest.mark.row("E170", "O122", "O189")
async def test_given_an_event_in_the_outbox_when_it_is_forwarded_then_what_it_is_about_is_kept(
    raw: RawStore, source: RawStore, subscriptions: Subscriptions
) -> None:
    await raw.ensure_namespace("tenant")
    await source.ensure_namespace("tenant")
    await subscriptions.add(source, "happened")
    correlation_id = uuid4()
    causation = sequences.Causation(
        Type="Test",
        Occurred=sequences.SerializableDateTimeOffset(Value="2026-11-24T11:00:00.0000000+00:00"),
        Properties={"line": "7"},
    )
    alice = sequences.Identity(Subject="s-alice", Name="Alice", UserName="alice")
    await source.append(
        "happened",
        {"n": 1},
        "source-7",
        EventSourceType="Account",
        EventStreamType="Monthly",
        EventStreamId="2026-11",
        CorrelationId=guid(correlation_id),
        Causation=[causation],
        CausedBy=alice,
        Tags=["red"],
        Occurred=sequences.SerializableDateTimeOffset(Value="2020-01-01T00:00:00.0000000+00:00"),
    )
    event = (await arrived(raw, source, 1))[0]
    context = event.Context
    assert (context.EventSourceType, context.EventSourceId) == ("Account", "source-7")
    assert (context.EventStreamType, context.EventStreamId) == ("Monthly", "2026-11")
    assert (context.EventType.Id, context.EventType.Generation) == ("happened", 1)
    assert from_guid(context.CorrelationId) == correlation_id
    assert list(context.Causation) == [causation]
    assert (context.CausedBy.Subject, context.CausedBy.Name, context.CausedBy.UserName) == (
        "s-alice",
        "Alice",
        "alice",
    )
    assert json.loads(event.Content) == {"n": 1}
    assert (context.EventStore, context.Namespace) == (raw.name, "Default")
    assert list(context.Tags) == []
    assert context.SequenceNumber == 0
    assert not context.Occurred.Value.startswith("2020")
    assert await inbox(raw, source).within(namespace="tenant").read() == []


@pytest.mark.row("E170", "O128")
async def test_given_personal_data_when_it_is_forwarded_then_one_erasure_is_for_both(
    raw: RawStore, source: RawStore, subscriptions: Subscriptions, channel: grpc.aio.Channel
) -> None:
    for store in (raw, source):
        await store.register("registered", schema=NAME_IS_PERSONAL)
    erased_here, erased_there = (f"{name}-{uuid4().hex}" for name in ("alice", "bob"))
    await subscriptions.add(source, "registered")
    await source.append("registered", {"name": "A", "city": "B"}, erased_here)
    await source.append("registered", {"name": "A", "city": "B"}, "visit-1", Subject=erased_there)

    async def names(store: RawStore) -> list[str]:
        return [json.loads(event.Content)["name"] for event in await store.read()]

    await arrived(raw, source, 2)
    assert await names(inbox(raw, source)) == ["A", "A"]
    stub = ComplianceStub(channel)
    for store, subject in ((raw, erased_here), (source, erased_there)):
        await stub.DeleteEncryptionKey(
            DeleteEncryptionKeyRequest(EventStore=store.name, Namespace="Default", Identifier=subject)
        )
    assert await names(source) == ["", ""]
    assert await names(inbox(raw, source)) == ["", ""]


@pytest.mark.row("O128")
async def test_given_an_erased_subject_when_subscribed_then_only_its_personal_data_does_not_come(
    raw: RawStore, source: RawStore, subscriptions: Subscriptions, channel: grpc.aio.Channel
) -> None:
    for store in (raw, source):
        await store.register("registered", schema=NAME_IS_PERSONAL)
    alice, bob = (f"{name}-{uuid4().hex}" for name in ("alice", "bob"))
    for subject in (alice, bob):
        await source.append("registered", {"name": "A", "city": "B"}, subject)
    await source.append("registered", {"city": "C"}, alice)
    await ComplianceStub(channel).DeleteEncryptionKey(
        DeleteEncryptionKeyRequest(EventStore=source.name, Namespace="Default", Identifier=alice)
    )
    await subscriptions.add(source, "registered")
    events = await arrived(raw, source, 2)
    assert [event.Context.EventSourceId for event in events] == [bob, alice]
    assert [json.loads(event.Content) for event in events] == [{"name": "A", "city": "B"}, {"city": "C"}]


@pytest.mark.row("E171", "O192")
async def test_given_a_target_that_refuses_an_event_when_forwarded_then_it_is_lost_and_the_next_is_not(
    raw: RawStore, source: RawStore, subscriptions: Subscriptions
) -> None:
    await raw.register("happened", schema='{"type": "object", "required": ["n"]}')
    await source.register("unknown-there")
    await source.append_many(
        [
            to_append("happened", {"n": 0}),
            to_append("happened", {}),
            to_append("unknown-there", {"n": 2}),
            to_append("happened", {"n": 3}),
        ]
    )
    await subscriptions.add(source, "happened", "unknown-there")
    assert numbers(await arrived(raw, source, 2)) == [0, 3]
    await source.append("happened", {})
    await source.append("happened", {"n": 5})
    assert numbers(await arrived(raw, source, 3)) == [0, 3, 5]


@pytest.mark.row("O123", "S136")
async def test_given_event_types_when_subscribed_then_no_others_are_forwarded(
    raw: RawStore, source: RawStore, subscriptions: Subscriptions
) -> None:
    await subscriptions.add(source, "happened")
    for number, kind in enumerate(["other", "happened", "third", "happened"]):
        await source.append(kind, {"n": number})
    assert numbers(await arrived(raw, source, 2)) == [1, 3]


async def test_given_another_generation_when_subscribed_then_event_types_are_told_by_their_ids(
    raw: RawStore, source: RawStore, subscriptions: Subscriptions
) -> None:
    await subscriptions.add(source, "happened", generation=7)
    await source.append("happened", {"n": 0})
    assert numbers(await arrived(raw, source, 1)) == [0]


async def test_given_no_event_types_when_subscribed_then_nothing_is_forwarded_until_there_are_some(
    raw: RawStore, source: RawStore, subscriptions: Subscriptions
) -> None:
    await subscriptions.add(source)
    await source.append("happened", {"n": 0})
    assert await subscriptions.known() == [(SUBSCRIPTION, source.name, [])]
    assert await inbox(raw, source).read() == []
    await subscriptions.add(source, "happened")
    assert numbers(await arrived(raw, source, 1)) == [0]


@pytest.mark.row("O124")
async def test_given_two_targets_when_subscribed_then_both_get_everything(
    raw: RawStore,
    source: RawStore,
    subscriptions: Subscriptions,
    stubs: Stubs,
    channel: grpc.aio.Channel,
) -> None:
    second = RawStore(stubs, f"{raw.name}-second")
    await second.ensure()
    await second.register("happened")
    await subscriptions.add(source, "happened")
    await Subscriptions(channel, second.name).add(source, "happened")
    for number in range(3):
        await source.append("happened", {"n": number})
    for target in (raw, second):
        assert numbers(await arrived(target, source, 3)) == [0, 1, 2]


@pytest.mark.row("O125")
async def test_given_two_sources_when_subscribed_then_each_has_an_inbox(
    raw: RawStore, source: RawStore, subscriptions: Subscriptions, stubs: Stubs
) -> None:
    another = RawStore(stubs, f"{raw.name}-another", sequence="outbox")
    await another.ensure()
    await another.register("happened")
    await subscriptions.add(source, "happened", identifier="one")
    await subscriptions.add(another, "happened", identifier="two")
    await source.append("happened", {"n": 1})
    await another.append("happened", {"n": 2})
    assert numbers(await arrived(raw, source, 1)) == [1]
    assert numbers(await arrived(raw, another, 1)) == [2]


async def test_given_its_own_outbox_when_an_event_store_subscribes_then_nothing_goes_in_circles(
    raw: RawStore, subscriptions: Subscriptions
) -> None:
    outbox = raw.within(sequence="outbox")
    await subscriptions.add(outbox, "happened")
    await outbox.append("happened", {"n": 0})
    await outbox.append("happened", {"n": 1})
    assert numbers(await arrived(raw, raw, 2)) == [0, 1]
    assert numbers(await outbox.read()) == [0, 1]


async def test_given_two_event_stores_that_subscribe_to_each_other_then_nothing_goes_in_circles(
    raw: RawStore, source: RawStore, subscriptions: Subscriptions, channel: grpc.aio.Channel
) -> None:
    await subscriptions.add(source, "happened")
    await Subscriptions(channel, source.name).add(raw, "happened")
    await source.append("happened", {"n": 0})
    await raw.within(sequence="outbox").append("happened", {"n": 1})
    assert numbers(await arrived(raw, source, 1)) == [0]
    assert numbers(await arrived(source, raw, 1)) == [1]
    assert numbers(await source.read()) == [0]


@pytest.mark.row("O127")
async def test_given_a_subscription_when_its_event_types_change_then_it_goes_on_with_the_new_ones(
    raw: RawStore, source: RawStore, subscriptions: Subscriptions
) -> None:
    await subscriptions.add(source, "happened")
    await source.append("happened", {"n": 0})
    await arrived(raw, source, 1)
    await subscriptions.add(source, "happened", "other")
    await source.append("other", {"n": 1})
    await source.append("happened", {"n": 2})
    assert numbers(await arrived(raw, source, 3)) == [0, 1, 2]


@pytest.mark.row("O129")
async def test_given_a_subscription_when_removed_then_nothing_more_comes_until_it_is_added_again(
    raw: RawStore, source: RawStore, subscriptions: Subscriptions
) -> None:
    await subscriptions.add(source, "happened")
    await source.append("happened", {"n": 0})
    await arrived(raw, source, 1)
    await subscriptions.remove(SUBSCRIPTION)
    assert await subscriptions.known() == []
    await source.append("happened", {"n": 1})
    # Through the same source, later: had the first been forwarded, it would be there before this one.
    await subscriptions.add(source, "happened", identifier="another")
    assert numbers(await arrived(raw, source, 3)) == [0, 0, 1]
    await subscriptions.add(source, "happened")
    assert sorted(numbers(await arrived(raw, source, 4))) == [0, 0, 1, 1]
    told = await raw.within(sequence="system").read()
    assert told[-3].Context.EventType.Id == "EventStoreSubscriptionRemoved"
    assert told[-3].Context.EventSourceId == SUBSCRIPTION


@pytest.mark.row("O190")
async def test_given_an_unknown_subscription_when_removed_then_there_is_no_error(
    raw: RawStore, source: RawStore, subscriptions: Subscriptions
) -> None:
    await subscriptions.add(source, "happened")
    await subscriptions.remove("nobody")
    await subscriptions.remove()
    await source.append("happened", {"n": 0})
    assert await subscriptions.known() == [(SUBSCRIPTION, source.name, ["happened"])]
    assert numbers(await arrived(raw, source, 1)) == [0]


@pytest.mark.row("O188")
async def test_given_events_in_the_outbox_when_subscribed_then_they_are_forwarded_in_their_order(
    raw: RawStore, source: RawStore, subscriptions: Subscriptions
) -> None:
    for start in range(0, 250, 50):
        await source.append_many(
            [
                to_append("happened", {"n": number}, f"source-{number % 7}")
                for number in range(start, start + 50)
            ]
        )
    await subscriptions.add(source, "happened")
    assert numbers(await arrived(raw, source, 250)) == list(range(250))


@pytest.mark.row("O191", "O121")
async def test_given_no_source_yet_when_it_appears_then_its_events_are_forwarded(
    raw: RawStore, subscriptions: Subscriptions, stubs: Stubs
) -> None:
    source = RawStore(stubs, f"{raw.name}-later", sequence="outbox")
    await subscriptions.add(source, "happened")
    assert await subscriptions.known() == [(SUBSCRIPTION, source.name, ["happened"])]
    await source.ensure()
    await source.register("happened")
    await source.append("happened", {"n": 0})
    assert numbers(await arrived(raw, source, 1)) == [0]


@pytest.mark.row("O122")
@pytest.mark.parametrize("first", ["source", "target"])
async def test_given_a_namespace_that_is_added_later_then_its_events_are_forwarded_too(
    raw: RawStore, source: RawStore, subscriptions: Subscriptions, first: str
) -> None:
    await subscriptions.add(source, "happened")
    for store in (source, raw) if first == "source" else (raw, source):
        await store.ensure_namespace("tenant")
    await source.within(namespace="tenant").append("happened", {"n": 0})
    assert numbers(await arrived(raw.within(namespace="tenant"), source, 1)) == [0]
    assert await inbox(raw, source).read() == []


@pytest.mark.parametrize("identifier", ["", " "])
async def test_given_a_blank_identifier_when_added_then_it_is_refused(
    source: RawStore, subscriptions: Subscriptions, identifier: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match="InvalidSubscription: A subscription needs an identifier"):
        await subscriptions.add(source, "happened", identifier=identifier)
    assert await subscriptions.known() == []


async def test_given_a_source_without_a_name_when_added_then_it_is_refused(
    stubs: Stubs, subscriptions: Subscriptions
) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match="InvalidEventStoreName"):
        await subscriptions.add(RawStore(stubs, "[NotSet]"), "happened")


async def test_given_the_kernels_own_event_store_when_it_is_to_subscribe_then_it_is_refused(
    source: RawStore, channel: grpc.aio.Channel
) -> None:
    system = Subscriptions(channel, "System")
    with pytest.raises(grpc.aio.AioRpcError, match="InvalidSubscription: 'System' is the kernel's own"):
        await system.add(source, "happened")
    await system.remove("nobody")
    assert await system.known() == []


@event_type("order-placed")
class OrderPlaced(BaseModel):
    number: int


@event_type("order-paid")
class OrderPaid(BaseModel):
    number: int


SHOP = Artifacts(event_types=[OrderPlaced, OrderPaid])


@pytest.fixture
async def shop(client: ChronicleClient, store_name: str) -> EventStore:
    """Another event store, through the client."""
    return await client.event_store(f"{store_name}-shop", artifacts=SHOP)


async def from_shop(store: EventStore, shop: EventStore, number: int) -> list[object]:
    """What came from the shop, once there are so many events."""

    async def look() -> list[object]:
        return [event.event async for event in store.inbox(shop.name).read()]

    return await eventually(look, lambda found: len(found) >= number)


@pytest.mark.row("S136")
async def test_given_a_client_when_it_subscribes_then_events_of_these_types_come_to_its_inbox(
    client: ChronicleClient, store_name: str, shop: EventStore
) -> None:
    store = await client.event_store(store_name, artifacts=BANK + SHOP)
    await store.subscriptions.subscribe("orders", shop.name, event_types=[OrderPaid])
    assert await store.subscriptions.all() == [
        EventStoreSubscription("orders", shop.name, event_type_ids=("order-paid",))
    ]
    await shop.outbox.append("order-1", OrderPlaced(number=1))
    await shop.outbox.append("order-1", OrderPaid(number=1))
    assert await from_shop(store, shop, 1) == [OrderPaid(number=1)]
    await store.subscriptions.unsubscribe("orders")
    await store.subscriptions.unsubscribe("orders")
    assert await store.subscriptions.all() == []


@pytest.mark.row("S203")
async def test_given_no_event_types_when_a_client_subscribes_then_it_is_for_all_that_it_knows(
    bank: EventStore,
) -> None:
    await bank.subscriptions.subscribe("all", "elsewhere")
    (subscription,) = await bank.subscriptions.all()
    assert subscription.event_type_ids == (
        "account-opened",
        "funds-deposited",
        "funds-withdrawn",
        "account-closed",
        "branch-rated",
    )
    assert len(subscription.event_type_ids) == len(EVENT_TYPES)


async def test_given_a_declared_subscription_when_the_store_is_opened_then_it_stands(
    client: ChronicleClient, store_name: str, shop: EventStore
) -> None:
    @event_store_subscription(shop.name, id="orders", event_types=[OrderPaid])
    class Orders:
        pass

    @event_store_subscription("elsewhere", event_types=[AccountOpened])
    class Accounts:
        pass

    await shop.outbox.append("order-1", OrderPaid(number=1))
    # Its event type belongs to the artifacts without being named.
    store = await client.event_store(store_name, artifacts=Artifacts(subscriptions=[Orders]))
    outcome = await store.wait_for_registration()
    assert "subscriptions" in outcome.registered
    assert await from_shop(store, shop, 1) == [OrderPaid(number=1)]
    with pytest.raises(UnknownEventTypeError):
        await store.subscriptions.register(Accounts)
    await store.subscriptions.register_discovered()
    assert [one.id for one in await store.subscriptions.all()] == ["orders"]


async def test_given_a_class_when_it_is_registered_then_its_full_name_is_the_id(bank: EventStore) -> None:
    @event_store_subscription("elsewhere", event_types=[AccountClosed])
    class Closings:
        pass

    await bank.subscriptions.register(Closings)
    assert await bank.subscriptions.all() == [
        EventStoreSubscription(f"{__name__}.{Closings.__qualname__}", "elsewhere", ("account-closed",))
    ]


@pytest.mark.parametrize(("id_", "source"), [("", "shop"), (" ", "shop"), ("orders", ""), ("orders", "\t")])
async def test_given_a_blank_id_or_source_when_a_client_subscribes_then_it_raises(
    bank: EventStore, id_: str, source: str
) -> None:
    with pytest.raises(DeclarationError, match="neither may be blank"):
        await bank.subscriptions.subscribe(id_, source)
    assert await bank.subscriptions.all() == []


async def test_given_what_is_no_event_type_when_a_client_subscribes_then_it_raises(
    client: ChronicleClient, store_name: str, bank: EventStore
) -> None:
    with pytest.raises(UnknownEventTypeError):
        await bank.subscriptions.subscribe("orders", "shop", event_types=[NoEvent])
    with pytest.raises(DeclarationError, match="is no subscription"):
        await bank.subscriptions.register(NoEvent)
    without = await client.event_store(f"{store_name}-without", artifacts=Artifacts())
    with pytest.raises(DeclarationError, match="would get nothing"):
        await without.subscriptions.subscribe("orders", "shop")
