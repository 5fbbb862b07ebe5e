"""Events as the admin API shows them, whoever answers with them (events.md 5 and 9.6)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self, TypeAlias
from uuid import UUID

from pydantic import Field

from chronicle import Causation, EventContext, Identity
from chronicle.contracts import event_sequences_pb2 as sequences
from chronicle.contracts import read_models_pb2 as read_models
from chronicle.events.event_context import to_event_context
from chronicle.events.wire import NO_TIME, to_identity, to_moment
from chronicle.values import EVENT_REDACTED
from chronicle_fastapi.admin.models import AdminModel
from chronicle_fastapi.admin.numbers import SequenceNumber, json_value

EventMessage: TypeAlias = sequences.AppendedEvent | read_models.AppendedEvent
_RevisionMessage: TypeAlias = sequences.EventRevision | read_models.EventRevision

_CONTENT = "Numbers that a double is not sure to hold exactly are strings."


class EventCauser(AdminModel):
    """Who caused something, and on whose behalf."""

    subject: str
    name: str
    user_name: str
    on_behalf_of: "EventCauser | None" = None

    @classmethod
    def of(cls, identity: Identity) -> Self:
        """What an identity of the client stands for."""
        behind = identity.on_behalf_of
        return cls(
            subject=identity.subject,
            name=identity.name,
            user_name=identity.user_name,
            on_behalf_of=None if behind is None else cls.of(behind),
        )


class EventCausation(AdminModel):
    """A link of the chain that led to an event."""

    type: str
    occurred: datetime | None
    properties: dict[str, str]

    @classmethod
    def of(cls, causation: Causation) -> Self:
        """What a link of the client's stands for."""
        return cls(
            type=causation.type,
            occurred=moment_or_none(causation.occurred),
            properties=dict(causation.properties),
        )


class EventRevisionDetails(AdminModel):
    """A content that an event was given later."""

    generation: int
    correlation_id: str
    caused_by: EventCauser
    occurred: datetime | None
    content: Any = Field(description=_CONTENT)


class StoredEvent(AdminModel):
    """An event of a sequence, with everything that the kernel keeps of it."""

    sequence_number: SequenceNumber
    event_type: str
    """The id of its type."""
    generation: int
    event_source_id: str
    event_source_type: str
    event_stream_type: str
    event_stream_id: str
    occurred: datetime | None
    correlation_id: UUID
    causation: list[EventCausation]
    """How it came about, the root first."""
    caused_by: EventCauser
    tags: list[str]
    hash: str
    """Base64 of the SHA-256 over type, source and content; empty where the kernel keeps none."""
    is_redacted: bool
    """Whether what it said was taken out."""
    content: Any = Field(description=_CONTENT)
    original_content: Any = Field(
        description=f"What it said before it was revised; null unless it was. {_CONTENT}"
    )
    revisions: list[EventRevisionDetails]
    """The contents that it was given later, the oldest first."""
    content_of_generations: dict[int, Any] = Field(
        description=f"The content in every generation that is stored. {_CONTENT}"
    )

    @classmethod
    def of(cls, message: EventMessage) -> Self:
        """What a message of the contract stands for. Raises `SerializationError` for a broken one."""
        context = to_event_context(message.Context)
        return cls(
            **_context(context),
            is_redacted=context.event_type_id == EVENT_REDACTED,
            content=json_value(message.Content),
            original_content=json_value(message.OriginalContent),
            revisions=[_revision(one) for one in message.Revisions],
            content_of_generations={
                generation: json_value(text)
                for generation, text in sorted(message.GenerationalContent.items())
            },
        )


def moment_or_none(moment: datetime) -> datetime | None:
    """A moment of the wire; None for one that was left out."""
    return None if moment == NO_TIME else moment


def _context(context: EventContext) -> Mapping[str, Any]:
    return {
        "sequence_number": context.sequence_number,
        "event_type": context.event_type_id,
        "generation": context.generation,
        "event_source_id": context.event_source_id,
        "event_source_type": context.event_source_type,
        "event_stream_type": context.event_stream_type,
        "event_stream_id": context.event_stream_id,
        "occurred": moment_or_none(context.occurred),
        "correlation_id": context.correlation_id,
        "causation": [EventCausation.of(link) for link in context.causation],
        "caused_by": EventCauser.of(context.caused_by),
        "tags": list(context.tags),
        "hash": context.hash,
    }


def _revision(message: _RevisionMessage) -> EventRevisionDetails:
    return EventRevisionDetails(
        generation=message.Generation,
        correlation_id=message.CorrelationId,
        caused_by=EventCauser.of(to_identity(message.CausedBy)),
        occurred=moment_or_none(to_moment(message.Occurred)),
        content=json_value(message.Content),
    )
