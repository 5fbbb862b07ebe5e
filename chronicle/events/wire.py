"""Identities and causation between Python and the contract's messages.

The contract repeats these messages in every package that uses them, alike on the wire but each a class of its
own: what is read is taken by its members, what is written is made from the package named.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, TypeVar
from uuid import UUID

from chronicle.context import Causation, Identity
from chronicle.contracts import event_sequences_pb2 as sequences
from chronicle.errors import SerializationError
from chronicle.values import format_timestamp, guid_from_halves, parse_timestamp

if TYPE_CHECKING:
    from chronicle.contracts import bcl_pb2 as bcl
    from chronicle.contracts import clients_pb2 as clients
    from chronicle.contracts import jobs_pb2 as jobs
    from chronicle.contracts import observation_pb2 as observation
    from chronicle.contracts import observation_reactors_pb2 as reactors
    from chronicle.contracts import observation_reducers_pb2 as reducers
    from chronicle.contracts import read_models_pb2 as models
    from chronicle.contracts import recommendations_pb2 as recommendations

    EventContextMessage: TypeAlias = (
        sequences.EventContext | reactors.EventContext | reducers.EventContext | models.EventContext
    )
    IdentityMessage: TypeAlias = sequences.Identity | reactors.Identity | reducers.Identity | models.Identity
    CausationMessage: TypeAlias = (
        sequences.Causation | reactors.Causation | reducers.Causation | models.Causation
    )
    TimestampMessage: TypeAlias = (
        sequences.SerializableDateTimeOffset
        | reactors.SerializableDateTimeOffset
        | reducers.SerializableDateTimeOffset
        | models.SerializableDateTimeOffset
        | clients.SerializableDateTimeOffset
        | jobs.SerializableDateTimeOffset
        | observation.SerializableDateTimeOffset
        | recommendations.SerializableDateTimeOffset
    )

NO_TIME: Final = datetime.min.replace(tzinfo=UTC)
"""What a moment that the wire leaves out is taken for, as in .NET."""

_Identity = TypeVar("_Identity")
_Causation = TypeVar("_Causation")
_Identity_co = TypeVar("_Identity_co", covariant=True)
_Causation_co = TypeVar("_Causation_co", covariant=True)


class _Package(Protocol[_Identity_co, _Causation_co]):
    """A module of the contract with messages for identities and causation, such as `event_sequences_pb2`."""

    @property
    def Identity(self) -> Callable[..., _Identity_co]: ...
    @property
    def Causation(self) -> Callable[..., _Causation_co]: ...
    @property
    def SerializableDateTimeOffset(self) -> Callable[..., Any]: ...


def identity_message(identity: Identity, package: _Package[_Identity, Any]) -> _Identity:
    """The `Identity` message of a package, repeated subjects removed.

    An empty text is not sent, and the real kernel fails on a missing name: one name stands in for the other.
    """
    message: _Identity | None = None
    for link in reversed(list(identity.without_duplicates().chain())):
        message = package.Identity(
            Subject=link.subject,
            Name=link.name or link.user_name or link.subject,
            UserName=link.user_name or link.name or link.subject,
            OnBehalfOf=message,
        )
    assert message is not None, "a chain begins with the identity itself"
    return message


def causation_messages(chain: Iterable[Causation], package: _Package[Any, _Causation]) -> list[_Causation]:
    """The `Causation` messages of a package."""
    timestamp = package.SerializableDateTimeOffset
    return [
        package.Causation(
            Occurred=timestamp(Value=format_timestamp(entry.occurred)),
            Type=entry.type,
            Properties=entry.properties,
        )
        for entry in chain
    ]


def to_identity(message: "IdentityMessage") -> Identity:
    """The identity that a message of any package stands for."""
    return _identity(message.SerializeToString())


def to_causation(messages: "Iterable[CausationMessage]") -> tuple[Causation, ...]:
    """The chain that messages of any package stand for."""
    return tuple([_causation(message.SerializeToString()) for message in messages])


# Many events have the same causer and the same root: found by its bytes, either costs a tenth.
@lru_cache(maxsize=1024)
def _identity(wire: bytes) -> Identity:
    message = sequences.Identity.FromString(wire)
    behind = to_identity(message.OnBehalfOf) if message.HasField("OnBehalfOf") else None
    return Identity(message.Subject, message.Name, message.UserName, behind)


@lru_cache(maxsize=1024)
def _causation(wire: bytes) -> Causation:
    message = sequences.Causation.FromString(wire)
    return Causation(message.Type, message.Properties, to_moment(message.Occurred))


def to_moment(message: "TimestampMessage") -> datetime:
    """The moment that a timestamp stands for; an absent one is the first of the calendar, as in .NET.

    Raises `SerializationError` for a text that is no timestamp.
    """
    text = message.Value
    if not text:
        return NO_TIME
    try:
        return parse_timestamp(text)
    except ValueError as error:
        raise SerializationError(
            f"The kernel sent '{text}' as a timestamp, which is none: {error}"
        ) from error


def to_uuid(message: "bcl.Guid") -> UUID:
    """The UUID that a guid stands for."""
    return guid_from_halves(message.lo, message.hi)
