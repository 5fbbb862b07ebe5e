"""Read models: what they are, how they are given out, and where their instances are kept."""

from chronicle.kernel.read_models.definitions import (
    ReadModel,
    ReadModelDefinition,
    ReadModelDefinitions,
    ReadModelObserverType,
)
from chronicle.kernel.read_models.errors import (
    InvalidReadModel,
    InvalidReadModelState,
    NotMaterialized,
    ReadModelNotFound,
    UnknownSinkType,
)
from chronicle.kernel.read_models.schema import ReadModelSchema
from chronicle.kernel.read_models.sinks import Sink, Sinks
from chronicle.kernel.read_models.watching import ChangeKind, InstanceChange, WatcherFellBehind

__all__ = [
    "ChangeKind",
    "InstanceChange",
    "InvalidReadModel",
    "InvalidReadModelState",
    "NotMaterialized",
    "ReadModel",
    "ReadModelDefinition",
    "ReadModelDefinitions",
    "ReadModelNotFound",
    "ReadModelObserverType",
    "ReadModelSchema",
    "Sink",
    "Sinks",
    "UnknownSinkType",
    "WatcherFellBehind",
]
