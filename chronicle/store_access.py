"""What every part of an event store needs to talk to its kernel."""

from dataclasses import dataclass

import grpc.aio

from chronicle.connections.calls import CallSettings
from chronicle.event_sequences.concurrency_strategies import ConcurrencyStrategy
from chronicle.events.declared_constraints import NO_CONSTRAINTS, DeclaredConstraints
from chronicle.events.event_types import EventTypes
from chronicle.serialization import Serializer


@dataclass(frozen=True, slots=True)
class StoreAccess:
    """An event store in one namespace, seen from inside: where it is, and how its content is written."""

    channel: grpc.aio.Channel
    event_store: str
    namespace: str
    event_types: EventTypes
    serializer: Serializer
    calls: CallSettings
    constraints: DeclaredConstraints = NO_CONSTRAINTS
    concurrency: ConcurrencyStrategy | None = None
    """Which scope appends get that name none; without a strategy they get none."""
