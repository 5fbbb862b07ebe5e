"""Watching read models, by the contract and through the client (projections-and-read-models.md 3.5)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import grpc.aio
import pytest

from chronicle import Artifacts, ChangeKind, ChronicleClient, DeclarationError, EventStore, Watch
from chronicle.contracts import read_models_pb2 as pb
from chronicle.kernel.services import read_models as service
from chronicle.values import UNAVAILABLE, guid_from_halves
from tests.conformance.bank import Account, AccountClosed, AccountOpened, AccountReducer, FundsDeposited
from tests.conformance.observing import Connection, ReducerStream, connected
from tests.conformance.raw import RawStore, Stubs, to_append
from tests.waiting import in_good_time

COUNTER = {"id": {"type": "string"}, "count": {"type": "integer", "format": "int32"}}


@pytest.fixture
async def connection(stubs: Stubs) -> AsyncIterator[Connection]:
    async with connected(stubs) as connection:
        yield connection


@pytest.fixture
async def counter(raw: RawStore, connection: Connection) -> ReducerStream:
    """A reducer of the read model `counter`, subscribed."""
    await raw.register_model("counter", COUNTER)
    return await connection.reducer(raw, "reducer", "counter", "happened")


async def reduce(stream: ReducerStream, state: dict[str, Any] | None) -> None:
    batch = await stream.batch()
    await stream.succeed(batch, ReadModelState="" if state is None else json.dumps(state))


class RawWatch:
    """A call of ReadModels/Watch."""

    def __init__(self, store: RawStore, model: str, **fields: str) -> None:
        place = {"EventStore": store.name, "Namespace": store.namespace, "EventSequenceId": store.sequence}
        self._call = store.stubs.read_models.Watch(
            pb.WatchRequest(ReadModelIdentifier=model, **{**place, **fields})
        )

    async def message(self) -> pb.ReadModelChangeset:
        async with in_good_time():
            message = await self._call.read()
        assert isinstance(message, pb.ReadModelChangeset)
        return message

    async def is_silent(self) -> bool:
        """Whether no message is on its way. To be asked last: it ends the call on the network."""
        try:
            async with asyncio.timeout(0.15):
                await self._call.read()
        except TimeoutError:
            return True
        return False

    def cancel(self) -> None:
        self._call.cancel()


@asynccontextmanager
async def watching(store: RawStore, model: str = "counter", **fields: str) -> AsyncIterator[RawWatch]:
    """A watch that stands."""
    watch = RawWatch(store, model, **fields)
    try:
        first = await watch.message()
        assert first == pb.ReadModelChangeset(Subscribed=True)
        yield watch
    finally:
        watch.cancel()


@pytest.mark.row("P145", "P146")
async def test_given_a_watch_when_an_instance_is_added_then_the_message_has_what_is_read_and_its_cause(
    raw: RawStore, counter: ReducerStream
) -> None:
    async with watching(raw) as watch:
        await raw.append("happened", source="a")
        await reduce(counter, {"count": 1})
        message = await watch.message()
    assert (message.ModelKey, message.Namespace) == ("a", raw.namespace)
    assert (message.ChangeType, message.Removed, message.Subscribed) == (0, False, False)
    expected = json.loads((await raw.instance("counter", "a")).ReadModel)
    assert json.loads(message.ReadModel) == {**expected, "__lastHandledEventSequenceNumber": 0}
    (event,) = await raw.read()
    assert message.EventSequenceNumber == event.Context.SequenceNumber
    assert message.Occurred.Value == event.Context.Occurred.Value
    sent, stored = message.CorrelationId, event.Context.CorrelationId
    assert guid_from_halves(sent.lo, sent.hi) == guid_from_halves(stored.lo, stored.hi)


@pytest.mark.row("P147", "P152")
async def test_given_a_watch_when_an_instance_changes_and_goes_then_both_are_told(
    raw: RawStore, counter: ReducerStream
) -> None:
    await raw.append("happened", source="a")
    await reduce(counter, {"count": 1})
    async with watching(raw) as watch:
        # The first change may come before or after the watch stands.
        await raw.append("happened", source="a")
        await reduce(counter, {"count": 2})
        message = await watch.message()
        while message.EventSequenceNumber == 0:
            message = await watch.message()
        assert (message.ChangeType, message.Removed) == (1, False)
        assert json.loads(message.ReadModel)["count"] == 2
        await raw.append("happened", source="a")
        await reduce(counter, None)
        removed = await watch.message()
    assert (removed.ChangeType, removed.Removed, removed.EventSequenceNumber) == (2, True, 2)
    # As it was, what it carried included.
    assert json.loads(removed.ReadModel) == {"id": "a", "count": 2, "__lastHandledEventSequenceNumber": 1}


@pytest.mark.row("P148")
async def test_given_a_batch_that_makes_and_changes_an_instance_then_there_is_one_message(
    raw: RawStore, counter: ReducerStream
) -> None:
    async with watching(raw) as watch:
        await raw.append_many([to_append("happened", source="a"), to_append("happened", source="a")])
        await reduce(counter, {"count": 2})
        await raw.append("happened", source="b")
        await reduce(counter, {"count": 1})
        first, second = await watch.message(), await watch.message()
    assert (first.ModelKey, first.ChangeType, first.EventSequenceNumber) == ("a", 0, 1)
    assert second.ModelKey == "b"


@pytest.mark.row("P240")
async def test_given_a_batch_that_changes_nothing_then_there_is_no_message(
    raw: RawStore, counter: ReducerStream
) -> None:
    async with watching(raw) as watch:
        for source, count in [("a", 1), ("a", 1), ("b", 1)]:
            await raw.append("happened", source=source)
            await reduce(counter, {"count": count})
        assert [(await watch.message()).ModelKey for _ in range(2)] == ["a", "b"]


@pytest.mark.row("P241")
async def test_given_a_passive_read_model_then_a_watch_stands_and_nothing_is_told(
    raw: RawStore, connection: Connection
) -> None:
    await raw.register_model("counter", COUNTER, sink="None")
    stream = await connection.reducer(raw, "reducer", "counter", "happened")
    async with watching(raw) as watch:
        await raw.append("happened", source="a")
        await reduce(stream, {"count": 1})
        await raw.append("happened", source="b")
        await stream.batch()  # so the first one was taken in
        assert await watch.is_silent()


@pytest.mark.row("P246")
async def test_given_personal_data_then_messages_are_readable_and_do_not_name_the_subject(
    raw: RawStore, connection: Connection
) -> None:
    name = {"type": "string", "compliance": [{"metadataType": "PII", "details": ""}]}
    await raw.register_model("counter", {**COUNTER, "name": name})
    stream = await connection.reducer(raw, "reducer", "counter", "happened")
    async with watching(raw) as watch:
        await raw.append("happened", source="a")
        await reduce(stream, {"count": 1, "name": "Alice"})
        message = await watch.message()
    assert json.loads(message.ReadModel)["name"] == "Alice"
    assert "__subject" not in message.ReadModel


@pytest.mark.row("P242")
async def test_given_a_change_in_another_namespace_then_it_is_not_told(
    raw: RawStore, counter: ReducerStream, connection: Connection
) -> None:
    elsewhere = raw.within(namespace="elsewhere")
    there = await connection.reducer(elsewhere, "reducer", "counter", "happened")
    async with watching(raw) as watch:
        await elsewhere.append("happened", source="there")
        await reduce(there, {"count": 1})
        await raw.append("happened", source="here")
        await reduce(counter, {"count": 1})
        assert (await watch.message()).ModelKey == "here"


@pytest.mark.row("P245", "S128")
async def test_given_two_watches_then_both_are_told_everything_and_one_goes_on_without_the_other(
    raw: RawStore, counter: ReducerStream
) -> None:
    async with watching(raw) as watch:
        async with watching(raw) as other:
            await raw.append("happened", source="a")
            await reduce(counter, {"count": 1})
            assert (await watch.message()) == (await other.message())
        await raw.append("happened", source="b")
        await reduce(counter, {"count": 1})
        assert (await watch.message()).ModelKey == "b"


@pytest.mark.row("P149")
async def test_given_no_such_read_model_then_a_watch_waits_for_it_and_gives_up(
    raw: RawStore, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = RawWatch(raw, "counter")
    await raw.register_model("counter", COUNTER)
    assert (await watch.message()).Subscribed
    watch.cancel()
    monkeypatch.setattr(service, "WATCH_PATIENCE", 0.05)
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await RawWatch(raw, "never").message()
    details = failure.value.details() or ""
    assert "Read model definition not registered within 50ms" in details
    assert "Ensure the read model is registered before watching." in details


async def changes(watch: Watch[Account], count: int) -> list[Any]:
    async with in_good_time():
        return [await anext(watch) for _ in range(count)]


@pytest.fixture
async def accounts(client: ChronicleClient, store_name: str) -> EventStore:
    artifacts = Artifacts(event_types=[AccountClosed], reducers=[AccountReducer])
    return await client.event_store(store_name, artifacts=artifacts)


@pytest.mark.row("S205", "S127")
async def test_given_a_client_s_watch_then_it_stands_once_entered_and_changes_come_as_models(
    accounts: EventStore,
) -> None:
    async with accounts.read_models.watch(Account) as watch:
        opened = await accounts.event_log.append("alice", AccountOpened(owner="Alice"))
        (added,) = await changes(watch, 1)
        await accounts.event_log.append("alice", FundsDeposited(amount=Decimal("2.50")))
        (modified,) = await changes(watch, 1)
        context = (await accounts.event_log.events_for("alice"))[1].context
        await accounts.event_log.append("alice", AccountClosed())
        (removed,) = await changes(watch, 1)
    assert (added.kind, added.key, added.sequence_number) == (ChangeKind.ADDED, "alice", 0)
    assert added.model == Account(owner="Alice", balance=Decimal(0))
    assert added.correlation_id == opened.correlation_id
    assert (modified.kind, modified.sequence_number) == (ChangeKind.MODIFIED, 1)
    assert modified.model == Account(owner="Alice", balance=Decimal("2.50"), movements=1)
    assert modified.occurred == context.occurred
    assert (removed.kind, removed.key, removed.sequence_number) == (ChangeKind.REMOVED, "alice", 2)
    assert removed.model == modified.model


async def test_given_a_key_then_only_that_instance_is_told_of(accounts: EventStore) -> None:
    async with accounts.read_models.watch(Account, "bob") as watch:
        for owner in ("alice", "bob"):
            await accounts.event_log.append(owner, AccountOpened(owner=owner))
        (change,) = await changes(watch, 1)
    assert change.key == "bob"


@pytest.mark.row("S198")
async def test_given_a_class_that_nothing_keeps_then_watching_it_is_refused_before_any_call(
    accounts: EventStore,
) -> None:
    with pytest.raises(DeclarationError, match="Nothing keeps the read model AccountOpened"):
        accounts.read_models.watch(AccountOpened)


async def test_given_a_watch_that_was_closed_then_it_has_ended(accounts: EventStore) -> None:
    watch = accounts.read_models.watch(Account)
    async with watch:
        pass
    assert [change async for change in watch] == []


async def test_an_instance_is_read_with_its_number_and_the_scope_to_append_with(accounts: EventStore) -> None:
    assert await accounts.read_models.newest_event(Account) is None
    assert await accounts.read_models.instance(Account, "alice") is None
    async with accounts.read_models.watch(Account) as watch:
        await accounts.event_log.append("alice", AccountOpened(owner="Alice"))
        await changes(watch, 1)
    found = await accounts.read_models.instance(Account, "alice")
    assert found is not None
    assert (found.key, found.model.owner, found.sequence_number) == ("alice", "Alice", 0)
    assert await accounts.read_models.newest_event(Account) == 0
    scope = accounts.read_models.scope(Account, "alice", found.sequence_number)
    deposit = FundsDeposited(amount=Decimal(1))
    assert (await accounts.event_log.try_append("alice", deposit, concurrency=scope)).is_success
    late = await accounts.event_log.try_append("alice", deposit, concurrency=scope)
    assert [violation.actual_sequence_number for violation in late.concurrency_violations] == [1]
    with pytest.raises(ValueError, match="not the sequence number"):
        accounts.read_models.scope(Account, "alice", UNAVAILABLE)
