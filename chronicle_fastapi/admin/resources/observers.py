"""Observers: how far each has come, and replaying what it saw (observation.md 2 and 7)."""

from typing import Any, Self
from uuid import UUID

from fastapi import HTTPException

from chronicle.contracts import observation_pb2 as pb
from chronicle.contracts.observation_pb2_grpc import ObserversStub
from chronicle.values import NO_GUID
from chronicle_fastapi.admin.calls import ask
from chronicle_fastapi.admin.models import (
    AdminModel,
    AdminRequest,
    ContractEnum,
    EventTypeReference,
    Name,
)
from chronicle_fastapi.admin.numbers import Count, SequenceNumber, number_or_none
from chronicle_fastapi.admin.resources.connected_clients import ConnectedClientDetails
from chronicle_fastapi.admin.resources.failed_partitions import list_failed_partitions
from chronicle_fastapi.admin.routes import ACCEPTED, DONE, resource_router
from chronicle_fastapi.admin.scopes import IdInPath, InNamespace, NamespaceScope, NotThereError, with_id


class ObserverType(ContractEnum):
    """What an observer is; `external` is a webhook, or a subscription of another event store."""

    UNKNOWN = "unknown"
    REACTOR = "reactor"
    PROJECTION = "projection"
    REDUCER = "reducer"
    EXTERNAL = "external"


class ObserverOwner(ContractEnum):
    """Who runs an observer: a client (reactors and reducers), or the kernel (all others)."""

    NONE = "none"
    CLIENT = "client"
    KERNEL = "kernel"


class ObserverState(ContractEnum):
    """What an observer does. One that catches up is `active`; `unknown` is passed through, or not begun."""

    UNKNOWN = "unknown"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REPLAYING = "replaying"
    DISCONNECTED = "disconnected"
    QUARANTINED = "quarantined"


class ObserverSummary(AdminModel):
    """An observer in one namespace."""

    id: str
    event_sequence_id: str
    type: ObserverType
    owner: ObserverOwner
    state: ObserverState
    event_types: list[EventTypeReference]
    """What it wants to see; whatever the generation."""
    next_sequence_number: SequenceNumber
    """The number of the event that it expects next."""
    last_handled_sequence_number: SequenceNumber | None
    """The newest event that it has handled; null before the first."""
    tail_sequence_number: SequenceNumber | None
    """The end of the event sequence, as far as the observer knows: it may lag behind by a minute."""
    behind: Count
    """How many numbers there are from the next one to the end."""
    handled_count: Count
    """How many events it has handled; those handled again count again."""
    is_replayable: bool

    @classmethod
    def of(cls, message: pb.ObserverInformation) -> Self:
        """What a message of the contract stands for."""
        next_number = number_or_none(message.NextEventSequenceNumber) or 0
        tail = number_or_none(message.TailEventSequenceNumber)
        return cls(
            id=message.Id,
            event_sequence_id=message.EventSequenceId,
            type=ObserverType.of(message.Type),
            owner=ObserverOwner.of(message.Owner),
            state=ObserverState.of(message.RunningState),
            event_types=[
                EventTypeReference(id=one.Id, generation=one.Generation) for one in message.EventTypes
            ],
            next_sequence_number=next_number,
            last_handled_sequence_number=number_or_none(message.LastHandledEventSequenceNumber),
            tail_sequence_number=tail,
            behind=0 if tail is None else max(0, tail + 1 - next_number),
            handled_count=message.HandledEventCount,
            # Left out means true.
            is_replayable=message.IsReplayable if message.HasField("IsReplayable") else True,
        )


class ObserverDetails(ObserverSummary):
    """An observer in one namespace, and whether it has anybody to give events to."""

    is_subscribed: bool


class ReplayStarted(AdminModel):
    """What became of asking for a replay."""

    job_id: UUID | None
    """The job that does it; null when nothing is done: there are no events, or the state is not one to
    replay in, such as `disconnected`."""


class PartitionRequest(AdminRequest):
    """One partition of an observer."""

    partition: Name
    """The id of the event source."""


async def list_observers(scope: NamespaceScope) -> list[ObserverSummary]:
    """All observers of the namespace, the kernel's own (`$system.`) among them, by id.

    Raises `CallError`. (Observers/GetObservers)
    """
    response = await ask(
        scope.client,
        ObserversStub(scope.client.channel).GetObservers,
        "Observers/GetObservers",
        pb.AllObserversRequest(EventStore=scope.event_store, Namespace=scope.namespace),
    )
    return sorted((ObserverSummary.of(one) for one in response.items), key=lambda one: one.id)


async def find_observer(scope: NamespaceScope, observer_id: str) -> ObserverDetails:
    """An observer. Raises `NotThereError` for one that is unknown, `CallError`.

    (Observers/GetObservers, GetObserverInformation)
    """
    # The kernel has information about any id; and forgets the event types of who is not subscribed.
    listed = await _listed(scope, observer_id)
    message = await ask(
        scope.client,
        ObserversStub(scope.client.channel).GetObserverInformation,
        "Observers/GetObserverInformation",
        pb.GetObserverInformationRequest(**_place(scope, listed)),
    )
    now = ObserverSummary.of(message)
    return ObserverDetails(
        **(
            now if now.event_types else now.model_copy(update={"event_types": listed.event_types})
        ).model_dump(),
        is_subscribed=message.IsSubscribed,
    )


