"""Reducers by the contract and through the client: states out, states in (observation.md 5)."""

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import grpc.aio
import pytest

from chronicle import Artifacts, ChronicleClient, EventContext, EventStore, reducer
from chronicle.contracts import observation_reducers_pb2 as pb
from tests.conformance.bank import (
    EVENT_TYPES,
    Account,
    AccountClosed,
    AccountOpened,
    AccountReducer,
    FundsDeposited,
    FundsWithdrawn,
)
from tests.conformance.observing import Connection, ReducerStream, connected, numbers
from tests.conformance.raw import RawStore, Stubs, to_append
from tests.waiting import eventually

COUNTER = {
    "id": {"type": "string"},
    "count": {"type": "integer", "format": "int32"},
    "notes": {"type": "array", "items": {"type": "string"}},
}


@pytest.fixture
async def connection(stubs: Stubs) -> AsyncIterator[Connection]:
    async with connected(stubs) as connection:
        yield connection


@pytest.fixture
async def counter(raw: RawStore, connection: Connection) -> ReducerStream:
    """A reducer of the read model `counter`, subscribed."""
    await raw.register_model("counter", COUNTER)
    return await connection.reducer(raw, "reducer", "counter", "happened")


async def reduce(stream: ReducerStream, state: dict[str, Any] | None) -> pb.ReduceOperationMessage:
    """Takes the next batch, and answers that it leads to this state."""
    batch = await stream.batch()
    await stream.succeed(batch, ReadModelState="" if state is None else json.dumps(state))
    return batch


async def becomes(store: RawStore, key: str, expected: dict[str, Any] | None) -> None:
    """Waits until the instance is as expected."""

    async def look() -> Any:
        return json.loads((await store.instance("counter", key)).ReadModel)

    await eventually(look, lambda found: found == expected)


@pytest.mark.row("O63")
async def test_given_the_first_event_of_a_source_then_there_is_no_state_and_the_answer_is_stored(
    raw: RawStore, counter: ReducerStream
) -> None:
    await raw.append("happened", source="a")
    batch = await reduce(counter, {"count": 1})
    assert batch.Partition == "a"
    assert not batch.InitialState
    await becomes(raw, "a", {"id": "a", "count": 1})


@pytest.mark.row("O64")
async def test_given_a_stored_state_when_the_next_event_comes_then_it_comes_with_that_state(
    raw: RawStore, counter: ReducerStream
) -> None:
    await raw.append("happened", source="a")
    await reduce(counter, {"id": "a", "count": 1, "notes": ["x"]})
    await raw.append("happened", source="a")
    batch = await reduce(counter, {"id": "a", "count": 2, "notes": ["x", "y"]})
    assert json.loads(batch.InitialState) == {"id": "a", "count": 1, "notes": ["x"]}
    await becomes(raw, "a", {"id": "a", "count": 2, "notes": ["x", "y"]})


@pytest.mark.row("O65", "O167")
async def test_given_an_answer_without_state_then_the_instance_is_gone_and_the_next_event_starts_from_none(
    raw: RawStore, counter: ReducerStream
) -> None:
    await raw.append("happened", source="never-there")
    await reduce(counter, None)
    await raw.append("happened", source="a")
    await reduce(counter, {"count": 1})
    await becomes(raw, "a", {"id": "a", "count": 1})
    await raw.append("happened", source="a")
    await reduce(counter, None)
    await becomes(raw, "a", None)
    await raw.append("happened", source="a")
    batch = await reduce(counter, {"count": 10})
    assert not batch.InitialState
    await becomes(raw, "a", {"id": "a", "count": 10})
    assert [instance["id"] for instance in await raw.instances("counter")] == ["a"]


@pytest.mark.row("O66", "O166")
async def test_given_a_failure_then_the_state_is_untouched_and_the_batch_is_reduced_again_from_its_start(
    raw: RawStore, counter: ReducerStream
) -> None:
    await raw.append("happened", source="a")
    await reduce(counter, {"count": 1})
    await raw.append_many([to_append("happened", source="a"), to_append("happened", source="a")])
    batch = await counter.batch()
    assert numbers(batch) == [1, 2]
    await counter.fail(batch)
    await becomes(raw, "a", {"id": "a", "count": 1})
    again = await reduce(counter, {"count": 3})
    assert numbers(again) == [1, 2]
    assert json.loads(again.InitialState)["count"] == 1
    await becomes(raw, "a", {"id": "a", "count": 3})


