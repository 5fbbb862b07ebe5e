"""What is asked for, between the kernel's own events and their content (events.md 10)."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final, TypeAlias

import msgspec

from chronicle.errors import ChronicleError
from chronicle.kernel.event_types.kernel_owned import (
    EVENT_REDACTION_REQUESTED,
    EVENT_REVISED,
    EVENTS_REDACTED_FOR_EVENT_SOURCE,
)
from chronicle.kernel.identities import IdentityChain
from chronicle.kernel.sequences import Append, EventToAppend
from chronicle.kernel.storage.events import StoredEvent
from chronicle.values import now_ticks


class UnreadableRequest(ChronicleError):
    """An event of a `system` sequence that has the type of a request, and not its content."""


class EventTypeReference(msgspec.Struct, frozen=True):
    """An event type as a request names it."""

    id: str
    generation: int = 1
    tombstone: bool = False


class RedactEvent(msgspec.Struct, frozen=True, rename="camel"):
    """That one event be redacted."""

    event_type: ClassVar[str] = EVENT_REDACTION_REQUESTED

    sequence: str
    sequence_number: int
    reason: str


class RedactEventSource(msgspec.Struct, frozen=True, rename="camel"):
    """That the events of a source be redacted: those of some types, or all when none are given."""

    event_type: ClassVar[str] = EVENTS_REDACTED_FOR_EVENT_SOURCE

    sequence: str
    event_source_id: str
    event_types: Sequence[EventTypeReference]
    reason: str


class ReviseEvent(
    msgspec.Struct, frozen=True, rename={"of_type": "eventType", "sequence_number": "sequenceNumber"}
):
    """That one event have another content."""

    event_type: ClassVar[str] = EVENT_REVISED

    sequence: str
    sequence_number: int
    of_type: EventTypeReference
    content: str
    """JSON object, as it arrived."""


Request: TypeAlias = RedactEvent | RedactEventSource | ReviseEvent

_decode_by_type: Final[Mapping[str, Callable[[str], Request]]] = {
    RedactEvent.event_type: msgspec.json.Decoder(RedactEvent).decode,
    RedactEventSource.event_type: msgspec.json.Decoder(RedactEventSource).decode,
    ReviseEvent.event_type: msgspec.json.Decoder(ReviseEvent).decode,
}
_encode: Final = msgspec.json.Encoder().encode

REQUEST_TYPES: Final = tuple(_decode_by_type)
"""The event types of requests."""


def append_of(
    request: Request, *, correlation_id: bytes, causation: bytes, caused_by: IdentityChain
) -> Append:
    """The append of a request, which carries what the caller's call carries (E186)."""
    event = EventToAppend.by_default(
        request.sequence,
        request.event_type,
        _encode(request).decode(),
        occurred=now_ticks(),
        correlation_id=correlation_id,
        causation=causation,
    )
    return Append([event], caused_by)


def request_of(event: StoredEvent) -> Request:
    """The request behind an event of one of the `REQUEST_TYPES`; raises `UnreadableRequest`."""
    decode = _decode_by_type[event.event_type]
    try:
        return decode(event.content)
    except msgspec.MsgspecError as error:
        raise UnreadableRequest(f"The content of a '{event.event_type}' cannot be read: {error}") from error
