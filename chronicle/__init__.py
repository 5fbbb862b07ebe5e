"""Chronicle for Python: event sourcing with an embedded kernel, or with a remote one.

    @event_type("account-opened")
    class AccountOpened(BaseModel):
        owner: str

    async with ChronicleClient("chronicle+embedded:///bank.db") as client:
        store = await client.event_store("bank", artifacts=discover("bank"))
        await store.event_log.append("account-42", AccountOpened(owner="Alice"))

Everything that an application needs is here, and nothing else is meant for it. docs/ has the guides.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

from chronicle.artifacts import (
    Artifacts,
    discover,
)
from chronicle.client import (
    ChronicleClient,
)
from chronicle.context import (
    Causation,
    Identity,
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
)
from chronicle.errors import (
    AppendError,
    CallError,
    ChronicleError,
    ConcurrencyError,
    ConfigurationError,
    ConnectionStringError,
    ConstraintViolationError,
    DatabaseInUseError,
    DeadlineError,
    DeclarationError,
    DuplicateEventTypeError,
    HandlerSignatureError,
    KernelError,
    NewerDatabaseError,
    NotAChronicleDatabaseError,
    NotBuiltError,
    NotConnectedError,
    NotRunningError,
    NoUnitOfWorkError,
    RegistrationError,
    SerializationError,
    StorageError,
    UnitOfWorkCompletedError,
    UnitOfWorkError,
    UnknownEventTypeError,
    UnsupportedTypeError,
)
from chronicle.event_sequences.concurrency import (
    NO_CONCURRENCY_CHECK,
    ConcurrencyScope,
)
from chronicle.event_sequences.event_for import (
    EventFor,
)
from chronicle.event_sequences.event_sequence import (
    EventSequence,
)
from chronicle.event_sequences.results import (
    AppendManyResult,
    AppendResult,
    ConcurrencyViolation,
    ConstraintType,
    ConstraintViolation,
)
from chronicle.event_sequences.unit_of_work import (
    UnitOfWork,
    current_unit_of_work,
    has_current_unit_of_work,
)
from chronicle.event_store import (
    EventStore,
)
from chronicle.events.event_context import (
    AppendedEvent,
    EventContext,
)
from chronicle.events.event_types import (
    event_type,
)
from chronicle.observation.declarations import (
    reactor,
    reducer,
)
from chronicle.read_models.declaration import (
    read_model,
)
from chronicle.read_models.read_models import (
    ReadModels,
)

if TYPE_CHECKING:
    from chronicle.options import ChronicleOptions

EventLog: TypeAlias = EventSequence
"""The event sequence that events go to unless another one is named."""

__all__ = [
    "NO_CONCURRENCY_CHECK",
    "AppendError",
    "AppendManyResult",
    "AppendResult",
    "AppendedEvent",
    "Artifacts",
    "CallError",
    "Causation",
    "ChronicleClient",
    "ChronicleError",
    "ChronicleOptions",
    "ConcurrencyError",
    "ConcurrencyScope",
    "ConcurrencyViolation",
    "ConfigurationError",
    "ConnectionStringError",
    "ConstraintType",
    "ConstraintViolation",
    "ConstraintViolationError",
    "DatabaseInUseError",
    "DeadlineError",
    "DeclarationError",
    "DuplicateEventTypeError",
    "EventContext",
    "EventFor",
    "EventLog",
    "EventSequence",
    "EventStore",
    "HandlerSignatureError",
    "Identity",
    "KernelError",
    "NewerDatabaseError",
    "NoUnitOfWorkError",
    "NotAChronicleDatabaseError",
    "NotBuiltError",
    "NotConnectedError",
    "NotRunningError",
    "ReadModels",
    "RegistrationError",
    "SerializationError",
    "StorageError",
    "UnitOfWork",
    "UnitOfWorkCompletedError",
    "UnitOfWorkError",
    "UnknownEventTypeError",
    "UnsupportedTypeError",
    "causation",
    "clear_correlation_id",
    "clear_identity",
    "correlation",
    "current_causation",
    "current_correlation_id",
    "current_identity",
    "current_unit_of_work",
    "discover",
    "event_type",
    "has_current_unit_of_work",
    "identity",
    "reactor",
    "read_model",
    "reducer",
    "set_correlation_id",
    "set_identity",
]


def __getattr__(name: str) -> Any:
    # Its pydantic-settings takes as long to import as everything above, and not everyone gives options.
    if name == "ChronicleOptions":
        from chronicle.options import ChronicleOptions

        return ChronicleOptions
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