@pytest.mark.row("O66")
async def test_given_an_answer_with_no_state_of_success_or_failure_then_the_read_model_is_untouched(
    raw: RawStore, counter: ReducerStream
) -> None:
    await raw.append("happened", source="a")
    await reduce(counter, {"count": 1})
    await raw.append("happened", source="a")
    batch = await counter.batch()
    await counter.answer(batch.Partition, 0, 1, ReadModelState=json.dumps({"count": 99}))
    await raw.append("happened", source="b")
    await reduce(counter, {"count": 1})
    await becomes(raw, "b", {"id": "b", "count": 1})
    await becomes(raw, "a", {"id": "a", "count": 1})


@pytest.mark.row("O168")
async def test_given_an_unchanged_state_then_nothing_is_written_and_the_next_event_still_comes(
    raw: RawStore, counter: ReducerStream
) -> None:
    await raw.append("happened", source="a")
    await reduce(counter, {"count": 1})
    await raw.append("happened", source="a")
    await reduce(counter, {"id": "a", "count": 1})
    await raw.append("happened", source="a")
    batch = await counter.batch()
    assert numbers(batch) == [2]
    # The number of the last event that changed it.
    assert (await raw.instance("counter", "a")).LastHandledEventSequenceNumber == 0
    await counter.succeed(batch, ReadModelState=json.dumps({"count": 2}))
    await becomes(raw, "a", {"id": "a", "count": 2})


@pytest.mark.row("O70")
async def test_given_an_unknown_read_model_when_a_reducer_registers_then_its_stream_fails_saying_so(
    raw: RawStore, connection: Connection
) -> None:
    stream = await connection.reducer(raw, "lost", "no-such-model", "happened")
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await stream.batch()
    assert "Failed to register reducer 'lost'" in (failure.value.details() or "")


@pytest.mark.row("O146", "C177")
async def test_given_a_passive_reducer_on_an_unknown_connection_then_its_stream_stays_open_and_silent(
    raw: RawStore, stubs: Stubs
) -> None:
    await raw.register_model("counter", COUNTER)
    nobody = Connection(stubs, "nobody-is-connected-as-this")
    stream = await nobody.reducer(raw, "reducer", "counter", "happened", active=False)
    await raw.append("happened")
    assert await stream.is_silent()
    assert stream.is_open
    await nobody.cancel_streams()


@pytest.mark.row("O72")
async def test_given_a_passive_reducer_then_it_registers_and_receives_nothing(
    raw: RawStore, connection: Connection
) -> None:
    await raw.register_model("counter", COUNTER)
    await raw.append("happened")
    stream = await connection.reducer(raw, "reducer", "counter", "happened", active=False)
    await raw.append("happened")
    assert await stream.is_silent()
    assert stream.is_open


@pytest.mark.row("O74")
async def test_given_a_state_with_a_collection_of_objects_and_a_place_then_it_comes_back_as_it_was(
    raw: RawStore, connection: Connection
) -> None:
    item = {"type": "object", "properties": {"name": {"type": "string"}, "amount": {"type": "number"}}}
    await raw.register_model(
        "counter",
        {
            "id": {"type": "string"},
            "items": {"type": "array", "items": item},
            "place": {"type": "object", "format": "point"},
        },
    )
    stream = await connection.reducer(raw, "reducer", "counter", "happened")
    state = {
        "id": "a",
        "items": [{"name": "first", "amount": 1.5}, {"name": "second", "amount": 2}],
        "place": {"type": "Point", "coordinates": [10.75, 59.91]},
    }
    await raw.append("happened", source="a")
    await reduce(stream, state)
    await raw.append("happened", source="a")
    batch = await stream.batch()
    assert json.loads(batch.InitialState) == state
    assert json.loads((await raw.instance("counter", "a")).ReadModel) == state


async def test_given_events_of_several_sources_when_a_reducer_registers_then_it_catches_up_source_by_source(
    raw: RawStore, connection: Connection
) -> None:
    await raw.append_many([to_append("happened", source=f"source-{n % 3}") for n in range(9)])
    await raw.register_model("counter", COUNTER)
    stream = await connection.reducer(raw, "reducer", "counter", "happened")
    for _ in range(3):
        batch = await stream.batch()
        assert len(batch.Events) == 3
        await stream.succeed(batch, ReadModelState=json.dumps({"count": len(batch.Events)}))
    for n in range(3):
        await becomes(raw, f"source-{n}", {"id": f"source-{n}", "count": 3})


