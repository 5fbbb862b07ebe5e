"""Concurrency scopes: what must still be true of a sequence for an append to be accepted (events.md 6)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Self, TypeAlias

from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.errors import ConcurrencyScopeError
from chronicle.events.event_types import EventTypeDeclaration, event_type_of
from chronicle.values import UNAVAILABLE, is_actual


@dataclass(frozen=True, slots=True)
class ConcurrencyScope:
    """An expectation about the newest of the events that the scope selects, checked as the append is
    stored.

        ConcurrencyScope.at(await log.tail("account-42")).for_source()
        ConcurrencyScope.expect_none().for_source().types(AccountOpened)

    Begin with `at` or `expect_none`, then narrow. A scope that is not narrowed is about the whole sequence.
    An append without a scope is checked as `ChronicleOptions.concurrency` says: not at all, unless told so.
    """

    sequence_number: int | None
    """The highest number that a selected event may have; None when there must be no event at all."""
    is_for_source: bool = False
    source_type: str | None = None
    stream_type: str | None = None
    stream_id: str | None = None
    event_types: tuple[EventTypeDeclaration, ...] = ()
    event_source_id: str | None = None
    """The event source that it is meant for, where that was said: it is refused for any other."""

    @classmethod
    def at(cls, sequence_number: int | None) -> Self:
        """Expects that nothing newer than this number is there; with None, as `tail` answers, nothing at
        all.

        Raises `ValueError` for a number that no event can have.
        """
        if sequence_number is not None and not is_actual(sequence_number):
            raise ValueError(
                f"{sequence_number} is not the sequence number of an event. Take it from tail() or from an "
                "event's context; where no event may be there yet, use expect_none()."
            )
        return cls(sequence_number)

    @classmethod
    def expect_none(cls) -> Self:
        """Expects that no event is there."""
        return cls(None)

    def for_source(self, event_source_id: str | None = None) -> Self:
        """Looks only at events of the event source that is appended to.

        Its id need not be given; if it is, the scope cannot be used for another one by mistake.
        """
        return replace(self, is_for_source=True, event_source_id=event_source_id)

    def for_source_type(self, source_type: str) -> Self:
        """Looks only at events of this event source type; `Default` selects all."""
        return replace(self, source_type=source_type)

    def for_stream(self, stream_type: str, stream_id: str | None = None) -> Self:
        """Looks only at events of this stream type, and this stream; `All` and `Default` select all."""
        return replace(self, stream_type=stream_type, stream_id=stream_id)

    def types(self, *event_types: type) -> Self:
        """Looks only at events of these types, whatever their generation.

        Raises `UnknownEventTypeError` for a class that is no event type.
        """
        declarations = (*self.event_types, *map(event_type_of, event_types))
        return replace(self, event_types=tuple(dict.fromkeys(declarations)))


NO_CONCURRENCY_CHECK: Final = ConcurrencyScope(UNAVAILABLE)
"""Appends without a check, also where a default would make one."""


Scopes: TypeAlias = ConcurrencyScope | Mapping[str, ConcurrencyScope] | None
"""Scopes as they are given for a batch: by event source id, or one for every source of it."""


def scopes_by_source(scopes: Scopes, event_source_ids: Iterable[str]) -> dict[str, ConcurrencyScope]:
    """Scopes by event source id; one that is given for all of them holds for each.

    Raises `ConcurrencyScopeError` as `check_label` does.
    """
    if scopes is None:
        return {}
    found = dict(scopes) if isinstance(scopes, Mapping) else dict.fromkeys(event_source_ids, scopes)
    for event_source_id, scope in found.items():
        check_label(event_source_id, scope)
    return found


def check_label(event_source_id: str, scope: ConcurrencyScope) -> None:
    """Raises `ConcurrencyScopeError` when a scope is given for no event source, or for another than its own.

    The kernel looks at the id that a scope is given for, and would check something else without a word.
    """
    if not event_source_id.strip():
        raise ConcurrencyScopeError(
            "A concurrency scope was given for a blank event source id. Give it for the id of the source "
            "that it is about."
        )
    if scope.event_source_id not in (None, event_source_id):
        raise ConcurrencyScopeError(
            f"A concurrency scope for the event source '{scope.event_source_id}' was given for "
            f"'{event_source_id}'. Give it for its own source, or make one for this."
        )


def agree(one: ConcurrencyScope, other: ConcurrencyScope) -> bool:
    """Whether two scopes expect the same, in whatever order they name event types."""
    return replace(one, event_types=()) == replace(other, event_types=()) and set(one.event_types) == set(
        other.event_types
    )


def write_scope(scope: ConcurrencyScope, message: pb.ConcurrencyScope) -> None:
    """Fills a scope's message. None must ever be left empty: that is a check against number 0."""
    # The kernel takes no sentinel for "before the first event" here: the flag says it instead.
    message.ExpectsNoMatchingEvent = scope.sequence_number is None
    message.SequenceNumber = UNAVAILABLE if scope.sequence_number is None else scope.sequence_number
    message.EventSourceId = scope.is_for_source
    message.EventSourceType = scope.source_type or ""
    message.EventStreamType = scope.stream_type or ""
    message.EventStreamId = scope.stream_id or ""
    message.EventTypes.extend(write_event_types(scope.event_types))


def write_event_types(event_types: Iterable[EventTypeDeclaration]) -> list[pb.EventType]:
    """Event types as a filter carries them."""
    return [pb.EventType(Id=event_type.id, Generation=event_type.generation) for event_type in event_types]
