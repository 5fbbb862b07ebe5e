"""Reactors by the contract: what is delivered, in which order, what answers do (observation.md 3, 4)."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from itertools import groupby
from typing import Any

import grpc.aio
import pytest

from chronicle.contracts import events_pb2
from chronicle.contracts import observation_reactors_pb2 as pb
from chronicle.values import UNAVAILABLE
from tests.conformance.observing import Connection, ReactorStream, Stream, connected, numbers
from tests.conformance.raw import RawStore, Stubs, occurred, to_append, type_filter
from tests.waiting import in_good_time


@pytest.fixture
async def connection(stubs: Stubs) -> AsyncIterator[Connection]:
    async with connected(stubs) as connection:
        yield connection


async def has_reactor(store: RawStore, reactor_id: str) -> pb.HasReactorResponse:
    request = pb.HasReactorRequest(EventStore=store.name, Namespace=store.namespace, ReactorId=reactor_id)
    return await store.stubs.reactors.HasReactor(request)


async def drained(streams: Sequence[ReactorStream], events: int) -> list[dict[str, list[int]]]:
    """What comes on streams that share the work, by stream and partition, until it is so many events."""
    seen: list[dict[str, list[int]]] = [{} for _ in streams]
    done = asyncio.Event()

    async def drain(stream: ReactorStream, mine: dict[str, list[int]]) -> None:
        while True:
            batch = await stream.batch()
            mine.setdefault(batch.Partition, []).extend(numbers(batch))
            await stream.succeed(batch)
            if sum(len(of_one) for each in seen for of_one in each.values()) >= events:
                done.set()

    draining = [asyncio.create_task(drain(*each)) for each in zip(streams, seen, strict=True)]
    try:
        async with in_good_time():
            await done.wait()
    finally:
        for task in draining:
            task.cancel()
        await asyncio.gather(*draining, return_exceptions=True)
    return seen


async def append_to(store: RawStore, *sources: str) -> None:
    """One AppendMany with an event for each of the sources."""
    await store.append_many([to_append("happened", {"n": n}, source) for n, source in enumerate(sources)])


@pytest.mark.row("S113")
async def test_given_events_when_a_reactor_registers_then_it_catches_up_from_the_start(
    raw: RawStore, connection: Connection
) -> None:
    await append_to(raw, *["a"] * 10)
    reactor = await connection.reactor(raw, "late", "happened")
    assert await reactor.numbers(10) == list(range(10))
    assert await reactor.is_silent()


async def test_given_events_of_ten_sources_when_a_reactor_registers_then_all_are_handled_once(
    raw: RawStore, connection: Connection
) -> None:
    await append_to(raw, *(f"source-{n}" for n in range(10)))
    reactor = await connection.reactor(raw, "late", "happened")
    assert sorted(await reactor.numbers(10)) == list(range(10))
    assert await reactor.is_silent()


async def test_given_more_than_a_page_of_events_when_a_reactor_registers_then_each_source_comes_in_order(
    raw: RawStore, connection: Connection
) -> None:
    for _ in range(5):
        await append_to(raw, *(f"source-{n % 7}" for n in range(700)))
    reactor = await connection.reactor(raw, "late", "happened")
    batches = await reactor.batches(3_500)
    assert all(batch.Partition == event.Context.EventSourceId for batch in batches for event in batch.Events)
    by_source = sorted(batches, key=lambda batch: batch.Partition)
    delivered = {
        source: [number for batch in of_source for number in numbers(batch)]
        for source, of_source in groupby(by_source, key=lambda batch: batch.Partition)
    }
    assert delivered == {
        f"source-{n}": [100 * 7 * m + k for m in range(5) for k in range(n, 700, 7)] for n in range(7)
    }


async def test_given_a_reactor_when_an_event_is_delivered_then_it_is_as_it_was_appended(
    raw: RawStore, connection: Connection
) -> None:
    reactor = await connection.reactor(raw, "r", "happened")
    await raw.append(
        "happened",
        {"what": "it"},
        source="s",
        Tags=["one", "two"],
        EventStreamType="orders",
        Occurred=occurred("2024-05-06T07:08:09.1230000+00:00"),
    )
    batch = await reactor.batch()
    (event,) = batch.Events
    (read,) = await raw.read()
    assert batch.Partition == "s"
    assert json.loads(event.Content) == {"what": "it"}
    assert event.Context.ObservationState == pb.EVENT_OBSERVATION_STATE_Initial
    assert event.Context.SerializeToString(deterministic=True) == read.Context.SerializeToString(
        deterministic=True
    )


@pytest.mark.row("S89")
async def test_given_a_reactor_for_one_type_when_another_happens_too_then_it_gets_only_its_own(
    raw: RawStore, connection: Connection
) -> None:
    reactor = await connection.reactor(raw, "r", "happened")
    await raw.append_many([to_append("other", EventType=type_filter("other")[0]), to_append("happened")])
    assert await reactor.numbers(1) == [1]
    assert await reactor.is_silent()


@pytest.mark.row("O6", "O7", "S114", "C126")
async def test_given_a_reactor_that_handled_ten_when_it_is_behind_and_reconnects_then_exactly_the_rest_comes(
    raw: RawStore, stubs: Stubs
) -> None:
    await append_to(raw, *["a"] * 10)
    missed = [list(range(10)), [10], list(range(11, 21))]
    for expected in missed:
        async with connected(stubs) as connection:
            reactor = await connection.reactor(raw, "r", "happened")
            assert sorted(await reactor.numbers(len(expected))) == expected
            assert await reactor.is_silent()
            await reactor.complete()
        if expected == missed[0]:
            await raw.append("happened", source="a")
        else:
            await append_to(raw, *(f"source-{n % 3}" for n in range(10)))


@pytest.mark.row("O12", "C128")
async def test_given_an_unknown_connection_id_when_an_observer_registers_then_its_stream_fails_naming_the_id(
    raw: RawStore, stubs: Stubs
) -> None:
    nobody = Connection(stubs, "nobody-is-connected-as-this")
    observers: list[Stream[Any]] = [
        await nobody.reactor(raw, "refused-reactor", "happened"),
        await nobody.reducer(raw, "refused-reducer", "model", "happened"),
    ]
    for observer in observers:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await observer.batch()
        assert "Client 'nobody-is-connected-as-this' is not connected" in (failure.value.details() or "")
    assert (await has_reactor(raw, "refused-reactor")).Exists
    await nobody.cancel_streams()


async def test_given_a_registered_reactor_then_it_is_known_with_its_sequence_and_an_unknown_one_is_not(
    raw: RawStore, connection: Connection
) -> None:
    await connection.reactor(raw, "known", "happened")
    await raw.ensure_namespace("tenant")
    found = await has_reactor(raw.within(namespace="tenant"), "known")
    assert found.Exists
    assert found.EventSequenceId == "event-log"
    missing = await has_reactor(raw, "unknown")
    assert not missing.Exists
    assert not missing.EventSequenceId


@pytest.mark.row("O19")
async def test_given_an_active_reactor_when_a_batch_for_two_sources_is_appended_then_it_comes_in_runs(
    raw: RawStore, connection: Connection
) -> None:
    reactor = await connection.reactor(raw, "r", "happened")
    await append_to(raw, "a", "a", "b", "a")
    for partition, expected in (("a", [0, 1]), ("b", [2]), ("a", [3])):
        batch = await reactor.batch()
        assert (batch.Partition, numbers(batch)) == (partition, expected)
        assert await reactor.is_silent()
        await reactor.succeed(batch)


@pytest.mark.row("O24")
async def test_given_an_answer_for_a_partition_with_nothing_outstanding_then_it_is_ignored(
    raw: RawStore, connection: Connection
) -> None:
    reactor = await connection.reactor(raw, "r", "happened")
    await reactor.answer("never-heard-of", 1, 41)
    await append_to(raw, "a", "b")
    batch = await reactor.batch()
    await reactor.answer("b", 2, UNAVAILABLE)
    await reactor.succeed(batch)
    assert await reactor.numbers(1) == [1]


@pytest.mark.row("O28", "O156")
async def test_given_a_filter_of_several_tags_then_any_of_them_suffices_and_casing_counts(
    raw: RawStore, connection: Connection
) -> None:
    wanted = pb.ObserverFilters(FilterTags=["red", "blue"], EventStreamType="All")
    reactor = await connection.reactor(raw, "r", "happened", filters=wanted)
    for tags in (["Red"], ["red", "old"], [], ["blue"], ["green"]):
        await raw.append("happened", Tags=tags)
    assert await reactor.numbers(2) == [1, 3]
    assert await reactor.is_silent()


@pytest.mark.row("O29")
async def test_given_a_filter_of_a_source_type_then_only_exact_matches_are_handled(
    raw: RawStore, connection: Connection
) -> None:
    accounts = pb.ObserverFilters(EventSourceType="account", EventStreamType="All")
    reactor = await connection.reactor(raw, "r", "happened", filters=accounts)
    for source_type in ("customer", "account", "Account", ""):
        await raw.append("happened", EventSourceType=source_type)
    assert await reactor.numbers(1) == [1]
    assert await reactor.is_silent()


@pytest.mark.row("O30")
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (pb.ObserverFilters(EventStreamType="orders"), [1]),
        (pb.ObserverFilters(EventStreamType="All"), [0, 1, 2]),
        (pb.ObserverFilters(), [0, 1, 2]),
    ],
    ids=["one stream type", "all", "absent"],
)
async def test_given_a_filter_of_a_stream_type_then_only_exact_matches_are_handled_and_all_means_all(
    raw: RawStore, connection: Connection, filters: pb.ObserverFilters, expected: list[int]
) -> None:
    reactor = await connection.reactor(raw, "r", "happened", filters=filters)
    for stream_type in ("returns", "orders", ""):
        await raw.append("happened", EventStreamType=stream_type)
    assert await reactor.numbers(len(expected)) == expected
    assert await reactor.is_silent()


@pytest.mark.row("O31", "S112")
async def test_given_combined_filters_then_of_a_run_only_events_that_match_all_are_delivered(
    raw: RawStore, connection: Connection
) -> None:
    filters = pb.ObserverFilters(FilterTags=["red"], EventSourceType="account", EventStreamType="orders")
    reactor = await connection.reactor(raw, "r", "happened", filters=filters)
    matching: dict[str, Any] = {"Tags": ["red"], "EventSourceType": "account", "EventStreamType": "orders"}
    await raw.append_many(
        [
            to_append("happened", **matching),
            to_append("happened", **matching | {"Tags": ["blue"]}),
            to_append("happened", **matching),
            to_append("happened", **matching | {"EventSourceType": "customer"}),
            to_append("happened", **matching | {"EventStreamType": "returns"}),
            to_append("happened", **matching),
        ]
    )
    assert await reactor.numbers(3) == [0, 2, 5]
    assert await reactor.is_silent()


@pytest.mark.row("O32")
async def test_given_labelling_tags_on_the_definition_then_they_do_not_filter(
    raw: RawStore, connection: Connection
) -> None:
    reactor = await connection.reactor(raw, "r", "happened", Tags=["label"])
    await raw.append("happened")
    assert await reactor.numbers(1) == [0]


@pytest.mark.row("O37")
async def test_given_a_failed_partition_then_events_of_another_are_delivered_as_ever(
    raw: RawStore, connection: Connection
) -> None:
    reactor = await connection.reactor(raw, "r", "happened")
    await raw.append("happened", source="broken")
    await reactor.fail(await reactor.batch())
    await append_to(raw, "fine", "fine")
    batch = await reactor.batch()
    assert (batch.Partition, numbers(batch)) == ("fine", [1, 2])


async def test_given_a_failed_partition_when_it_is_retried_then_it_goes_on_where_it_failed_and_misses_nothing(
    raw: RawStore, connection: Connection
) -> None:
    reactor = await connection.reactor(raw, "r", "happened")
    await raw.append("happened", source="broken")
    await reactor.fail(await reactor.batch())
    await raw.append("happened", source="broken")
    assert await reactor.is_silent()
    assert await reactor.numbers(2) == [0, 1]
    await raw.append("happened", source="broken")
    assert await reactor.numbers(1) == [2]


async def test_given_a_stream_that_drops_with_a_batch_outstanding_then_the_batch_comes_again(
    raw: RawStore, stubs: Stubs
) -> None:
    async with connected(stubs) as connection:
        reactor = await connection.reactor(raw, "r", "happened")
        await append_to(raw, "a", "a")
        assert numbers(await reactor.batch()) == [0, 1]
    async with connected(stubs) as connection:
        reactor = await connection.reactor(raw, "r", "happened")
        assert await reactor.numbers(2) == [0, 1]


@pytest.mark.row("O149")
async def test_given_an_event_of_another_generation_of_an_observed_type_then_it_is_delivered(
    raw: RawStore, connection: Connection
) -> None:
    await raw.stubs.event_types.Register(
        events_pb2.RegisterEventTypesRequest(
            EventStore=raw.name,
            Types=[
                events_pb2.EventTypeRegistration(
                    Type=events_pb2.EventType(Id="grown", Generation=2),
                    Schema="{}",
                    Generations=[
                        events_pb2.EventTypeGenerationDefinition(Generation=1, Schema="{}"),
                        events_pb2.EventTypeGenerationDefinition(Generation=2, Schema="{}"),
                    ],
                    Migrations=[
                        events_pb2.EventTypeMigrationDefinition(
                            FromGeneration=1, ToGeneration=2, UpcastJmesPath="{}", DowncastJmesPath="{}"
                        )
                    ],
                )
            ],
        )
    )
    reactor = await connection.reactor(raw, "r", "grown")
    second = type_filter("grown")[0]
    second.Generation = 2
    await raw.append("grown", EventType=second)
    batch = await reactor.batch()
    assert [event.Context.EventType.Id for event in batch.Events] == ["grown"]


@pytest.mark.row("O150")
async def test_given_quick_appends_to_one_source_then_each_is_delivered_once_in_order(
    raw: RawStore, connection: Connection
) -> None:
    reactor = await connection.reactor(raw, "r", "happened")
    for n in range(20):
        await raw.append("happened", {"n": n})
    assert await reactor.numbers(20) == list(range(20))
    assert await reactor.is_silent()


@pytest.mark.row("O56")
async def test_given_two_connections_of_one_reactor_then_each_partition_has_one_of_them_and_both_have_some(
    raw: RawStore, stubs: Stubs
) -> None:
    sources = [f"source-{n}" for n in range(20)]
    async with connected(stubs) as one, connected(stubs) as two:
        streams = [await each.reactor(raw, "shared", "happened") for each in (one, two)]
        for _ in range(2):
            await append_to(raw, *sources)
        seen = await drained(streams, 2 * len(sources))
    assert not seen[0].keys() & seen[1].keys()
    assert all(seen)
    together = {**seen[0], **seen[1]}
    assert together == {source: [n, n + len(sources)] for n, source in enumerate(sources)}


@pytest.mark.row("O59")
async def test_given_a_second_connection_with_other_event_types_then_it_replaces_the_first(
    raw: RawStore, stubs: Stubs
) -> None:
    async with connected(stubs) as one, connected(stubs) as two:
        first = await one.reactor(raw, "r", "happened")
        second = await two.reactor(raw, "r", "other")
        other = type_filter("other")[0]
        await raw.append_many([to_append("happened"), to_append("other", EventType=other)])
        assert await second.numbers(1) == [1]
        assert await second.is_silent()
        assert await first.is_silent()


@pytest.mark.row("O62")
async def test_given_one_reactor_id_in_two_stores_and_two_namespaces_then_events_go_to_the_right_stream(
    raw: RawStore, connection: Connection
) -> None:
    elsewhere = RawStore(raw.stubs, f"{raw.name}-2")
    await elsewhere.ensure()
    await elsewhere.register("happened")
    await raw.ensure_namespace("tenant")
    places = [raw, elsewhere, raw.within(namespace="tenant")]
    streams = [await connection.reactor(place, "same", "happened") for place in places]
    for n, place in enumerate(places):
        await place.append("happened", {"place": n})
    for n, stream in enumerate(streams):
        batch = await stream.batch()
        assert [json.loads(event.Content) for event in batch.Events] == [{"place": n}]
        await stream.succeed(batch)
        assert await stream.is_silent()
