"""What is left of an event that was redacted (events.md 10.1)."""

import json
from typing import Any, Final
from uuid import UUID

import msgspec

from chronicle.contracts.event_sequences_pb2 import EventContext
from chronicle.kernel.storage.events import StoredEvent
from chronicle.values import EVENT_REDACTED, format_ticks

NO_REASON: Final = "Unknown"
"""The reason of a redaction for which none was given."""

_encode: Final = msgspec.json.Encoder().encode


def redacted(event: StoredEvent, request: StoredEvent, reason: str, first_hash: str) -> StoredEvent:
    """The event as it is stored from now on: when, by whom and why it happened are those of the redaction.

    Only what `storage.redaction.replace` writes is changed. `first_hash` is the hash of its first generation.
    """
    return event._replace(
        event_type=EVENT_REDACTED,
        generation=1,
        occurred=request.occurred,
        correlation_id=request.correlation_id,
        causation=request.causation,
        caused_by=request.caused_by,
        content=_content(event, reason),
        hash=first_hash,
    )


def _content(event: StoredEvent, reason: str) -> str:
    content = {
        "reason": reason or NO_REASON,
        "originalEventType": event.event_type,
        "occurred": format_ticks(event.occurred),
        "correlationId": str(UUID(bytes=event.correlation_id)),
        "causation": _causation(event.causation),
        # The contract has guids here, which nobody can look up; ours are numbers in the form of guids.
        "causedBy": [str(UUID(int=id_)) for id_ in json.loads(event.caused_by)],
    }
    return _encode(content).decode()


def _causation(stored: bytes) -> list[dict[str, Any]]:
    # Causation is stored in the wire's encoding (see `services.events`). This is the one place besides the
    # services that has to look into it.
    return [
        {
            "occurred": entry.Occurred.Value,
            "type": entry.Type,
            "properties": dict(entry.Properties),
        }
        for entry in EventContext.FromString(stored).Causation
    ]
