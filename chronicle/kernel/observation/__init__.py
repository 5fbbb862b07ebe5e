"""Observation: who observes a sequence, how far they have come, and how events get to them."""

from chronicle.kernel.observation.definitions import (
    ObservedEventType,
    ObserverDefinition,
    ObserverDefinitions,
    ObserverOwner,
    ObserverType,
)
from chronicle.kernel.observation.failures import Attempt, FailedPartition
from chronicle.kernel.observation.filters import NO_FILTERS, ObserverFilters
from chronicle.kernel.observation.observer import Observer, RunningState
from chronicle.kernel.observation.observers import Observers
from chronicle.kernel.observation.reducers import ReducerSubscriber
from chronicle.kernel.observation.settings import DEFAULT_SETTINGS, ObservationSettings
from chronicle.kernel.observation.subscriber import (
    Batch,
    Effect,
    ObservationState,
    Outcome,
    ReplayState,
    Subscriber,
)
from chronicle.kernel.observation.subscription import Subscription
from chronicle.kernel.observation.targets import ClientStream, Targets

__all__ = [
    "DEFAULT_SETTINGS",
    "NO_FILTERS",
    "Attempt",
    "Batch",
    "ClientStream",
    "Effect",
    "FailedPartition",
    "ObservationSettings",
    "ObservationState",
    "ObservedEventType",
    "Observer",
    "ObserverDefinition",
    "ObserverDefinitions",
    "ObserverFilters",
    "ObserverOwner",
    "ObserverType",
    "Observers",
    "Outcome",
    "ReducerSubscriber",
    "ReplayState",
    "RunningState",
    "Subscriber",
    "Subscription",
    "Targets",
]
