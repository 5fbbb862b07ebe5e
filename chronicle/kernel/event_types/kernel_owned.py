"""The event types that the kernel itself registers (events.md 1).

What belongs to users, applications and webhooks comes with the parts that append it.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from chronicle.kernel.event_types.definitions import EventTypeRegistration

SYSTEM_EVENT_STORE: Final = "System"
"""The kernel's own event store; every kernel has it."""

EVENT_STORE_ADDED: Final = "EventStoreAdded"
EVENT_TYPE_ADDED: Final = "EventTypeAdded"
EVENT_TYPE_GENERATION_ADDED: Final = "EventTypeGenerationAdded"
EVENT_REDACTION_REQUESTED: Final = "EventRedactionRequested"
EVENTS_REDACTED_FOR_EVENT_SOURCE: Final = "EventsRedactedForEventSource"
EVENT_REVISED: Final = "EventRevised"
EVENT_STORE_SUBSCRIPTION_ADDED: Final = "EventStoreSubscriptionAdded"
EVENT_STORE_SUBSCRIPTION_REMOVED: Final = "EventStoreSubscriptionRemoved"

_Schema = Mapping[str, Any]

_TEXT: Final[_Schema] = {"type": "string"}
_FLAG: Final[_Schema] = {"type": "boolean"}
_GENERATION: Final[_Schema] = {"type": "integer", "format": "uint32"}
_SEQUENCE_NUMBER: Final[_Schema] = {"type": "integer", "format": "uint64"}
_EVENT_TYPE: Final[_Schema] = {
    "type": "object",
    "properties": {"id": _TEXT, "generation": _GENERATION, "tombstone": _FLAG},
}
_EVENT_TYPES: Final[_Schema] = {"type": "array", "items": _EVENT_TYPE}
_ANY_OBJECT: Final[_Schema] = {"type": "object"}

_GENERATION_OF_EVENT_TYPE: Final = {"eventTypeId": _TEXT, "generation": _GENERATION, "schema": _TEXT}

_IN_EVERY_EVENT_STORE: Final[Mapping[str, Mapping[str, _Schema]]] = {
    EVENT_REDACTION_REQUESTED: {"sequence": _TEXT, "sequenceNumber": _SEQUENCE_NUMBER, "reason": _TEXT},
    EVENTS_REDACTED_FOR_EVENT_SOURCE: {
        "sequence": _TEXT,
        "eventSourceId": _TEXT,
        "eventTypes": _EVENT_TYPES,
        "reason": _TEXT,
    },
    EVENT_REVISED: {
        "sequence": _TEXT,
        "sequenceNumber": _SEQUENCE_NUMBER,
        "eventType": _EVENT_TYPE,
        "content": _TEXT,
    },
    EVENT_TYPE_ADDED: _GENERATION_OF_EVENT_TYPE,
    EVENT_TYPE_GENERATION_ADDED: _GENERATION_OF_EVENT_TYPE,
    EVENT_STORE_SUBSCRIPTION_ADDED: {"sourceEventStore": _TEXT, "eventTypes": _EVENT_TYPES},
    EVENT_STORE_SUBSCRIPTION_REMOVED: {},
    "WebhookAdded": {
        "eventSequenceId": _TEXT,
        "eventTypes": {"type": "array"},
        "targetUrl": _TEXT,
        "targetHeaders": _ANY_OBJECT,
        "isReplayable": _FLAG,
        "isActive": _FLAG,
    },
    "WebhookRemoved": {},
}

_IN_THE_SYSTEM_EVENT_STORE: Final[Mapping[str, Mapping[str, _Schema]]] = {
    EVENT_STORE_ADDED: {"eventStore": _TEXT},
    "NamespaceAdded": {"eventStore": _TEXT, "namespace": _TEXT},
}


def kernel_owned(event_store: str) -> list[EventTypeRegistration]:
    """The event types that the kernel registers in an event store."""
    is_system = event_store == SYSTEM_EVENT_STORE
    types = _IN_THE_SYSTEM_EVENT_STORE if is_system else _IN_EVERY_EVENT_STORE
    return [
        EventTypeRegistration(name, generation=1, schema=_schema(name, properties))
        for name, properties in types.items()
    ]


def _schema(name: str, properties: Mapping[str, _Schema]) -> str:
    return json.dumps(
        {"type": "object", "title": name, "properties": properties, "required": list(properties)}
    )
