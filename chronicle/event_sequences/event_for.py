"""An event for an event source, and what can be said about an event besides its content (events.md 5)."""

from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from chronicle.context import Causation
from chronicle.event_sequences.concurrency import ConcurrencyScope, Scopes


@dataclass(frozen=True, slots=True)
class EventFor:
    """One event of a batch that has a source of its own: `EventFor("account-42", FundsDeposited(amount=10))`.

    The rest is as in `EventOptions`, for this event alone.
    """

    event_source_id: str
    event: object
    _: KW_ONLY
    tags: Sequence[str] = ()
    subject: str | None = None
    occurred: datetime | None = None
    stream_type: str | None = None
    stream_id: str | None = None
    source_type: str | None = None
    causation: Sequence[Causation] | None = None
    """What led to it, in place of what is ambient. A batch has one chain: all of its events must agree."""


class EventOptions(TypedDict, total=False):
    """What can be said about an event; each may be left out, or be None."""

    tags: Sequence[str]
    """Added to those of the event type; each is stored once, in this order."""
    subject: str | None
    """Whom the event is about; else what its `Subject` member says, else the event source id."""
    occurred: datetime | None
    """When it happened, naive ones in UTC; the moment it is stored, if not given."""
    stream_type: str | None
    """`All`, if not given."""
    stream_id: str | None
    """`Default`, if not given."""
    source_type: str | None
    """`Default`, if not given."""


class StagingOptions(EventOptions, total=False):
    """What can be said about events for one event source."""

    concurrency: ConcurrencyScope | None
    """What must still be true of the sequence; else as `ChronicleOptions.concurrency` says."""


class AppendOptions(StagingOptions, total=False):
    """What can be said about an append of events to one event source."""

    correlation_id: UUID | None
    """For this append only; the ambient one, if not given."""


class StagingBatchOptions(TypedDict, total=False):
    """What can be said about events that name their own sources."""

    tags: Sequence[str]
    """Added to the tags of each event."""
    concurrency: Scopes
    """Scopes by event source id, or one for every source of the batch; for a source without one, as
    `ChronicleOptions.concurrency` says."""


class BatchOptions(StagingBatchOptions, total=False):
    """What can be said about an append of events that name their own sources."""

    correlation_id: UUID | None
    """For this append only; the ambient one, if not given."""


def check_options(call: str, given: Iterable[str], options: type[StagingOptions]) -> None:
    """Raises `TypeError` for the names of options that a call does not have."""
    known = options.__annotations__  # those of its bases included
    unknown = ", ".join(repr(name) for name in given if name not in known)
    if unknown:
        raise TypeError(f"{call} has no option {unknown}. The options are {', '.join(sorted(known))}.")