@pytest.mark.row("C126")
async def test_given_a_reducer_that_returns_behind_then_it_goes_on_with_the_state_that_was_stored(
    raw: RawStore, stubs: Stubs
) -> None:
    await raw.register_model("counter", COUNTER)
    await raw.append("happened", source="a")
    async with connected(stubs) as connection:
        stream = await connection.reducer(raw, "reducer", "counter", "happened")
        assert numbers(await reduce(stream, {"count": 1})) == [0]
        await stream.complete()
    await raw.append("happened", source="a")
    async with connected(stubs) as connection:
        stream = await connection.reducer(raw, "reducer", "counter", "happened")
        batch = await reduce(stream, {"count": 2})
        assert numbers(batch) == [1]
        assert json.loads(batch.InitialState)["count"] == 1
        await becomes(raw, "a", {"id": "a", "count": 2})
        assert await stream.is_silent()


# Through the client.


async def account(store: EventStore, key: str, expected: Account | None) -> None:
    await eventually(lambda: store.read_models.get(Account, key), lambda found: found == expected)


async def test_given_a_reducer_when_events_are_appended_then_its_model_follows(
    client: ChronicleClient, store_name: str
) -> None:
    bank = await client.event_store(store_name, artifacts=Artifacts(reducers=[AccountReducer]))
    await bank.event_log.append("alice", AccountOpened(owner="Alice", initial_balance=Decimal("10.25")))
    await bank.event_log.append_many(
        "alice", [FundsDeposited(amount=Decimal("0.75")), FundsWithdrawn(amount=Decimal(3))]
    )
    await bank.event_log.append("bob", AccountOpened(owner="Bob"))
    await account(bank, "alice", Account(owner="Alice", balance=Decimal("8.00"), movements=2))
    await account(bank, "bob", Account(owner="Bob", balance=Decimal(0)))
    assert {each.owner for each in await bank.read_models.all(Account)} == {"Alice", "Bob"}


@pytest.mark.row("S117", "S119")
async def test_given_a_reducer_that_returns_none_then_the_instance_is_removed_and_starts_from_none_again(
    client: ChronicleClient, store_name: str
) -> None:
    seen: list[Account | None] = []

    @reducer(model=Account, id="watching")
    class Watching:
        def opened(self, event: AccountOpened, current: Account | None) -> Account:
            seen.append(current)
            return Account(owner=event.owner, balance=event.initial_balance)

        def closed(self, event: AccountClosed, current: Account | None) -> Account | None:
            seen.append(current)
            return None

    bank = await client.event_store(store_name, artifacts=Artifacts(reducers=[Watching]))
    alice = Account(owner="Alice", balance=Decimal(0))
    await bank.event_log.append("alice", AccountOpened(owner="Alice"))
    await account(bank, "alice", alice)
    await bank.event_log.append("alice", AccountClosed())
    await account(bank, "alice", None)
    await bank.event_log.append("alice", AccountOpened(owner="Alice"))
    await account(bank, "alice", alice)
    assert seen == [None, alice, None]


async def test_given_a_reducer_that_raises_on_the_second_of_three_then_the_third_waits_and_nothing_is_lost(
    client: ChronicleClient, store_name: str
) -> None:
    folded: list[tuple[Decimal, Decimal | None]] = []
    is_broken = True

    @reducer(model=Account, id="breaking")
    class Breaking:
        def deposited(self, event: FundsDeposited, current: Account | None, context: EventContext) -> Account:
            folded.append((event.amount, current.balance if current else None))
            if event.amount == 2 and is_broken:
                raise LookupError("not now")
            return Account(owner="x", balance=event.amount + (current.balance if current else 0))

    artifacts = Artifacts(event_types=EVENT_TYPES, reducers=[Breaking])
    bank = await client.event_store(store_name, artifacts=artifacts)
    await bank.event_log.append_many("alice", [FundsDeposited(amount=Decimal(n)) for n in (1, 2, 3)])
    await eventually(lambda: _async(len(folded)), lambda count: count >= 2)
    assert folded[:2] == [(Decimal(1), None), (Decimal(2), Decimal(1))]
    assert await bank.read_models.get(Account, "alice") is None
    is_broken = False
    await account(bank, "alice", Account(owner="x", balance=Decimal(6)))
    assert folded[2:] == [(Decimal(1), None), (Decimal(2), Decimal(1)), (Decimal(3), Decimal(3))]


async def _async(value: int) -> int:
    await asyncio.sleep(0)
    return value
