"""The first page: what runs, what is behind, what failed."""

import asyncio
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Response

from chronicle.values import EVENT_LOG
from chronicle_fastapi.admin.pages.route import PageRoute
from chronicle_fastapi.admin.pages.view import ViewDep, offered
from chronicle_fastapi.admin.resources.failed_partitions import FailedPartition, list_failed_partitions
from chronicle_fastapi.admin.resources.jobs import JobStatus, JobSummary, list_jobs
from chronicle_fastapi.admin.resources.observers import ObserverState, ObserverSummary, list_observers
from chronicle_fastapi.admin.resources.recommendations import list_recommendations
from chronicle_fastapi.admin.resources.sequences import find_sequence, following_events, tail_of
from chronicle_fastapi.admin.scopes import NamespaceScope

router: Final = APIRouter(route_class=PageRoute)

SHOWN: Final = 8
"""How many of anything the first page has; the page of its kind has the rest."""

_NEEDS_SOMEBODY: Final = (ObserverState.DISCONNECTED, ObserverState.QUARANTINED, ObserverState.SUSPENDED)
_AT_WORK: Final = (
    JobStatus.PREPARING_JOB,
    JobStatus.PREPARING_STEPS,
    JobStatus.STARTING_STEPS,
    JobStatus.RUNNING,
)
_OWN_OBSERVER: Final = "$system."


@dataclass(frozen=True, slots=True)
class Health:
    """How a namespace is doing; None is what the kernel does not tell."""

    observers: list[ObserverSummary] | None
    failed_partitions: list[FailedPartition] | None
    jobs: list[JobSummary] | None

    @property
    def active(self) -> list[ObserverSummary]:
        """The observers that get events."""
        at_work = (ObserverState.ACTIVE, ObserverState.REPLAYING)
        return [each for each in self.observers or () if each.state in at_work]

    @property
    def idle(self) -> list[ObserverSummary]:
        """The observers that get none until somebody does something."""
        return [each for each in self.observers or () if each.state in _NEEDS_SOMEBODY]

    @property
    def behind(self) -> list[ObserverSummary]:
        """The observers that have events ahead of them, the furthest behind first."""
        late = [each for each in self.observers or () if each.behind]
        return sorted(late, key=lambda each: each.behind, reverse=True)

    @property
    def running_jobs(self) -> list[JobSummary]:
        """The jobs that are at work."""
        return [each for each in self.jobs or () if each.status in _AT_WORK]

    @property
    def needs_attention(self) -> bool:
        """Whether there is something that does not mend itself."""
        return bool(self.failed_partitions or self.idle)


async def health_of(scope: NamespaceScope) -> Health:
    """How a namespace is doing, without the kernel's own observers."""
    observers, failed_partitions, jobs = await asyncio.gather(
        offered(list_observers(scope)), offered(list_failed_partitions(scope)), offered(list_jobs(scope))
    )
    if observers is not None:
        observers = [each for each in observers if not each.id.startswith(_OWN_OBSERVER)]
    return Health(observers, failed_partitions, jobs)


@router.get("/", name="chronicle_admin_overview")
async def show(view: ViewDep) -> Response:
    """How the namespace is doing, and the newest events."""
    log = await find_sequence(view.scope, EVENT_LOG)
    tail = await tail_of(log)
    first = max(0, (tail or 0) + 1 - SHOWN)
    health, latest, recommendations = await asyncio.gather(
        health_of(view.scope),
        following_events(log, first - 1 if first else None, SHOWN),
        offered(list_recommendations(view.scope)),
    )
    return view.render(
        "overview.html",
        here="",
        health=health,
        tail=tail,
        latest=latest.events[::-1],
        recommendations=recommendations,
        shown=SHOWN,
    )
