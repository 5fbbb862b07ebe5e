"""Every exception that Chronicle raises, in one tree.

ChronicleError
├── DeclarationError                    something declared in code is wrong; raised where it is declared
│   ├── DuplicateEventTypeError
│   ├── UnknownEventTypeError
│   ├── HandlerSignatureError
│   └── UnsupportedTypeError
├── ConfigurationError                  an option or a connection string is wrong
│   └── ConnectionStringError
├── NotRunningError                     used before it was started, or after it was closed
├── CallError                           a call to the kernel failed
│   ├── NotConnectedError               the kernel cannot be reached
│   ├── DeadlineError                   the kernel did not answer in time
│   ├── NotBuiltError                   the kernel does not know the call
│   └── KernelError                     the kernel answered with a failure
├── RegistrationError                   the kernel refused what the application declares
├── AppendError                         an append was refused
│   ├── ConstraintViolationError
│   └── ConcurrencyError
├── ConcurrencyScopeError               a concurrency scope was given where it cannot be meant
├── StreamError                         a stream cannot be completed
│   ├── DefaultStreamError
│   └── StreamCompletedError
├── UnitOfWorkError
│   ├── NoUnitOfWorkError
│   ├── PartialCommitError
│   └── UnitOfWorkCompletedError
├── SerializationError                  content that does not fit its type
└── StorageError                        the embedded kernel's own file
    ├── NotAChronicleDatabaseError
    ├── NewerDatabaseError
    └── DatabaseInUseError
"""

from collections.abc import Sequence

from chronicle.violations import ConcurrencyViolation, ConstraintViolation


class ChronicleError(Exception):
    """The root of all errors raised by Chronicle."""


class DeclarationError(ChronicleError):
    """Something that the application declares is wrong."""


class DuplicateEventTypeError(DeclarationError):
    """Two classes claim the same event type id and generation."""


class UnknownEventTypeError(DeclarationError):
    """A class or an object is no declared event type, or an id is not known."""


class HandlerSignatureError(DeclarationError):
    """A reactor's or reducer's handler has parameters or a return type that cannot work."""


class UnsupportedTypeError(DeclarationError):
    """A type has no place in the value contract, so no schema can be made for it."""


class ConfigurationError(ChronicleError):
    """An option is missing or wrong."""


class ConnectionStringError(ConfigurationError):
    """A connection string cannot be understood. Its text is never repeated: it may hold a secret."""


class NotRunningError(ChronicleError):
    """Something was used before it was started, or after it was closed."""


class CallError(ChronicleError):
    """A call to the kernel failed on its way."""


class NotConnectedError(CallError):
    """The kernel cannot be reached."""


class DeadlineError(CallError):
    """The kernel did not answer in time. What was asked for may have happened all the same."""


class NotBuiltError(CallError):
    """The kernel does not know the call."""


class KernelError(CallError):
    """The kernel answered a call with a failure of its own."""

    def __init__(self, message: str, *, method: str = "") -> None:
        super().__init__(message)
        self.method = method


class RegistrationError(ChronicleError):
    """The kernel refused what the application declares."""


class AppendError(ChronicleError):
    """Events were not appended; `errors` are the kernel's reasons. Nothing of the call was stored."""

    def __init__(self, message: str, *, errors: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.errors = tuple(errors)


class ConstraintViolationError(AppendError):
    """Events were refused by constraints; nothing of the call was stored."""

    def __init__(self, message: str, *, violations: Sequence[ConstraintViolation]) -> None:
        super().__init__(message)
        self.violations = tuple(violations)


class ConcurrencyError(AppendError):
    """Events newer than the append expected were found; nothing of the call was stored."""

    def __init__(self, message: str, *, violations: Sequence[ConcurrencyViolation]) -> None:
        super().__init__(message)
        self.violations = tuple(violations)


class ConcurrencyScopeError(ChronicleError):
    """A concurrency scope was given where it cannot be meant. Nothing was sent, or added."""


class StreamError(ChronicleError):
    """A stream cannot be completed. Nothing has changed."""

    def __init__(self, message: str, *, stream_type: str, stream_id: str) -> None:
        super().__init__(message)
        self.stream_type = stream_type
        self.stream_id = stream_id


class DefaultStreamError(StreamError):
    """The default stream is never completed."""

    def __init__(self, stream_type: str, stream_id: str) -> None:
        super().__init__(
            f"Stream '{stream_type}/{stream_id}' cannot be completed: it is the default stream, to which "
            "events go that name none. Complete one that was named in appends.",
            stream_type=stream_type,
            stream_id=stream_id,
        )


class StreamCompletedError(StreamError):
    """The stream was completed before."""

    def __init__(self, stream_type: str, stream_id: str) -> None:
        super().__init__(
            f"Stream '{stream_type}/{stream_id}' cannot be completed: it already is. It takes no more "
            "events; nothing is left to do.",
            stream_type=stream_type,
            stream_id=stream_id,
        )


class UnitOfWorkError(ChronicleError):
    """A unit of work was used in a way it does not allow."""


class NoUnitOfWorkError(UnitOfWorkError):
    """There is no current unit of work."""


class PartialCommitError(UnitOfWorkError):
    """Of a unit of work for several sequences some are stored and one was refused, for which see `__cause__`.

    `stored` are the sequences whose events are stored, `refused` is the first whose events are not.
    """

    def __init__(self, stored: Sequence[str], refused: str) -> None:
        names = ", ".join(f"'{each}'" for each in stored)
        super().__init__(
            f"The unit of work is committed in part: its events for {names} are stored, those for "
            f"'{refused}' were refused, and what comes after them was not tried. Put right what is stored, "
            "or append the rest in a new unit."
        )
        self.stored = tuple(stored)
        self.refused = refused


class UnitOfWorkCompletedError(UnitOfWorkError):
    """The unit of work was already committed or rolled back."""


class SerializationError(ChronicleError):
    """Content does not fit the type it should become, or a value cannot be written."""


class StorageError(ChronicleError):
    """The embedded kernel cannot work with its database file."""


class NotAChronicleDatabaseError(StorageError):
    """The file is a database of something else, or no database at all. It was not touched."""


class NewerDatabaseError(StorageError):
    """The file was written by a newer version of Chronicle. It was not touched."""


class DatabaseInUseError(StorageError):
    """The file is open already: in this process, by another client or kernel, or in another one."""
