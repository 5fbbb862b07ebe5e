"""The event browser, and the page of one event."""

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query, Response

from chronicle.values import EVENT_LOG
from chronicle_fastapi.admin.events import StoredEvent
from chronicle_fastapi.admin.numbers import LARGEST_EXACT, LARGEST_INT32
from chronicle_fastapi.admin.pages.forms import FormDep
from chronicle_fastapi.admin.pages.route import PageRoute
from chronicle_fastapi.admin.pages.view import View, ViewDep
from chronicle_fastapi.admin.resources.event_types import list_event_types
from chronicle_fastapi.admin.resources.sequences import (
    EventQuery,
    SequenceScope,
    find_event,
    find_sequence,
    following_events,
    list_sequences,
    query_events,
    redact_event,
    tail_of,
)

router: Final = APIRouter(route_class=PageRoute)

PAGE_SIZE: Final = 50

SequenceId = Annotated[str, Query(min_length=1, max_length=500)]
Number = Annotated[int, Query(ge=0, le=LARGEST_EXACT)]
FilterText = Annotated[str, Query(max_length=500)]


@dataclass(frozen=True, slots=True)
class Filter:
    """What the events are filtered by; empty is not at all."""

    source: str
    type: str
    tag: str
    correlation: UUID | None

    @property
    def is_set(self) -> bool:
        """Whether there is anything to filter by."""
        return bool(self.source or self.type or self.tag or self.correlation)


def _filter(
    source: FilterText = "",
    type: FilterText = "",  # noqa: A002 (its name in the address)
    tag: FilterText = "",
    correlation: UUID | None = None,
) -> Filter:
    return Filter(source.strip(), type, tag.strip(), correlation)


@dataclass(frozen=True, slots=True)
class Page:
    """Some events, the newest first, and where the others are."""

    events: list[StoredEvent]
    says: str
    newer: str | None
    older: str | None

    @property
    def is_newest(self) -> bool:
        """Whether new events belong on this page."""
        return self.newer is None


@router.get("/events")
async def browse(
    view: ViewDep,
    filter: Annotated[Filter, Depends(_filter)],  # noqa: A002 (the word of the page)
    sequence: SequenceId = EVENT_LOG,
    before: Number | None = None,
    skip: Annotated[int, Query(ge=0, le=LARGEST_INT32)] = 0,
) -> Response:
    """The events of a sequence, the newest first."""
    scope = await find_sequence(view.scope, sequence)
    page = await (_matching(view, scope, filter, skip) if filter.is_set else _latest(view, scope, before))
    return view.render(
        "events.html",
        here="events",
        page=page,
        filter=filter,
        sequence=sequence,
        sequences=await list_sequences(view.scope),
        event_types=[each.id for each in await list_event_types(view.scope)],
    )


async def _latest(view: View, scope: SequenceScope, before: int | None) -> Page:
    """By number: two look-ups, whatever the length of the sequence."""
    tail = await tail_of(scope)
    end = 0 if tail is None else tail + 1
    stop = end if before is None else min(before, end)
    first = max(0, stop - PAGE_SIZE)
    found = (
        await following_events(scope, first - 1 if first else None, stop - first) if stop > first else None
    )
    newer = stop + PAGE_SIZE

    def at(number: int | None) -> str:
        return view.link("events", sequence=scope.sequence_id, before=number)

    return Page(
        events=found.events[::-1] if found else [],
        says=f"{first} to {stop - 1} of {end}" if stop > first else "",
        newer=None if stop >= end else at(newer if newer < end else None),
        older=at(first) if first else None,
    )


async def _matching(view: View, scope: SequenceScope, filter: Filter, skip: int) -> Page:  # noqa: A002
    query = EventQuery(
        skip=skip,
        take=PAGE_SIZE,
        descending=True,
        event_source_id=filter.source or None,
        event_type=[filter.type] if filter.type else [],
        tag=[filter.tag] if filter.tag else [],
        correlation_id=filter.correlation,
    )
    found = await query_events(scope, query)
    end = skip + len(found.events)

    def at(number: int) -> str:
        return view.link(
            "events",
            sequence=scope.sequence_id,
            source=filter.source,
            type=filter.type,
            tag=filter.tag,
            correlation=filter.correlation,
            skip=number or None,
        )

    return Page(
        events=found.events,
        says=f"{skip + 1} to {end} of {found.total_count} that match" if found.events else "",
        newer=at(max(0, skip - PAGE_SIZE)) if skip else None,
        older=at(end) if end < found.total_count else None,
    )


@router.get("/event")
async def show(view: ViewDep, number: Number, sequence: SequenceId = EVENT_LOG) -> Response:
    """One event, with everything that is kept of it."""
    scope = await find_sequence(view.scope, sequence)
    return view.render(
        "event.html",
        here="events",
        sequence=sequence,
        event=await find_event(scope, number),
        tail=await tail_of(scope),
    )


@router.post("/event")
async def change(
    view: ViewDep,
    form: FormDep,
    number: Number,
    sequence: SequenceId = EVENT_LOG,
) -> Response:
    """Take out what an event says."""
    reason = form.get("reason", "").strip()
    if form.get("action") != "redact" or not reason:
        raise HTTPException(400, "To redact an event needs a reason.")
    await redact_event(await find_sequence(view.scope, sequence), number, reason)
    return view.go_to("event", sequence=sequence, number=number, done="redact")
