"""Waiting until observers have handled what was appended (observation.md 7.4)."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from chronicle.connections.calls import Call
from chronicle.contracts import observation_pb2 as pb
from chronicle.contracts.observation_pb2_grpc import ObserversStub
from chronicle.event_sequences.results import AppendManyResult, AppendResult
from chronicle.store_access import StoreAccess

PATIENCE: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class FailedPartition:
    """An event source, or another partition, that an observer could not go on with."""

    observer_id: str
    partition: str
    sequence_number: int | None
    """The event at which the last attempt failed."""
    messages: tuple[str, ...]
    """Why it did, outermost first."""


@dataclass(frozen=True, slots=True)
class ObserverCompletion:
    """How far the observers of a sequence have come."""

    failed_partitions: tuple[FailedPartition, ...] = ()
    """All that have failed, also before the append that was waited for."""

    @property
    def is_success(self) -> bool:
        """Whether every observer has handled everything up to that append."""
        return not self.failed_partitions


class ObserverWait:
    """Waits for the observers of one event sequence; see `EventSequence.wait_for_observers`."""

    def __init__(self, store: StoreAccess, sequence_id: str) -> None:
        self._store = store
        self._sequence_id = sequence_id
        self._method = ObserversStub(store.channel).WaitForCompletion

    async def until(self, result: AppendResult | AppendManyResult, timeout: timedelta) -> ObserverCompletion:
        """Returns when all of them are past the last number of the result, or have failed."""
        numbers = (
            result.sequence_numbers if isinstance(result, AppendManyResult) else (result.sequence_number,)
        )
        if not numbers or numbers[-1] is None:
            return ObserverCompletion()
        settings = replace(self._store.calls, timeout=timeout.total_seconds())
        wait = Call(self._method, "Observers/WaitForCompletion", settings)
        response = await wait(
            pb.WaitForObserverCompletionRequest(
                EventStore=self._store.event_store,
                Namespace=self._store.namespace,
                EventSequenceId=self._sequence_id,
                TailEventSequenceNumber=numbers[-1],
            )
        )
        return ObserverCompletion(tuple(map(_failed_partition, response.FailedPartitions)))


def _failed_partition(message: pb.FailedPartition) -> FailedPartition:
    last = message.Attempts[-1] if message.Attempts else None
    return FailedPartition(
        message.ObserverId,
        message.Partition,
        None if last is None else last.SequenceNumber,
        () if last is None else tuple(last.Messages),
    )