async def list_clients_of_observer(scope: NamespaceScope, observer_id: str) -> list[ConnectedClientDetails]:
    """The clients that an observer hands events to.

    Raises `NotThereError`, `CallError`. (Observers/GetConnectedClientsForObserver)
    """
    response = await ask(
        scope.client,
        ObserversStub(scope.client.channel).GetConnectedClientsForObserver,
        "Observers/GetConnectedClientsForObserver",
        pb.GetConnectedClientsForObserverRequest(**_place(scope, await _listed(scope, observer_id))),
    )
    return [ConnectedClientDetails.of(message) for message in response.items]


async def replay_observer(scope: NamespaceScope, observer_id: str) -> ReplayStarted:
    """Has an observer see all events once more.

    Raises `NotThereError`, `HTTPException` 409 for an observer that cannot be replayed, `CallError`.
    (Observers/Replay)
    """
    response = await ask(
        scope.client,
        ObserversStub(scope.client.channel).Replay,
        "Observers/Replay",
        pb.Replay(**_place(scope, await _replayable(scope, observer_id))),
    )
    job_id = UUID(response.JobId) if response.JobId else NO_GUID
    return ReplayStarted(job_id=None if job_id == NO_GUID else job_id)


async def replay_partition(scope: NamespaceScope, observer_id: str, partition: str) -> None:
    """Has an observer see all events of one partition once more; otherwise as `replay_observer`.

    (Observers/ReplayPartition)
    """
    observer = await _replayable(scope, observer_id)
    await ask(
        scope.client,
        ObserversStub(scope.client.channel).ReplayPartition,
        "Observers/ReplayPartition",
        pb.ReplayPartition(**_place(scope, observer), Partition=partition),
    )


async def retry_partition(scope: NamespaceScope, observer_id: str, partition: str) -> None:
    """Has an observer try a failed partition again, now, from where it failed.

    Raises `NotThereError` when there is no such observer, or the partition has not failed; `CallError`.
    (FailedPartitions/GetFailedPartitions, Observers/RetryPartition)
    """
    observer = await _listed(scope, observer_id)
    failed = await list_failed_partitions(scope, observer_id)
    if all(one.partition != partition for one in failed):
        raise NotThereError(f"failed partition of the observer '{observer_id}' with the id", partition)
    await ask(
        scope.client,
        ObserversStub(scope.client.channel).RetryPartition,
        "Observers/RetryPartition",
        pb.RetryPartition(**_place(scope, observer), Partition=partition),
    )


async def clear_quarantine(scope: NamespaceScope, observer_id: str) -> None:
    """Lets an observer that was stopped for failing too often go on. Its failed partitions stay failed.

    Raises `NotThereError`, `CallError`. (Observers/ClearObserverQuarantine)
    """
    await ask(
        scope.client,
        ObserversStub(scope.client.channel).ClearObserverQuarantine,
        "Observers/ClearObserverQuarantine",
        pb.ClearObserverQuarantine(**_place(scope, await _listed(scope, observer_id))),
    )


async def _listed(scope: NamespaceScope, observer_id: str) -> ObserverSummary:
    return with_id(await list_observers(scope), "observer", observer_id)


async def _replayable(scope: NamespaceScope, observer_id: str) -> ObserverSummary:
    observer = await _listed(scope, observer_id)
    if not observer.is_replayable:
        raise HTTPException(409, f"The observer '{observer_id}' is declared as one that is never replayed.")
    return observer


def _place(scope: NamespaceScope, observer: ObserverSummary) -> dict[str, Any]:
    return {
        "EventStore": scope.event_store,
        "Namespace": scope.namespace,
        "ObserverId": observer.id,
        "EventSequenceId": observer.event_sequence_id,
    }


router = resource_router("observers", "/event-stores/{event_store}/namespaces/{namespace}/observers")


@router.get("")
async def get_observers(scope: InNamespace) -> list[ObserverSummary]:
    """List the observers of a namespace."""
    return await list_observers(scope)


@router.get("/{observer_id}")
async def get_observer(scope: InNamespace, observer_id: IdInPath) -> ObserverDetails:
    """Get one observer."""
    return await find_observer(scope, observer_id)


@router.get("/{observer_id}/clients")
async def get_clients_of_observer(scope: InNamespace, observer_id: IdInPath) -> list[ConnectedClientDetails]:
    """List the clients that an observer hands events to."""
    return await list_clients_of_observer(scope, observer_id)


@router.post("/{observer_id}/replay", name="replay_observer", status_code=202)
async def _replay(scope: InNamespace, observer_id: IdInPath) -> ReplayStarted:
    """Have an observer see all events once more."""
    return await replay_observer(scope, observer_id)


@router.post("/{observer_id}/replay-partition", name="replay_partition", **ACCEPTED)
async def _replay_partition(scope: InNamespace, observer_id: IdInPath, body: PartitionRequest) -> None:
    """Have an observer see all events of one partition once more."""
    await replay_partition(scope, observer_id, body.partition)


@router.post("/{observer_id}/retry-partition", name="retry_partition", **ACCEPTED)
async def _retry_partition(scope: InNamespace, observer_id: IdInPath, body: PartitionRequest) -> None:
    """Have an observer try a failed partition again, from where it failed."""
    await retry_partition(scope, observer_id, body.partition)


@router.post("/{observer_id}/clear-quarantine", name="clear_observer_quarantine", **DONE)
async def _clear_quarantine(scope: InNamespace, observer_id: IdInPath) -> None:
    """Let an observer that was stopped for failing too often go on."""
    await clear_quarantine(scope, observer_id)
