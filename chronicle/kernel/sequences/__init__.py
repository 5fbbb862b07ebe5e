"""Event sequences: the append pipeline, reads, and the feed that observers live on."""

from chronicle.kernel.sequences.appending import Append, AppendOutcome
from chronicle.kernel.sequences.concurrency import ConcurrencyScope, ConcurrencyViolation
from chronicle.kernel.sequences.events import EventToAppend
from chronicle.kernel.sequences.feed import Page
from chronicle.kernel.sequences.sequence import EventSequence

__all__ = [
    "Append",
    "AppendOutcome",
    "ConcurrencyScope",
    "ConcurrencyViolation",
    "EventSequence",
    "EventToAppend",
    "Page",
]
