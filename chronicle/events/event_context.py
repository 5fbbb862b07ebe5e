"""Events as they come back: what happened, and the context it happened in (events.md 5 and 9.6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Generic, TypeVar
from uuid import UUID

from chronicle.context import Causation, Identity
from chronicle.events.wire import NO_TIME, to_causation, to_identity, to_moment, to_uuid
from chronicle.values import (
    ALL_STREAM_TYPE,
    DEFAULT_NAMESPACE,
    DEFAULT_SOURCE_TYPE,
    DEFAULT_STREAM_ID,
    NO_GUID,
)

if TYPE_CHECKING:
    from chronicle.events.wire import EventContextMessage

E_co = TypeVar("E_co", covariant=True)


class EventObservationState(IntEnum):
    """Why an observer sees an event: for the first time, or in a replay."""

    NONE = 0
    INITIAL = 1
    HEAD_OF_REPLAY = 2
    REPLAY = 4
    TAIL_OF_REPLAY = 8


_STATES: Final[Mapping[int, EventObservationState]] = {state.value: state for state in EventObservationState}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventContext:
    """Everything about an event besides its content.

    `occurred` has the precision that the kernel's storage keeps; compare moments with some tolerance.
    """

    sequence_number: int
    event_source_id: str
    event_type_id: str
    generation: int = 1
    event_source_type: str = DEFAULT_SOURCE_TYPE
    event_stream_type: str = ALL_STREAM_TYPE
    event_stream_id: str = DEFAULT_STREAM_ID
    occurred: datetime = NO_TIME
    event_store: str = ""
    namespace: str = DEFAULT_NAMESPACE
    correlation_id: UUID = NO_GUID
    causation: tuple[Causation, ...] = ()
    caused_by: Identity = Identity.NOT_SET
    tags: tuple[str, ...] = ()
    hash: str = ""
    """Base64 of the SHA-256 over type, source and canonical content; empty where the storage keeps none."""
    subject: str = ""
    """Whose personal data the content may hold. The wire does not say: it is taken to be the event source."""
    observation_state: EventObservationState = EventObservationState.NONE


class AppendedEvent(Generic[E_co]):
    """An event of a sequence with its context.

    `context` may be given as the kernel's message, of any package. The `EventContext` is then made of it
    when it is first asked for: most readers want the event alone.
    """

    __slots__ = ("_context", "event")

    event: E_co
    """The event itself."""

    def __init__(self, event: E_co, context: "EventContext | EventContextMessage") -> None:
        self.event = event
        self._context = context

    @property
    def context(self) -> EventContext:
        """Everything about the event besides its content.

        Raises `SerializationError` when the kernel sent something that cannot be read.
        """
        context = self._context
        if not isinstance(context, EventContext):
            context = self._context = to_event_context(context)
        return context

    @property
    def sequence_number(self) -> int:
        """The event's number in its sequence."""
        context = self._context
        return context.sequence_number if isinstance(context, EventContext) else context.SequenceNumber

    @property
    def event_source_id(self) -> str:
        """What the event happened to."""
        context = self._context
        return context.event_source_id if isinstance(context, EventContext) else context.EventSourceId

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AppendedEvent):
            return NotImplemented
        return bool(self.event == other.event) and self.context == other.context

    def __hash__(self) -> int:
        return hash((self.sequence_number, self.event_source_id))

    def __repr__(self) -> str:
        return f"AppendedEvent({self.event!r}, {self.context!r})"


def to_event_context(message: "EventContextMessage") -> EventContext:
    """The context that an `EventContext` message of any package stands for."""
    return EventContext(
        sequence_number=message.SequenceNumber,
        event_source_id=message.EventSourceId,
        event_type_id=message.EventType.Id,
        generation=message.EventType.Generation,
        event_source_type=message.EventSourceType,
        event_stream_type=message.EventStreamType,
        event_stream_id=message.EventStreamId,
        occurred=to_moment(message.Occurred),
        event_store=message.EventStore,
        namespace=message.Namespace,
        correlation_id=to_uuid(message.CorrelationId),
        causation=to_causation(message.Causation),
        caused_by=to_identity(message.CausedBy) if message.HasField("CausedBy") else Identity.NOT_SET,
        tags=tuple(message.Tags),
        hash=message.Hash,
        subject=message.EventSourceId,
        # A state that this version does not know says nothing (events.md 5).
        observation_state=_STATES.get(message.ObservationState, EventObservationState.NONE),
    )
