"""Saved queries and their folders by the contract (package SequenceQueries)."""

from typing import Any

import grpc.aio
import pytest

from chronicle.contracts import sequence_queries_pb2 as pb
from tests.conformance.raw import RawStore
from tests.waiting import PATIENCE

EVERYONE = pb.SEQUENCE_QUERY_SCOPE_Everyone


async def save(store: RawStore, id_: str, name: str, owner: str = "anna", **fields: Any) -> None:
    query = pb.SequenceQueryDefinition(Id=id_, Name=name, Owner=owner, **fields)
    await store.stubs.sequence_queries.Save(pb.SaveSequenceQueryRequest(EventStore=store.name, Query=query))


async def save_folder(store: RawStore, id_: str, path: str, owner: str = "anna", **fields: Any) -> None:
    folder = pb.SequenceQueryFolderDefinition(Id=id_, Path=path, Owner=owner, **fields)
    await store.stubs.sequence_queries.SaveFolder(
        pb.SaveSequenceQueryFolderRequest(EventStore=store.name, Folder=folder)
    )


def of(store: RawStore, owner: str) -> pb.GetSequenceQueriesRequest:
    return pb.GetSequenceQueriesRequest(EventStore=store.name, Owner=owner)


async def names(store: RawStore, owner: str) -> list[str]:
    queries = await store.stubs.sequence_queries.GetSequenceQueries(of(store, owner))
    return sorted(query.Name for query in queries.items)


async def paths(store: RawStore, owner: str) -> list[str]:
    folders = await store.stubs.sequence_queries.GetSequenceQueryFolders(of(store, owner))
    return sorted(folder.Path for folder in folders.items)


async def test_given_a_query_when_saved_then_it_comes_back_whole(raw: RawStore) -> None:
    saved = pb.SequenceQueryDefinition(
        Id="1",
        Name="Failures",
        Scope=EVERYONE,
        Owner="anna",
        Namespace="tenant",
        EventSequenceId="event-log",
        EventSourceId="account-42",
        EventTypes=["happened", "other"],
        Tags=["red"],
        Descending=True,
        Folder="Diagnostics/Failures",
        EventSourceType="account",
        EventStreamType="orders",
        CorrelationId="018f0000-0000-7000-8000-000000000001",
        SortBy=pb.SEQUENCE_QUERY_SORT_BY_Occurred,
    )
    await raw.stubs.sequence_queries.Save(pb.SaveSequenceQueryRequest(EventStore=raw.name, Query=saved))
    (query,) = (await raw.stubs.sequence_queries.GetSequenceQueries(of(raw, "anna"))).items
    assert query == saved


async def test_given_queries_of_several_people_then_each_sees_their_own_and_those_for_everyone(
    raw: RawStore,
) -> None:
    await save(raw, "1", "mine")
    await save(raw, "2", "yours", owner="ben")
    await save(raw, "3", "ours", owner="ben", Scope=EVERYONE)
    assert await names(raw, "anna") == ["mine", "ours"]
    assert await names(raw, "ben") == ["ours", "yours"]
    assert await names(raw, "carl") == ["ours"]


async def test_given_a_query_when_saved_again_then_it_takes_the_place_of_the_first(raw: RawStore) -> None:
    await save(raw, "1", "first")
    await save(raw, "1", "second", owner="ben")
    assert await names(raw, "anna") == []
    assert await names(raw, "ben") == ["second"]


async def test_given_queries_when_one_is_deleted_then_the_others_stay(raw: RawStore) -> None:
    await save(raw, "1", "first")
    await save(raw, "2", "second")
    for id_ in ("1", "unknown"):
        request = pb.DeleteSequenceQueryRequest(EventStore=raw.name, Id=id_)
        await raw.stubs.sequence_queries.Delete(request)
    assert await names(raw, "anna") == ["second"]


async def test_given_a_watch_then_it_tells_what_the_owner_sees_now_and_after_each_change(
    raw: RawStore,
) -> None:
    watch = aiter(raw.stubs.sequence_queries.ObserveSequenceQueries(of(raw, "anna"), timeout=PATIENCE))
    assert list((await anext(watch)).items) == []
    await save(raw, "1", "first")
    assert [query.Name for query in (await anext(watch)).items] == ["first"]
    await raw.stubs.sequence_queries.Delete(pb.DeleteSequenceQueryRequest(EventStore=raw.name, Id="1"))
    assert list((await anext(watch)).items) == []


async def test_given_folders_then_they_are_seen_as_queries_are(raw: RawStore) -> None:
    await save_folder(raw, "1", "Diagnostics")
    await save_folder(raw, "2", "Diagnostics/Failures")
    await save_folder(raw, "3", "Theirs", owner="ben")
    await save_folder(raw, "4", "Ours", owner="ben", Scope=EVERYONE)
    assert await paths(raw, "anna") == ["Diagnostics", "Diagnostics/Failures", "Ours"]
    await save_folder(raw, "1", "Errors")
    assert await paths(raw, "anna") == ["Diagnostics/Failures", "Errors", "Ours"]


async def test_given_a_folder_when_deleted_then_what_is_in_it_stays(raw: RawStore) -> None:
    await save_folder(raw, "1", "Diagnostics")
    await save_folder(raw, "2", "Diagnostics/Failures")
    await save(raw, "1", "inside", Folder="Diagnostics")
    request = pb.DeleteSequenceQueryFolderRequest(EventStore=raw.name, Id="1")
    await raw.stubs.sequence_queries.DeleteFolder(request)
    assert await paths(raw, "anna") == ["Diagnostics/Failures"]
    assert await names(raw, "anna") == ["inside"]


async def test_given_two_event_stores_then_what_is_saved_in_one_is_not_in_the_other(raw: RawStore) -> None:
    await save(raw, "1", "here")
    await save_folder(raw, "1", "Here")
    other = RawStore(raw.stubs, f"{raw.name}-2")
    assert await names(other, "anna") == []
    assert await paths(other, "anna") == []


async def test_given_bounds_of_time_when_saved_then_they_are_left_out_as_they_carry_nothing(
    raw: RawStore,
) -> None:
    await save(raw, "1", "bounded", OccurredFrom=pb.DateTimeOffset(), OccurredTo=pb.DateTimeOffset())
    (query,) = (await raw.stubs.sequence_queries.GetSequenceQueries(of(raw, "anna"))).items
    assert not query.HasField("OccurredFrom")
    assert not query.HasField("OccurredTo")


async def test_given_no_id_when_saved_then_it_is_refused(raw: RawStore) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match="cannot be saved without an id"):
        await save(raw, "", "nameless")
    with pytest.raises(grpc.aio.AioRpcError, match="cannot be saved without an id"):
        await save_folder(raw, " ", "Nowhere")
