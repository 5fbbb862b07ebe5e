"""The Observers service (contract package Observation; observation.md 7)."""

from chronicle.contracts import observation_pb2 as pb
from chronicle.contracts.observation_pb2_grpc import ObserversServicer
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.observation import Observer, ObserverDefinition, RunningState
from chronicle.kernel.observation.waiting import wait_for_observers
from chronicle.kernel.sequences import EventSequence
from chronicle.kernel.services.failed_partitions import failed_partition
from chronicle.kernel.services.faults import Context
from chronicle.values import UNAVAILABLE


class ObserversService(ObserversServicer):
    """The observers of a namespace, as others see them."""

    def __init__(self, kernel: Kernel) -> None:
        self._event_stores = kernel.event_stores

    async def GetObservers(
        self, request: pb.AllObserversRequest, context: Context
    ) -> pb.IEnumerable_ObserverInformation:
        """All observers of an event store, and how far each has come in a namespace.

        Whether anyone is subscribed is not told here, as by the real kernel; the running state says it.
        """
        store = await self._event_stores.get(request.EventStore)
        namespace = await store.namespace(request.Namespace)
        answer = pb.IEnumerable_ObserverInformation()
        for definition in await store.observer_definitions.all():
            observer = await namespace.observers.get(definition.id)
            sequence = namespace.event_sequence(definition.event_sequence)
            answer.items.append(await _information(definition, observer, sequence))
        return answer

    async def WaitForCompletion(
        self, request: pb.WaitForObserverCompletionRequest, context: Context
    ) -> pb.WaitForObserverCompletionResponse:
        """Answers when all observers of a sequence are past a number, or have failed."""
        store = await self._event_stores.get(request.EventStore)
        namespace = await store.namespace(request.Namespace)
        failed = await wait_for_observers(
            namespace.observers,
            store.observer_definitions,
            request.EventSequenceId,
            request.TailEventSequenceNumber,
        )
        return pb.WaitForObserverCompletionResponse(
            IsSuccess=not failed, FailedPartitions=[failed_partition(*each) for each in failed]
        )


async def _information(
    definition: ObserverDefinition, observer: Observer, sequence: EventSequence
) -> pb.ObserverInformation:
    state = observer.state
    # Without this one that never ran here, such as a passive reducer, would be as far behind as can be.
    has_run = observer.is_subscribed or state.next_number > 0
    tail = await sequence.tail() if has_run else None
    return pb.ObserverInformation(
        Id=definition.id,
        EventSequenceId=definition.event_sequence,
        Type=pb.ObserverType.ValueType(definition.type),
        Owner=pb.ObserverOwner.ValueType(definition.owner),
        EventTypes=[pb.EventType(Id=one.id, Generation=one.generation) for one in definition.event_types],
        NextEventSequenceNumber=state.next_number,
        LastHandledEventSequenceNumber=UNAVAILABLE if state.last_handled is None else state.last_handled,
        RunningState=pb.ObserverRunningState.ValueType(
            observer.running_state if has_run else RunningState.UNKNOWN
        ),
        IsReplayable=definition.is_replayable,
        TailEventSequenceNumber=UNAVAILABLE if tail is None else tail,
        HandledEventCount=state.handled_count,
    )
