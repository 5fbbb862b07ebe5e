"""Seeding by the contract and through the client: what an event store starts with, once (events.md 15)."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import grpc.aio
import pytest

from chronicle import Artifacts, ChronicleClient, EventStore, Seeds, seeder
from chronicle.contracts import events_constraints_pb2 as constraints
from chronicle.contracts import seeding_pb2 as pb
from tests.conformance.bank import BANK, AccountClosed, AccountOpened, FundsDeposited
from tests.conformance.raw import RawStore

Seeded = list[tuple[str, str, object]]


def entry(
    source: str, number: int, event_type: str = "happened", tags: Sequence[str] = ()
) -> pb.SeedingEntry:
    return pb.SeedingEntry(
        EventSourceId=source, EventTypeId=event_type, Content=json.dumps({"n": number}), Tags=tags
    )


def by_source(*entries: pb.SeedingEntry) -> list[pb.EventSourceSeedEntries]:
    groups: dict[str, list[pb.SeedingEntry]] = {}
    for one in entries:
        groups.setdefault(one.EventSourceId, []).append(one)
    return [
        pb.EventSourceSeedEntries(EventSourceId=source, Entries=group) for source, group in groups.items()
    ]


def by_type(*entries: pb.SeedingEntry) -> list[pb.EventTypeSeedEntries]:
    groups: dict[str, list[pb.SeedingEntry]] = {}
    for one in entries:
        groups.setdefault(one.EventTypeId, []).append(one)
    return [pb.EventTypeSeedEntries(EventTypeId=kind, Entries=group) for kind, group in groups.items()]


def namespaced(namespace: str, *entries: pb.SeedingEntry) -> pb.NamespacedSeedEntries:
    return pb.NamespacedSeedEntries(Namespace=namespace, ByEventSource=by_source(*entries))


async def seed(
    store: RawStore, *entries: pb.SeedingEntry, also: Sequence[pb.NamespacedSeedEntries] = ()
) -> None:
    """Seeds as the official clients do: each entry in both groupings."""
    await store.stubs.seeding.Seed(
        pb.SeedRequest(
            EventStore=store.name,
            GlobalByEventSource=by_source(*entries),
            GlobalByEventType=by_type(*entries),
            NamespacedEntries=also,
        )
    )


async def appended(store: RawStore) -> Seeded:
    """Source, type and number of everything in the event log."""
    return [
        (event.Context.EventSourceId, event.Context.EventType.Id, json.loads(event.Content).get("n"))
        for event in await store.read()
    ]


async def numbers(store: RawStore) -> list[object]:
    return [number for _, _, number in await appended(store)]


async def one_per_source(store: RawStore, event_type: str) -> None:
    """A constraint: one event of this type for each source."""
    definition = constraints.UniqueEventTypeConstraintDefinition(EventTypeIds=[event_type])
    await store.stubs.constraints.Register(
        constraints.RegisterConstraintsRequest(
            EventStore=store.name,
            Constraints=[
                constraints.Constraint(
                    Name="one-per-source",
                    Type=constraints.CONSTRAINT_TYPE_UniqueEventType,
                    Definition=constraints.OneOf_UniqueConstraintDefinition_UniqueEventTypeConstraintDefinition(
                        Value1=definition
                    ),
                )
            ],
        )
    )


@pytest.mark.row("E119")
async def test_given_seeds_when_set_twice_then_they_are_appended_once(raw: RawStore) -> None:
    for _ in range(2):
        await seed(raw, entry("a", 1), entry("b", 2))
    assert await appended(raw) == [("a", "happened", 1), ("b", "happened", 2)]


@pytest.mark.row("E119")
async def test_given_equal_entries_when_seeded_then_each_counts(raw: RawStore) -> None:
    await seed(raw, entry("a", 1), entry("a", 1))
    assert await numbers(raw) == [1, 1]
    await seed(raw, entry("a", 1), entry("a", 1), entry("a", 1))
    assert await numbers(raw) == [1, 1, 1]


@pytest.mark.row("E119")
async def test_given_an_entry_in_one_grouping_only_then_it_is_seeded_after_those_of_the_other(
    raw: RawStore,
) -> None:
    request = pb.SeedRequest(
        EventStore=raw.name,
        GlobalByEventSource=by_source(entry("a", 1)),
        GlobalByEventType=by_type(entry("a", 2), entry("a", 1)),
    )
    await raw.stubs.seeding.Seed(request)
    assert await numbers(raw) == [1, 2]


@pytest.mark.row("E120")
async def test_given_several_types_when_seeded_then_a_source_has_them_in_the_order_written(
    raw: RawStore,
) -> None:
    entries = [entry("a", n, event_type) for n, event_type in enumerate(["happened", "other"] * 2)]
    await seed(raw, *entries)
    assert [event_type for _, event_type, _ in await appended(raw)] == ["happened", "other"] * 2


@pytest.mark.row("E121")
async def test_given_more_than_a_batch_when_seeded_then_all_are_appended_and_recorded(raw: RawStore) -> None:
    entries = [entry(f"source-{n % 7}", n) for n in range(250)]
    for _ in range(2):
        await seed(raw, *entries)
    assert Counter(await numbers(raw)) == Counter(range(250))
    correlations = {event.Context.CorrelationId.SerializeToString() for event in await raw.read()}
    assert len(correlations) == 3


@pytest.mark.row("E122")
async def test_given_a_batch_that_breaks_a_constraint_then_none_of_it_is_stored_and_the_mended_one_is(
    raw: RawStore,
) -> None:
    await one_per_source(raw, "other")
    await raw.append("other", {"n": 0}, source="a")
    await seed(raw, entry("a", 1), entry("a", 2, "other"))
    assert await numbers(raw) == [0]
    await seed(raw, entry("a", 1), entry("b", 2, "other"))
    assert await numbers(raw) == [0, 1, 2]


async def test_given_a_batch_that_is_refused_then_the_other_batches_are_appended(raw: RawStore) -> None:
    await seed(raw, entry("a", -1, "unknown"), *(entry("a", n) for n in range(150)))
    assert await numbers(raw) == list(range(99, 150))
    await raw.register("unknown")
    await seed(raw, entry("a", -1, "unknown"), *(entry("a", n) for n in range(150)))
    assert Counter(await numbers(raw)) == Counter(range(-1, 150))


@pytest.mark.row("E123")
async def test_given_a_namespace_that_declines_then_all_are_offered_again_and_nobody_has_doubles(
    raw: RawStore,
) -> None:
    tenant = raw.within(namespace="tenant")
    await one_per_source(raw, "other")
    await tenant.append("other", {"n": 0}, source="a")
    for _ in range(2):
        await seed(raw, entry("a", 1, "other"))
    assert await numbers(raw) == [1]
    assert await numbers(tenant) == [0]
    response = await raw.stubs.seeding.GetGlobalSeedData(pb.GetSeedDataRequest(EventStore=raw.name))
    assert not response.ByEventSource


@pytest.mark.row("E179")
async def test_given_entries_that_differ_in_tags_then_both_are_appended_whatever_their_order(
    raw: RawStore,
) -> None:
    await seed(raw, entry("a", 1, tags=["x", "y"]), entry("a", 1, tags=["x"]), entry("a", 1))
    await seed(raw, entry("a", 1, tags=["y", "x"]))
    assert [list(event.Context.Tags) for event in await raw.read()] == [["x", "y"], ["x"], []]


@pytest.mark.row("E179")
async def test_given_an_entry_for_all_and_for_one_namespace_then_that_one_has_it_once(raw: RawStore) -> None:
    await raw.ensure_namespace("tenant")
    await seed(raw, entry("a", 1), also=[namespaced("tenant", entry("a", 1), entry("a", 2))])
    assert await numbers(raw) == [1]
    assert await numbers(raw.within(namespace="tenant")) == [1, 2]


@pytest.mark.row("E179")
async def test_given_no_entries_when_seeded_then_nothing_happens(raw: RawStore) -> None:
    await seed(raw, also=[namespaced("tenant")])
    assert await numbers(raw) == []
    response = await raw.stubs.seeding.GetNamespaceSeedData(
        pb.GetSeedDataRequest(EventStore=raw.name, Namespace="tenant")
    )
    assert not response.ByEventType


@pytest.mark.row("E180")
@pytest.mark.parametrize("content", ["", "[]", "nothing", "1"])
async def test_given_content_that_is_no_object_when_seeded_then_the_call_fails(
    raw: RawStore, content: str
) -> None:
    bad = pb.SeedingEntry(EventSourceId="a", EventTypeId="happened", Content=content)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await seed(raw, bad)
    assert raised.value.code() is grpc.StatusCode.UNKNOWN
    assert await numbers(raw) == []


async def test_given_a_seed_then_its_context_says_where_it_comes_from(raw: RawStore) -> None:
    await seed(raw, entry("a", 1, tags=["demo"]))
    (context,) = [event.Context for event in await raw.read()]
    assert context.CausedBy.Name == "[System]"
    assert [one.Type for one in context.Causation] == ["event-seeding"]
    assert context.Causation[0].Occurred.Value
    assert (context.EventSourceType, context.EventStreamType) == ("Default", "All")
    assert context.EventStreamId == "Default"
    assert context.EventType.Generation == 1
    assert list(context.Tags) == ["demo"]


async def test_given_seeds_then_they_are_told_by_type_and_by_source(raw: RawStore) -> None:
    await seed(raw, entry("a", 1, tags=["demo"]), entry("b", 2, "other"), entry("a", 3))
    everywhere = await raw.stubs.seeding.GetGlobalSeedData(pb.GetSeedDataRequest(EventStore=raw.name))
    here = await raw.stubs.seeding.GetNamespaceSeedData(
        pb.GetSeedDataRequest(EventStore=raw.name, Namespace=raw.namespace)
    )
    for response in (everywhere, here):
        sources = {one.EventSourceId: list(one.Entries) for one in response.ByEventSource}
        assert sources == {"a": [entry("a", 1), entry("a", 3)], "b": [entry("b", 2, "other")]}
        types = {one.EventTypeId: list(one.Entries) for one in response.ByEventType}
        assert types == {"happened": [entry("a", 1), entry("a", 3)], "other": [entry("b", 2, "other")]}


async def test_given_seeds_for_all_when_a_namespace_comes_later_then_it_is_given_them(raw: RawStore) -> None:
    await seed(raw, entry("a", 1, tags=["demo"]), entry("b", 2))
    tenant = raw.within(namespace="tenant")
    await raw.ensure_namespace("tenant")
    assert await numbers(tenant) == [1, 2]
    await seed(raw, entry("a", 1, tags=["demo"]), entry("b", 2))
    assert await numbers(tenant) == [1, 2]
    later = raw.within(namespace="later")
    await later.append("happened", {"n": 3})
    assert await numbers(later) == [1, 2, 3]


class TestClient:
    async def open(
        self,
        client: ChronicleClient,
        name: str,
        *seeders: Callable[[Seeds], Any],
        namespace: str | None = None,
    ) -> list[tuple[str, object]]:
        artifacts = BANK + Artifacts(seeders=seeders)
        store = await client.event_store(name, namespace, artifacts)
        return [(one.context.event_source_id, one.event) for one in await store.event_log.events_from(0)]

    @pytest.mark.row("S130", "E120")
    async def test_given_a_seeder_when_the_store_is_opened_then_sources_follow_in_order_of_first_mention(
        self, client: ChronicleClient, store_name: str
    ) -> None:
        opened, deposited, closed = (
            AccountOpened(owner="Alice"),
            FundsDeposited(amount=Decimal(5)),
            AccountClosed(),
        )

        @seeder
        def demo(seeds: Seeds) -> None:
            seeds.for_source("b", [opened]).for_source("a", [opened, deposited])
            seeds.for_source("b", [deposited, closed])

        assert await self.open(client, store_name, demo) == [
            ("b", opened),
            ("b", deposited),
            ("b", closed),
            ("a", opened),
            ("a", deposited),
        ]

    @pytest.mark.row("S131")
    async def test_given_a_seeder_that_breaks_a_constraint_then_the_store_opens_and_the_mended_one_seeds(
        self, client: ChronicleClient, bank: EventStore, raw_bank: RawStore
    ) -> None:
        await one_per_source(raw_bank, "account-opened")
        await bank.event_log.append("a", AccountOpened(owner="Alice"))

        @seeder
        def breaking(seeds: Seeds) -> None:
            seeds.for_namespace("Default").for_source("a", [AccountOpened(owner="Again"), AccountClosed()])

        @seeder
        def mended(seeds: Seeds) -> None:
            seeds.for_namespace("Default").for_source("a", [AccountClosed()])

        await self.open(client, bank.name, breaking, namespace="first-start")
        assert await bank.event_log.tail() == 0
        await self.open(client, bank.name, mended, namespace="next-start")
        assert await bank.event_log.tail() == 1

    @pytest.mark.row("S132")
    async def test_given_seeds_for_a_namespace_when_opened_then_only_that_one_has_them(
        self, client: ChronicleClient, store_name: str
    ) -> None:
        opened = AccountOpened(owner="Alice")

        @seeder
        def demo(seeds: Seeds) -> None:
            seeds.for_namespace("tenant").for_source("a", [opened])

        assert await self.open(client, store_name, demo) == []
        assert await self.open(client, store_name, demo, namespace="tenant") == [("a", opened)]

    @pytest.mark.row("S200")
    async def test_given_a_seeder_that_raises_when_opened_then_it_is_left_out_and_the_others_run(
        self, client: ChronicleClient, store_name: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        @seeder
        def failing(seeds: Seeds) -> None:
            seeds.for_source("a", [AccountOpened(owner="Nobody")])
            raise LookupError("no such file")

        @seeder
        async def working(seeds: Seeds) -> None:
            seeds.for_type(AccountOpened, "b", [AccountOpened(owner="Bob")])

        found = await self.open(client, store_name, failing, working)
        assert found == [("b", AccountOpened(owner="Bob"))]
        assert "failing" in caplog.text

    @pytest.mark.row("S202")
    async def test_given_an_event_type_with_tags_when_seeded_then_they_are_sent(
        self, client: ChronicleClient, store_name: str
    ) -> None:
        store = await client.event_store(store_name, artifacts=BANK)
        await store.seed(lambda seeds: seeds.for_source("a", [FundsDeposited(amount=Decimal(5))]))
        (appended,) = await store.event_log.events_from(0)
        assert appended.context.tags == ("money", "in")

    async def test_given_seeds_when_seeded_by_hand_twice_then_they_are_appended_once(
        self, client: ChronicleClient, store_name: str
    ) -> None:
        store = await client.event_store(store_name, artifacts=BANK)
        for _ in range(2):
            await store.seed(lambda seeds: seeds.for_source("a", [AccountOpened(owner="Alice")]))
        assert await store.event_log.tail() == 0
