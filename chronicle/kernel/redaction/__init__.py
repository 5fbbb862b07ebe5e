"""Redaction and revision: events that are changed although they are stored (events.md 10).

requests.py    what is asked for, as events of a `system` sequence
contents.py    what is left of an event that was redacted
changes.py     the change itself, in the database
reactor.py     what does as it is asked, in the background and in the order of the requests
"""

from chronicle.kernel.redaction.reactor import OBSERVER_ID, EventSequencesReactor
from chronicle.kernel.redaction.requests import (
    REQUEST_TYPES,
    RedactEvent,
    RedactEventSource,
    ReviseEvent,
    append_of,
)

__all__ = [
    "OBSERVER_ID",
    "REQUEST_TYPES",
    "EventSequencesReactor",
    "RedactEvent",
    "RedactEventSource",
    "ReviseEvent",
    "append_of",
]
