"""What surrounds a reactor's handler (client-surface.md S177, S178)."""

from typing import Final
from uuid import UUID

from chronicle.context import Causation, Identity
from chronicle.contracts import observation_reactors_pb2 as pb
from chronicle.events.wire import to_identity, to_uuid
from chronicle.observation.declarations import ReactorDeclaration

CAUSATION_TYPE: Final = "Client Reactor"


class EventSurroundings:
    """The system acts on behalf of whoever caused the event, because a reactor handles it.

    Made for every event and asked for by few handlers: what it says is made when it is asked.
    """

    __slots__ = ("_causation", "_context", "_reactor")

    def __init__(self, context: pb.EventContext, reactor: ReactorDeclaration) -> None:
        self._context = context
        self._reactor = reactor
        self._causation: tuple[Causation, ...] | None = None

    @property
    def correlation_id(self) -> UUID | None:
        """That of the event."""
        guid = self._context.CorrelationId
        return to_uuid(guid) if guid.lo or guid.hi else None

    @property
    def identity(self) -> Identity:
        """The system on behalf of the event's causer, repeated subjects removed."""
        system = Identity.SYSTEM
        if not self._context.HasField("CausedBy"):
            return system
        causer = to_identity(self._context.CausedBy)
        return Identity(system.subject, system.name, system.user_name, causer).without_duplicates()

    @property
    def causation(self) -> tuple[Causation, ...]:
        """One entry, the same each time: it says when it was first asked for."""
        if self._causation is None:
            event_type = self._context.EventType
            properties = {
                "ReactorId": self._reactor.id,
                "eventTypeId": event_type.Id,
                "eventTypeGeneration": str(event_type.Generation),
                "eventSequenceId": self._reactor.event_sequence,
                "eventSequenceNumber": str(self._context.SequenceNumber),
            }
            self._causation = (Causation(CAUSATION_TYPE, properties),)
        return self._causation
