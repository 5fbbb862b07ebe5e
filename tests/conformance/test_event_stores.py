"""Event stores, namespaces and event sequences come into being and are listed (events.md 1 and 2)."""

import json
from collections.abc import AsyncIterable, AsyncIterator, Sequence

import pytest

from chronicle.contracts import event_sequences_pb2, event_stores_pb2, namespaces_pb2
from tests.conformance.raw import NOTHING, RawStore, Stubs
from tests.waiting import eventually, in_good_time

ERROR = 3


async def all_stores(stubs: Stubs) -> Sequence[str]:
    return (await stubs.event_stores.AllEventStores(NOTHING)).Data


async def all_namespaces(stubs: Stubs, event_store: str) -> Sequence[str]:
    request = namespaces_pb2.AllNamespacesRequest(EventStore=event_store)
    return (await stubs.namespaces.AllNamespaces(request)).Data


async def sequences_of(store: RawStore) -> list[str]:
    request = event_sequences_pb2.GetEventSequencesRequest(EventStore=store.name, Namespace=store.namespace)
    return list((await store.stubs.event_sequences.GetEventSequences(request)).EventSequenceIds)


async def times_added(stubs: Stubs, event_store: str) -> int:
    """How often the System store says that an event store was added."""
    system = RawStore(stubs, "System", sequence="system")
    events = await system.read_for(event_store)
    return sum(json.loads(event.Content).get("eventStore") == event_store for event in events)


@pytest.mark.row("E129")
async def test_given_names_blank_and_valid_when_ensured_then_blank_ones_are_refused_and_valid_ones_added_once(
    stubs: Stubs, store_name: str
) -> None:
    for blank in ("", "   "):
        result = await RawStore(stubs, blank).ensure()
        (refusal,) = result.ValidationResults
        assert refusal.Severity == ERROR
        assert refusal.Message == "Event store name is required."
        assert list(refusal.Members) == ["Name"]
        assert blank not in await all_stores(stubs)
    for _ in range(2):
        result = await RawStore(stubs, store_name).ensure()
        assert not result.ValidationResults
        assert not result.ExceptionMessages
    assert await times_added(stubs, store_name) == 1


@pytest.mark.row("C123")
async def test_given_a_new_name_when_ensured_twice_then_the_store_is_there_once_and_complete(
    stubs: Stubs, store_name: str
) -> None:
    store = RawStore(stubs, store_name)
    await store.ensure()
    await store.ensure()
    assert list(await all_stores(stubs)).count(store_name) == 1
    assert await all_namespaces(stubs, store_name) == ["Default"]
    assert {"EventTypeAdded", "EventTypeGenerationAdded", "EventRevised"} <= await store.event_types()
    assert await times_added(stubs, store_name) == 1
    assert (await RawStore(stubs, "").ensure()).ValidationResults


@pytest.mark.row("E130")
async def test_given_somebody_who_observes_stores_and_namespaces_then_every_addition_brings_the_full_list(
    stubs: Stubs, store_name: str
) -> None:
    store = RawStore(stubs, store_name)
    await store.ensure()
    stores_call = stubs.event_stores.ObserveEventStores(NOTHING)
    stores = _data(stores_call)
    async with in_good_time():
        assert store_name in await anext(stores)
        await RawStore(stubs, f"{store_name}-2").ensure()
        assert {store_name, f"{store_name}-2"} <= set(await anext(stores))
    stores_call.cancel()
    request = namespaces_pb2.ObserveNamespacesRequest(EventStore=store_name)
    call = stubs.namespaces.ObserveNamespaces(request)
    namespaces = _data(call)
    async with in_good_time():
        assert await anext(namespaces) == ["Default"]
        for count, name in enumerate(("first", "second"), 2):
            await store.ensure_namespace(name)
            listed = await anext(namespaces)
            assert len(listed) == count
            assert {"Default", name} <= set(listed)
    call.cancel()


@pytest.mark.row("E173")
async def test_given_a_fresh_store_then_the_wellknown_sequences_are_listed_and_a_used_one_by_its_name(
    raw: RawStore,
) -> None:
    assert await sequences_of(raw) == ["event-log", "outbox", "system"]
    await raw.within(sequence="other").append("happened")
    # When depends on the storage: at once, or when the sequence's state was stored.
    listed = await eventually(lambda: sequences_of(raw), lambda names: "other" in names)
    assert listed == ["event-log", "other", "outbox", "system"]


@pytest.mark.row("E174")
async def test_given_a_reserved_store_name_or_a_known_namespace_in_other_casing_then_nothing_is_added(
    raw: RawStore, stubs: Stubs
) -> None:
    assert (await RawStore(stubs, "[NotSet]").ensure()).ExceptionMessages
    assert "[NotSet]" not in await all_stores(stubs)
    await raw.ensure_namespace("Tenant")
    await raw.ensure_namespace("TENANT")
    assert sorted(await all_namespaces(stubs, raw.name)) == ["Default", "Tenant"]


@pytest.mark.row("E175")
async def test_given_a_store_that_was_only_read_from_then_it_is_listed_but_has_no_namespace_until_ensured(
    stubs: Stubs, store_name: str
) -> None:
    store = RawStore(stubs, store_name)
    assert not await store.read()
    assert store_name in await all_stores(stubs)
    assert await all_namespaces(stubs, store_name) == []
    await store.ensure()
    assert await all_namespaces(stubs, store_name) == ["Default"]


@pytest.mark.row("E176")
async def test_given_a_store_when_asked_for_in_another_casing_then_it_is_the_same_one(raw: RawStore) -> None:
    await raw.append("happened", {"n": 1})
    assert [event.Content for event in await RawStore(raw.stubs, raw.name.upper()).read()] == [
        event.Content for event in await raw.read()
    ]


async def test_given_blank_names_when_a_namespace_is_ensured_then_each_is_refused(
    raw: RawStore, stubs: Stubs
) -> None:
    (refusal,) = (await raw.ensure_namespace(" ")).ValidationResults
    assert refusal.Message == "Namespace name is required."
    assert list(refusal.Members) == ["Namespace"]
    (refusal,) = (await RawStore(stubs, "").ensure_namespace("tenant")).ValidationResults
    assert refusal.Message == "Event store name is required."
    assert list(refusal.Members) == ["EventStore"]


async def _data(
    stream: AsyncIterable[event_stores_pb2.QueryResult_IEnumerable_String]
    | AsyncIterable[namespaces_pb2.QueryResult_IEnumerable_String],
) -> AsyncIterator[list[str]]:
    async for result in stream:
        yield list(result.Data)
