"""Unique values: who holds them, and since which event (events.md 7.2, 7.4).

The index knows the last event that has taken a value. Whether its event source holds the value still is for
the events to say: it does until it has a later event that takes values, or one that releases them. They are
asked only when another source wants the value. So an append writes one entry, and what it gives up costs
nothing.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from chronicle.kernel.constraints.definitions import UniqueConstraint
from chronicle.kernel.constraints.events import Event
from chronicle.kernel.constraints.ledger import Ledger
from chronicle.kernel.constraints.texts import text_of, value_at
from chronicle.kernel.constraints.violations import ConstraintType, ConstraintViolation
from chronicle.kernel.storage import constraints as storage
from chronicle.kernel.storage import events
from chronicle.kernel.storage.constraints import Holder, Place
from chronicle.kernel.storage.events import EventFilter
from chronicle.values import UNAVAILABLE

BatchClaims: TypeAlias = dict[Place, str]
"""The event sources that claim values in one append."""

# So far apart, two looks at what a source did since are worth an entry in the index that saves the third.
_FAR: Final = 1_000

# The dimensions of a scope: how they are called in its text, in events, and in a definition.
_DIMENSIONS: Final = (
    ("est", "event_source_type"),
    ("estt", "event_stream_type"),
    ("esid", "event_stream_id"),
)


class UniqueValues:
    """A unique constraint, ready to look at events."""

    def __init__(self, constraint_id: int, constraint: UniqueConstraint) -> None:
        self.id: Final = constraint_id
        self.name: Final = constraint.name
        self._ignores_casing = constraint.ignore_casing
        self._dimensions = [
            (prefix, dimension) for prefix, dimension in _DIMENSIONS if getattr(constraint.scope, dimension)
        ]
        self._paths: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        for covered in constraint.event_types:
            # The first definition of an event type counts.
            paths = [(name, tuple(name.split("."))) for name in covered.properties]
            self._paths.setdefault(covered.event_type, paths)
        self._releasing = tuple(dict.fromkeys((*self._paths, *constraint.removed_with)))

    @property
    def event_types(self) -> tuple[str, ...]:
        """The ids of the event types that take values."""
        return tuple(self._paths)

    def claim(self, event: Event, content: Mapping[str, Any]) -> "ValueClaim | None":
        """The value that an event wants; `None` when all its properties are null."""
        properties = [
            (name, text)
            for name, path in self._paths[event.event_type]
            if (text := text_of(value_at(content, path))) is not None
        ]
        if not properties:
            return None
        place = Place(self.id, self.scope_of(event), self._hash(properties))
        return ValueClaim(self, event, place, properties)

    def scope_of(self, event: Event) -> str:
        """What the event's values are unique within, as one text; empty for the whole event sequence."""
        return "|".join([f"{prefix}:{getattr(event, name)}" for prefix, name in self._dimensions])

    def moves(self, event_source_id: str, event: Event) -> EventFilter:
        """The events by which a source gives up what it held, in the scope of `event`."""
        scope = {name: getattr(event, name) for _, name in self._dimensions}
        return EventFilter(event_source_id=event_source_id, event_types=self._releasing, **scope)

    def _hash(self, properties: list[tuple[str, str]]) -> bytes:
        # Values may be personal: they are never in the index themselves.
        joined = "-".join([text for _, text in properties])
        if self._ignores_casing:
            joined = joined.lower()
        # JSON may escape what UTF-8 cannot hold.
        return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).digest()


class ValueClaim(NamedTuple):
    """An event that wants a value for its event source, in place of the one that the source held."""

    constraint: UniqueValues
    event: Event
    place: Place
    """Where all properties together stand in the index."""
    properties: list[tuple[str, str]]
    """The properties that have a value, and its text."""

    def violations(
        self, ledger: Ledger, batch: BatchClaims, write_pending: Callable[[], None]
    ) -> list[ConstraintViolation]:
        source = self.event.event_source_id
        holder = ledger.holders.get(self.place)
        if holder is not None and holder.event_source_id != source:
            write_pending()
            if self._holds(ledger, holder.event_source_id, since=holder.checked):
                self._remember(ledger, holder)
                return self._violations(holder.number)
        # Free as far as what is stored goes. What earlier events of this append claim is not stored yet.
        return [] if batch.setdefault(self.place, source) == source else self._violations(None)

    def apply(self, ledger: Ledger, number: int) -> None:
        ledger.holders.set(self.place, Holder(self.event.event_source_id, number, checked=number))

    def apply_again(self, ledger: Ledger, number: int) -> None:
        """As `apply`, for an event that is in the sequence already and was not checked (events.md 7.5).

        Of several sources that have a value, the first one keeps it. What is erased is an empty text, and
        taken for no value.
        """
        if any(text == "" for _, text in self.properties):
            return
        source = self.event.event_source_id
        holder = ledger.holders.get(self.place)
        if holder is None:
            takes = True
        elif holder.event_source_id == source:
            takes = holder.number < number
        elif holder.number < number:
            takes = not self._holds(ledger, holder.event_source_id, since=holder.checked)
        else:
            # A newer one, let through while nothing was known of this one yet.
            takes = self._holds(ledger, source, since=number)
        if takes:
            self.apply(ledger, number)

    def _holds(self, ledger: Ledger, source: str, *, since: int) -> bool:
        """Whether a source has done nothing since by which it would have given the value up."""
        moves = self.constraint.moves(source, self.event)
        return storage.first_event(ledger.connection, ledger.sequence, moves, after=since) is None

    def _remember(self, ledger: Ledger, holder: Holder) -> None:
        """Keeps what was found out about a holder, if it was much work."""
        tail = events.tail(ledger.connection, ledger.sequence)
        if tail is not None and tail - holder.checked > _FAR:
            ledger.holders.set(self.place, holder._replace(checked=tail))

    def _violations(self, number: int | None) -> list[ConstraintViolation]:
        event_type = self.event.event_type
        at = UNAVAILABLE if number is None else number
        return [
            ConstraintViolation(
                event_type,
                ConstraintType.UNIQUE,
                self.constraint.name,
                f"Event '{event_type}' on member '{name}' violated a unique constraint "
                f"on sequence number {at}",
                number,
                {"PropertyName": name, "PropertyValue": text},
            )
            for name, text in self.properties
        ]
