"""Side effects: what a reactor's handler returns is appended to the event log (observation.md 12.4).

A bare event goes to the event source that triggered it, an `EventFor` where it says. Whatever one handler
returns is one append. Objects that are neither are named in a warning and left out; the events beside them
are appended (client-surface.md S188 leaves this open: so nothing is lost that could be stored).
"""

import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final, TypeAlias

from chronicle.event_sequences.event_for import EventFor
from chronicle.event_sequences.results import AppendManyResult
from chronicle.events.event_types import is_event_type
from chronicle.observation.failures import Failure

_logger: Final = logging.getLogger("chronicle.observation")

AppendSideEffects: TypeAlias = Callable[[Sequence[EventFor]], Awaitable[AppendManyResult]]
"""Appends events to the event log in one go, under what is ambient: the log's `try_append_many`."""


async def append_side_effects(
    returned: object, *, event_source_id: str, handler: str, append: AppendSideEffects
) -> Failure | None:
    """Appends what a handler returned; the failure when the append was refused."""
    events = list(_events(returned, event_source_id, handler))
    if not events:
        return None
    result = await append(events)
    return None if result.is_success else Failure(tuple(_refusal(result, events)))


def _events(returned: object, event_source_id: str, handler: str) -> Iterator[EventFor]:
    for item in returned if isinstance(returned, list | tuple) else (returned,):
        if isinstance(item, EventFor):
            yield item
        elif is_event_type(type(item)):
            yield EventFor(event_source_id, item)
        elif item is not None:
            _logger.warning(
                "%s returned a %s, which is neither an event nor an EventFor. It is ignored.",
                handler,
                type(item).__qualname__,
            )


def _refusal(result: AppendManyResult, events: Sequence[EventFor]) -> Iterator[str]:
    # The .NET client's words. It numbers the appends of one handler; ours is always the first.
    sources = ", ".join(f"'{each}'" for each in dict.fromkeys(event.event_source_id for event in events))
    yield f"Append failure 1: Failed appending to event source id(s) {sources}"
    for violation in result.constraint_violations:
        yield (
            f"Append failure 1: Constraint violation for event type '{violation.event_type_id}': "
            f"{violation.message}"
        )
    for _ in result.concurrency_violations:
        yield "Append failure 1: Concurrency violation"
    for error in result.errors:
        yield f"Append failure 1: {error}"
