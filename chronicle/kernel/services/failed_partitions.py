"""The FailedPartitions service (contract package Observation; observation.md 6)."""

from chronicle.contracts import observation_pb2 as pb
from chronicle.contracts.observation_pb2_grpc import FailedPartitionsServicer
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.observation import FailedPartition
from chronicle.kernel.services.faults import Context
from chronicle.values import format_ticks, guid_halves


class FailedPartitionsService(FailedPartitionsServicer):
    """Event sources that observers have stopped at."""

    def __init__(self, kernel: Kernel) -> None:
        self._event_stores = kernel.event_stores

    async def GetFailedPartitions(
        self, request: pb.GetFailedPartitionsRequest, context: Context
    ) -> pb.IEnumerable_FailedPartition:
        """Those of all observers of a namespace, or of one; an empty id is none."""
        store = await self._event_stores.get(request.EventStore)
        namespace = await store.namespace(request.Namespace)
        answer = pb.IEnumerable_FailedPartition()
        for definition in await store.observer_definitions.all():
            if request.ObserverId in ("", definition.id):
                observer = await namespace.observers.get(definition.id)
                answer.items.extend(
                    failed_partition(definition.id, failure) for failure in observer.state.failed
                )
        return answer


def failed_partition(observer_id: str, failure: FailedPartition) -> pb.FailedPartition:
    """The message for a failed partition of an observer."""
    message = pb.FailedPartition(ObserverId=observer_id, Partition=failure.partition)
    message.Id.lo, message.Id.hi = guid_halves(failure.id)
    for attempt in failure.attempts:
        # Stack traces stay here: they tell of the machine, and are of no use to a caller.
        message.Attempts.add(
            Occurred=pb.SerializableDateTimeOffset(Value=format_ticks(attempt.occurred)),
            SequenceNumber=attempt.sequence_number,
            Messages=attempt.messages,
        )
    return message
