"""What is told of observers: how far they have come, and where they have stopped (observation.md 6 and 7)."""

from collections.abc import AsyncIterator, Sequence

import pytest

from chronicle.contracts import observation_pb2 as pb
from chronicle.contracts.observation_pb2_grpc import FailedPartitionsStub, ObserversStub
from chronicle.values import UNAVAILABLE
from tests.conformance.kernels import KernelUnderTest
from tests.conformance.observing import Connection, connected
from tests.conformance.raw import RawStore, Stubs
from tests.waiting import eventually


@pytest.fixture
async def connection(stubs: Stubs) -> AsyncIterator[Connection]:
    async with connected(stubs) as connection:
        yield connection


class Told:
    """What the kernel tells of the observers of an event store in a namespace."""

    def __init__(self, kernel: KernelUnderTest, store: RawStore) -> None:
        self._observers = ObserversStub(kernel.channel)
        self._failed = FailedPartitionsStub(kernel.channel)
        self._store = store

    async def observers(self) -> dict[str, pb.ObserverInformation]:
        request = pb.AllObserversRequest(EventStore=self._store.name, Namespace=self._store.namespace)
        return {one.Id: one for one in (await self._observers.GetObservers(request)).items}

    async def failed(self, observer_id: str = "") -> Sequence[pb.FailedPartition]:
        request = pb.GetFailedPartitionsRequest(
            EventStore=self._store.name, Namespace=self._store.namespace, ObserverId=observer_id
        )
        return (await self._failed.GetFailedPartitions(request)).items

    async def failed_once(self, observer_id: str) -> pb.FailedPartition:
        """The failed partition of an observer, once there is one."""
        (failure,) = await eventually(lambda: self.failed(observer_id))
        return failure


@pytest.fixture
def told(kernel: KernelUnderTest, raw: RawStore) -> Told:
    return Told(kernel, raw)


async def test_given_a_reactor_then_it_is_told_what_it_is_and_how_far_it_has_come(
    raw: RawStore, connection: Connection, told: Told
) -> None:
    stream = await connection.reactor(raw, "reactor", "happened", "other", replayable=False)
    await raw.append("happened", source="a")
    await raw.append("third", source="a")
    await stream.batches(1)

    async def handled() -> pb.ObserverInformation:
        return (await told.observers())["reactor"]

    found = await eventually(handled, lambda one: one.NextEventSequenceNumber == 2)
    assert (found.EventSequenceId, found.Type, found.Owner) == (raw.sequence, 1, 1)
    assert [event_type.Id for event_type in found.EventTypes] == ["happened", "other"]
    assert (found.LastHandledEventSequenceNumber, found.TailEventSequenceNumber) == (0, 1)
    assert (found.HandledEventCount, found.RunningState) == (1, 1)
    assert found.HasField("IsReplayable")
    assert not found.IsReplayable


async def test_given_an_observer_that_has_events_before_it_then_how_many_can_be_told(
    raw: RawStore, connection: Connection, told: Told
) -> None:
    for _ in range(3):
        await raw.append("happened", source="a")
    stream = await connection.reactor(raw, "reactor", "happened")
    await stream.batch()  # and no answer
    found = (await told.observers())["reactor"]
    assert (found.NextEventSequenceNumber, found.TailEventSequenceNumber) == (0, 2)
    assert found.LastHandledEventSequenceNumber == UNAVAILABLE


@pytest.mark.row("O143")
async def test_given_a_namespace_in_which_an_observer_never_ran_then_it_is_listed_at_its_beginning(
    kernel: KernelUnderTest, raw: RawStore, connection: Connection, told: Told
) -> None:
    await connection.reactor(raw, "reactor", "happened")
    elsewhere = raw.within(namespace="elsewhere")
    await elsewhere.append("happened")
    found = (await Told(kernel, elsewhere).observers())["reactor"]
    assert (found.NextEventSequenceNumber, found.HandledEventCount, found.RunningState) == (0, 0, 0)
    assert found.LastHandledEventSequenceNumber == found.TailEventSequenceNumber == UNAVAILABLE
    assert not any(one.IsSubscribed for one in (await told.observers()).values())


@pytest.mark.row("O55")
async def test_given_failed_partitions_then_those_of_all_observers_or_of_one_are_listed(
    raw: RawStore, connection: Connection, told: Told
) -> None:
    await raw.append("happened", source="a")
    for observer in ("first", "second"):
        stream = await connection.reactor(raw, observer, "happened")
        await stream.fail(await stream.batch(), message=f"no, says {observer}")
    failure = await told.failed_once("first")
    await told.failed_once("second")
    assert {one.ObserverId for one in await told.failed()} == {"first", "second"}
    assert (failure.ObserverId, failure.Partition) == ("first", "a")
    (attempt,) = failure.Attempts
    assert (attempt.SequenceNumber, list(attempt.Messages)) == (0, ["no, says first"])
    assert attempt.Occurred.Value
    assert not attempt.StackTrace
    assert await told.failed("nobody") == []
