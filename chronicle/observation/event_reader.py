"""Events as they arrive in a batch, for the handlers that they are meant for."""

from dataclasses import replace
from typing import Any, TypeAlias

from chronicle.contracts import observation_reactors_pb2 as reactors
from chronicle.contracts import observation_reducers_pb2 as reducers
from chronicle.errors import SerializationError
from chronicle.events.event_context import EventContext, to_event_context
from chronicle.observation.declarations import Handler
from chronicle.serialization import Serializer

EventMessage: TypeAlias = reactors.AppendedEvent | reducers.AppendedEvent


class EventReader:
    """Makes events and contexts of messages, in the generation that a handler was written for."""

    def __init__(self, serializer: Serializer) -> None:
        self._from_json = serializer.from_json

    def event(self, handler: Handler, message: EventMessage) -> Any:
        """The event. Raises `SerializationError` for content that does not fit the handler's event type."""
        event_type = handler.event_type
        content = message.Content
        # A revision is in its own generation only; the others are as the event was before.
        if message.Context.EventType.Generation != event_type.generation and not message.Revisions:
            content = message.GenerationalContent.get(event_type.generation, content)
        try:
            return self._from_json(event_type.type, content)
        except SerializationError as error:
            raise SerializationError(
                f"Event {message.Context.SequenceNumber} of type '{event_type.id}' cannot be read as "
                f"{event_type.type.__qualname__}, which the handler '{handler.name}' takes. Make the class "
                "fit what is stored, or give it a new generation."
            ) from error

    def context(self, handler: Handler, message: EventMessage) -> EventContext:
        """The event's context, with the generation of the content that `event` gives."""
        context = to_event_context(message.Context)
        generation = handler.event_type.generation
        is_other = context.generation != generation and not message.Revisions
        if is_other and generation in message.GenerationalContent:
            return replace(context, generation=generation)
        return context
