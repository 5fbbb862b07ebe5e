"""The definitions of constraints, as they are registered and stored (events.md 7.1)."""

from typing import Final, TypeAlias

import msgspec


class ConstraintScope(msgspec.Struct, frozen=True):
    """The dimensions within which values are unique; a dimension counts when its text is not empty."""

    event_source_type: str = ""
    event_stream_type: str = ""
    event_stream_id: str = ""


class UniqueProperties(msgspec.Struct, frozen=True):
    """The properties of one event type whose values together are unique; dots lead into nested objects."""

    event_type: str
    properties: tuple[str, ...]


class UniqueConstraint(msgspec.Struct, frozen=True, tag="unique"):
    """Values that only one event source may hold."""

    name: str
    event_types: tuple[UniqueProperties, ...]
    ignore_casing: bool = False
    removed_with: tuple[str, ...] = ()
    scope: ConstraintScope = ConstraintScope()


class UniqueEventTypeConstraint(msgspec.Struct, frozen=True, tag="unique-event-type"):
    """Event types of which an event source has at most one event."""

    name: str
    event_types: tuple[str, ...]
    removed_with: tuple[str, ...] = ()
    scope: ConstraintScope = ConstraintScope()


Constraint: TypeAlias = UniqueConstraint | UniqueEventTypeConstraint

_encoder: Final = msgspec.json.Encoder()
_decoder: Final[msgspec.json.Decoder[Constraint]] = msgspec.json.Decoder(Constraint)


def encode(constraint: Constraint) -> str:
    """The definition as it is stored."""
    return _encoder.encode(constraint).decode()


def decode(definition: str) -> Constraint:
    """A definition that was stored."""
    return _decoder.decode(definition)
