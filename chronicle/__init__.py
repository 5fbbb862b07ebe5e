"""Chronicle for Python: event sourcing with an embedded kernel, or with a remote one.

    @event_type("account-opened")
    class AccountOpened(BaseModel):
        owner: str

    async with ChronicleClient("chronicle+embedded:///bank.db") as client:
        store = await client.event_store("bank", artifacts=discover("bank"))
        await store.event_log.append("account-42", AccountOpened(owner="Alice"))

Everything that an application needs is here, and nothing else is meant for it. docs/ has the guides.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from chronicle.artifacts import (
    Artifacts,
    discover,
)
from chronicle.client import (
    ChronicleClient,
)
from chronicle.compliance.compliance import (
    Compliance,
)
from chronicle.compliance.markers import (
    Pii,
    Subject,
)
from chronicle.context import (
    Causation,
    Identity,
    Surroundings,
    causation,
    clear_correlation_id,
    clear_identity,
    correlation,
    current_causation,
    current_correlation_id,
    current_identity,
    identity,
    set_correlation_id,
    set_identity,
    surroundings,
)
from chronicle.errors import (
    AppendError,
    CallError,
    ChronicleError,
    ConcurrencyError,
    ConcurrencyScopeError,
    ConfigurationError,
    ConnectionStringError,
    ConstraintViolationError,
    DatabaseInUseError,
    DeadlineError,
    DeclarationError,
    DefaultStreamError,
    DuplicateEventTypeError,
    HandlerSignatureError,
    KernelError,
    NewerDatabaseError,
    NotAChronicleDatabaseError,
    NotBuiltError,
    NotConnectedError,
    NotRunningError,
    NoUnitOfWorkError,
    PartialCommitError,
    RegistrationError,
    SerializationError,
    StorageError,
    StreamCompletedError,
    StreamError,
    UnitOfWorkCompletedError,
    UnitOfWorkError,
    UnknownEventTypeError,
    UnsupportedTypeError,
)
from chronicle.event_sequences.appends import (
    AppendOperation,
    Appends,
)
from chronicle.event_sequences.concurrency import (
    NO_CONCURRENCY_CHECK,
    ConcurrencyScope,
)
from chronicle.event_sequences.concurrency_strategies import (
    AppendTarget,
    ConcurrencyStrategy,
    LastSeen,
    OptimisticConcurrency,
)
from chronicle.event_sequences.event_for import (
    EventFor,
)
from chronicle.event_sequences.event_sequence import (
    EventSequence,
)
from chronicle.event_sequences.observer_completion import (
    FailedPartition,
    ObserverCompletion,
)
from chronicle.event_sequences.querying import (
    HistogramBucket,
    QueryPage,
    Resolution,
    SortBy,
)
from chronicle.event_sequences.results import (
    AppendManyResult,
    AppendResult,
)
from chronicle.event_sequences.unit_of_work import (
    UnitOfWork,
    current_unit_of_work,
    has_current_unit_of_work,
)
from chronicle.event_store import (
    EventStore,
)
from chronicle.events.constraints import (
    ConstraintBuilder,
    ConstraintScope,
    Unique,
    constraint,
    removes_constraint,
    unique_event_type,
)
from chronicle.events.event_context import (
    AppendedEvent,
    EventContext,
    EventObservationState,
)
from chronicle.events.event_redacted import (
    EventRedacted,
)
from chronicle.events.event_types import (
    event_type,
)
from chronicle.events.migrations import (
    MigrationBuilder,
    migration,
)
from chronicle.identities import (
    Identities,
)
from chronicle.observation.declarations import (
    reactor,
    reducer,
)
from chronicle.observation.runtime import (
    ObserverStatus,
)
from chronicle.observation.services import (
    Container,
    Services,
    ServiceScope,
)
from chronicle.observation.streams import (
    ObserverState,
)
from chronicle.read_models.declaration import (
    read_model,
)
from chronicle.read_models.read_models import (
    ReadModelInstance,
    ReadModels,
)
from chronicle.read_models.watching import (
    ChangeKind,
    ReadModelChange,
    Watch,
)
from chronicle.seeding import (
    Seeds,
    seeder,
)
from chronicle.serialization.concepts import (
    Concept,
)
from chronicle.serialization.derived import (
    derived_type,
)
from chronicle.subscriptions import (
    EventStoreSubscription,
    Subscriptions,
    event_store_subscription,
)
from chronicle.violations import (
    ConcurrencyViolation,
    ConstraintType,
    ConstraintViolation,
)

if TYPE_CHECKING:
    from chronicle.options import ChronicleOptions
    from chronicle.serialization.geometry import LineString, Point, Polygon

EventLog: TypeAlias = EventSequence
"""The event sequence that events go to unless another one is named."""

__all__ = [
    "NO_CONCURRENCY_CHECK",
    "AppendError",
    "AppendManyResult",
    "AppendOperation",
    "AppendResult",
    "AppendTarget",
    "AppendedEvent",
    "Appends",
    "Artifacts",
    "CallError",
    "Causation",
    "ChangeKind",
    "ChronicleClient",
    "ChronicleError",
    "ChronicleOptions",
    "Compliance",
    "Concept",
    "ConcurrencyError",
    "ConcurrencyScope",
    "ConcurrencyScopeError",
    "ConcurrencyStrategy",
    "ConcurrencyViolation",
    "ConfigurationError",
    "ConnectionStringError",
    "ConstraintBuilder",
    "ConstraintScope",
    "ConstraintType",
    "ConstraintViolation",
    "ConstraintViolationError",
    "Container",
    "DatabaseInUseError",
    "DeadlineError",
    "DeclarationError",
    "DefaultStreamError",
    "DuplicateEventTypeError",
    "EventContext",
    "EventFor",
    "EventLog",
    "EventObservationState",
    "EventRedacted",
    "EventSequence",
    "EventStore",
    "EventStoreSubscription",
    "FailedPartition",
    "HandlerSignatureError",
    "HistogramBucket",
    "Identities",
    "Identity",
    "KernelError",
    "LastSeen",
    "LineString",
    "MigrationBuilder",
    "NewerDatabaseError",
    "NoUnitOfWorkError",
    "NotAChronicleDatabaseError",
    "NotBuiltError",
    "NotConnectedError",
    "NotRunningError",
    "ObserverCompletion",
    "ObserverState",
    "ObserverStatus",
    "OptimisticConcurrency",
    "PartialCommitError",
    "Pii",
    "Point",
    "Polygon",
    "QueryPage",
    "ReadModelChange",
    "ReadModelInstance",
    "ReadModels",
    "RegistrationError",
    "Resolution",
    "Seeds",
    "SerializationError",
    "ServiceScope",
    "Services",
    "SortBy",
    "StorageError",
    "StreamCompletedError",
    "StreamError",
    "Subject",
    "Subscriptions",
    "Surroundings",
    "Unique",
    "UnitOfWork",
    "UnitOfWorkCompletedError",
    "UnitOfWorkError",
    "UnknownEventTypeError",
    "UnsupportedTypeError",
    "Watch",
    "causation",
    "clear_correlation_id",
    "clear_identity",
    "constraint",
    "correlation",
    "current_causation",
    "current_correlation_id",
    "current_identity",
    "current_unit_of_work",
    "derived_type",
    "discover",
    "event_store_subscription",
    "event_type",
    "has_current_unit_of_work",
    "identity",
    "migration",
    "reactor",
    "read_model",
    "reducer",
    "removes_constraint",
    "seeder",
    "set_correlation_id",
    "set_identity",
    "surroundings",
    "unique_event_type",
]


# pydantic-settings takes as long to import as everything above, and not everyone gives options or has places.
_IMPORTED_WHEN_ASKED_FOR: Final = {
    "ChronicleOptions": "chronicle.options",
    "LineString": "chronicle.serialization.geometry",
    "Point": "chronicle.serialization.geometry",
    "Polygon": "chronicle.serialization.geometry",
}


def __getattr__(name: str) -> Any:
    module = _IMPORTED_WHEN_ASKED_FOR.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(module), name)
