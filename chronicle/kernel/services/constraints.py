"""The Constraints service (contract package Events.Constraints; events.md 7.1)."""

from google.protobuf.empty_pb2 import Empty

from chronicle.contracts import events_constraints_pb2 as pb
from chronicle.contracts.events_constraints_pb2_grpc import ConstraintsServicer
from chronicle.kernel.constraints import (
    Constraint,
    ConstraintScope,
    UniqueConstraint,
    UniqueEventTypeConstraint,
    UniqueProperties,
)
from chronicle.kernel.errors import InvalidConstraint
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.services.faults import Context


class ConstraintsService(ConstraintsServicer):
    """Constraints on events: unique values and unique event types."""

    def __init__(self, kernel: Kernel) -> None:
        self._event_stores = kernel.event_stores

    async def Register(self, request: pb.RegisterConstraintsRequest, context: Context) -> Empty:
        """Adds or replaces constraints, all or none."""
        constraints = [_constraint(constraint) for constraint in request.Constraints]
        store = await self._event_stores.get(request.EventStore)
        await store.constraints.register(constraints)
        return Empty()


def _constraint(message: pb.Constraint) -> Constraint:
    if not message.Name.strip():
        raise InvalidConstraint("A constraint without a name cannot be registered. Send Name.")
    scope = ConstraintScope(
        message.Scope.EventSourceType, message.Scope.EventStreamType, message.Scope.EventStreamId
    )
    removed_with = tuple(message.RemovedWith)
    if message.Type == pb.CONSTRAINT_TYPE_Unique and message.Definition.HasField("Value0"):
        unique = message.Definition.Value0
        event_types = tuple(
            UniqueProperties(one.EventTypeId, tuple(one.Properties)) for one in unique.EventDefinitions
        )
        return UniqueConstraint(message.Name, event_types, unique.IgnoreCasing, removed_with, scope)
    if message.Type == pb.CONSTRAINT_TYPE_UniqueEventType and message.Definition.HasField("Value1"):
        ids = tuple(message.Definition.Value1.EventTypeIds)
        return UniqueEventTypeConstraint(message.Name, ids, removed_with, scope)
    raise InvalidConstraint(
        f"The constraint '{message.Name}' has type {message.Type} and not the definition for it. Send type "
        "Unique (1) with Definition.Value0, or type UniqueEventType (2) with Definition.Value1."
    )
