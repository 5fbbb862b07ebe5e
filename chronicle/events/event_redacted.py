"""What is left of an event that was redacted (events.md 10.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from chronicle.context import Causation
from chronicle.events.event_types import EventTypeDeclaration, event_type, event_type_of
from chronicle.values import EVENT_REDACTED


@event_type(EVENT_REDACTED)
@dataclass(frozen=True, slots=True, kw_only=True)
class EventRedacted:
    """What reads and observers get in the place of an event that was redacted.

    It has the event's number, event source, streams and tags. When, by whom and why it was redacted is in
    its context; what the context of the original said is here.

    A reactor that handles this type besides others gets the redacted events of those others, when their
    event source is replayed for it. It is the kernel's: nobody appends it, and it is not registered.
    """

    __chronicle_wire_names__: ClassVar[bool] = True

    reason: str
    """`Unknown` when none was given."""
    original_event_type: str
    """The id of the type that the event had."""
    occurred: datetime
    """When the original happened. The real kernel on relational storage has the redaction's values instead,
    in this and in the members below."""
    correlation_id: UUID
    causation: tuple[Causation, ...] = ()
    caused_by: tuple[UUID, ...] = ()
    """The kernel's own ids of who caused the original, the acting one first; they cannot be looked up."""


KERNEL_EVENT_TYPES: Final[Mapping[str, EventTypeDeclaration]] = {EVENT_REDACTED: event_type_of(EventRedacted)}
"""Event types that every event store has, without being told of them."""
