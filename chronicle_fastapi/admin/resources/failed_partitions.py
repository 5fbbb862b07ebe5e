"""Failed partitions: event sources that an observer has stopped at (observation.md 6)."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query

from chronicle.contracts import observation_pb2 as pb
from chronicle.contracts.observation_pb2_grpc import FailedPartitionsStub
from chronicle.events.wire import to_moment
from chronicle_fastapi.admin.calls import ask
from chronicle_fastapi.admin.events import moment_or_none
from chronicle_fastapi.admin.models import LARGEST_NAME, AdminModel, guid_or_none
from chronicle_fastapi.admin.numbers import SequenceNumber, number_or_none
from chronicle_fastapi.admin.routes import resource_router
from chronicle_fastapi.admin.scopes import InNamespace, NamespaceScope


class FailedPartitionAttempt(AdminModel):
    """A time that an observer tried to handle the events of a partition, and failed."""

    occurred: datetime | None
    sequence_number: SequenceNumber | None
    """The event that it failed at, where the next attempt begins."""
    messages: list[str]
    stack_trace: str


class FailedPartition(AdminModel):
    """An event source whose events an observer no longer gets until a retry succeeds."""

    id: UUID | None
    """The same for as long as the failure lasts."""
    observer_id: str
    partition: str
    """The id of the event source."""
    attempts: list[FailedPartitionAttempt]
    """The oldest first."""


async def list_failed_partitions(
    scope: NamespaceScope, observer_id: str | None = None
) -> list[FailedPartition]:
    """The failed partitions of the namespace, or those of one observer.

    Raises `CallError`. (FailedPartitions/GetFailedPartitions)
    """
    response = await ask(
        scope.client,
        FailedPartitionsStub(scope.client.channel).GetFailedPartitions,
        "FailedPartitions/GetFailedPartitions",
        # An empty id is not sent, and absent means all of them.
        pb.GetFailedPartitionsRequest(
            EventStore=scope.event_store, Namespace=scope.namespace, ObserverId=observer_id or ""
        ),
    )
    return [_failed_partition(message) for message in response.items]


def _failed_partition(message: pb.FailedPartition) -> FailedPartition:
    return FailedPartition(
        id=guid_or_none(message.Id),
        observer_id=message.ObserverId,
        partition=message.Partition,
        attempts=[
            FailedPartitionAttempt(
                occurred=moment_or_none(to_moment(attempt.Occurred)),
                sequence_number=number_or_none(attempt.SequenceNumber),
                messages=list(attempt.Messages),
                stack_trace=attempt.StackTrace,
            )
            for attempt in message.Attempts
        ],
    )


router = resource_router(
    "failed partitions", "/event-stores/{event_store}/namespaces/{namespace}/failed-partitions"
)


@router.get("")
async def get_failed_partitions(
    scope: InNamespace,
    observer_id: Annotated[str | None, Query(min_length=1, max_length=LARGEST_NAME)] = None,
) -> list[FailedPartition]:
    """List the failed partitions of a namespace, or those of one observer."""
    return await list_failed_partitions(scope, observer_id)
