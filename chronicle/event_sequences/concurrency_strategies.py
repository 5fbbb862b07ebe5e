"""Which concurrency scope an append gets that names none (events.md 6).

    ChronicleOptions(concurrency=OptimisticConcurrency())

Without a strategy such appends are not checked.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias, runtime_checkable

from chronicle.event_sequences.concurrency import NO_CONCURRENCY_CHECK, ConcurrencyScope
from chronicle.event_sequences.event_for import EventFor
from chronicle.values import ALL_STREAM_TYPE, DEFAULT_SOURCE_TYPE, DEFAULT_STREAM_ID

_CAPACITY: Final = 10_000


@dataclass(frozen=True, slots=True)
class AppendTarget:
    """Where an append goes, as far as a scope can tell; what selects all events is None."""

    event_source_id: str
    source_type: str | None = None
    stream_type: str | None = None
    stream_id: str | None = None

    @classmethod
    def of(cls, event: EventFor) -> "AppendTarget":
        """The target of an event that is to be appended."""
        return cls.named(event.event_source_id, event.source_type, event.stream_type, event.stream_id)

    @classmethod
    def named(
        cls,
        event_source_id: str,
        source_type: str | None = None,
        stream_type: str | None = None,
        stream_id: str | None = None,
    ) -> "AppendTarget":
        """The target that a source, its type and a stream name; the kernel's defaults name nothing."""
        return cls(
            event_source_id,
            None if source_type in ("", DEFAULT_SOURCE_TYPE) else source_type,
            None if stream_type in ("", ALL_STREAM_TYPE) else stream_type,
            None if stream_id in ("", DEFAULT_STREAM_ID) else stream_id,
        )


LastSeen: TypeAlias = Callable[[AppendTarget], Awaitable[int | None]]
"""Gives the newest event of a target that this application has seen; the kernel is asked if it has seen none.

None when there is no event. Raises `CallError` when the kernel does not answer.
"""


@runtime_checkable
class ConcurrencyStrategy(Protocol):
    """Decides about appends that are given no concurrency scope."""

    async def scope_for(self, target: AppendTarget, last_seen: LastSeen) -> ConcurrencyScope:
        """The scope for an append to this target; `NO_CONCURRENCY_CHECK` for none.

        Of several events of a batch for one event source, the first says where they go.
        """
        ...


@dataclass(frozen=True, slots=True)
class OptimisticConcurrency:
    """Expects that nobody else has appended to the same place since this application last saw it.

    It has seen what it appended, what `events_for` returned, and what `tail` answered for a source; of a
    place that it has never seen the kernel is asked for the tail. When others were faster the append is
    refused with a `ConcurrencyError`, and the place counts as unseen again.

    What was seen counts for the whole process, not for one request: a decision that has gone stale passes
    when another request of the same process has read or appended there in between. Where that must not be,
    give the append a scope with the number at which it was decided.
    """

    check_first_append: bool = False
    """Whether an append to a place without events expects that there are none; else it is not checked."""

    async def scope_for(self, target: AppendTarget, last_seen: LastSeen) -> ConcurrencyScope:
        """The newest event seen, and the same source, source type and stream as the look at it."""
        number = await last_seen(target)
        if number is None and not self.check_first_append:
            return NO_CONCURRENCY_CHECK
        return ConcurrencyScope(
            number,
            is_for_source=True,
            source_type=target.source_type,
            stream_type=target.stream_type,
            stream_id=target.stream_id,
        )


class SeenTails:
    """The newest events of one sequence that this application has seen, of the places used last."""

    def __init__(self, ask: LastSeen, capacity: int = _CAPACITY) -> None:
        self._ask = ask
        self._capacity = capacity
        self._tails: OrderedDict[str, dict[AppendTarget, int | None]] = OrderedDict()

    async def last_seen(self, target: AppendTarget) -> int | None:
        """The newest event that was seen there; see `LastSeen`."""
        seen = self._tails.get(target.event_source_id, {})
        if target not in seen:
            self.see(target, await self._ask(target))
        self._tails.move_to_end(target.event_source_id)
        return self._tails[target.event_source_id][target]

    def see(self, target: AppendTarget, number: int | None) -> None:
        """Takes in what was read; something older than what was seen before changes nothing."""
        seen = self._tails.setdefault(target.event_source_id, {})
        before = seen.get(target)
        seen[target] = number if before is None else max(before, number if number is not None else before)
        self._tails.move_to_end(target.event_source_id)
        if len(self._tails) > self._capacity:
            self._tails.popitem(last=False)

    def appended(self, target: AppendTarget, number: int) -> None:
        """Takes in an own append. Other places of its source may overlap with this one: they are unseen."""
        self._tails.pop(target.event_source_id, None)
        self.see(target, number)

    def forget(self, event_source_id: str) -> None:
        """Has the kernel asked anew for whatever is about this event source."""
        self._tails.pop(event_source_id, None)
