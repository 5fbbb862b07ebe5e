"""What every page looks at: one namespace of one event store, and how the pages link to each other in it."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, TypeVar

from fastapi import Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from chronicle import NotBuiltError
from chronicle.software_version import software_version
from chronicle.values import DEFAULT_NAMESPACE
from chronicle_fastapi.admin.access import has_session
from chronicle_fastapi.admin.pages.rendering import link, render
from chronicle_fastapi.admin.resources.event_stores import list_event_stores
from chronicle_fastapi.admin.resources.namespaces import list_namespaces
from chronicle_fastapi.admin.scopes import NamespaceScope, find_event_store, find_namespace
from chronicle_fastapi.plugin import Chronicle

T = TypeVar("T")

MENU: Final = (
    (("", "Overview"), ("events", "Events"), ("read-models", "Read models")),
    (
        ("observers", "Observers"),
        ("failed-partitions", "Failed partitions"),
        ("jobs", "Jobs"),
        ("recommendations", "Recommendations"),
    ),
    (
        ("event-types", "Event types"),
        ("identities", "Identities"),
        ("webhooks", "Webhooks"),
        ("subscriptions", "Subscriptions"),
        ("clients", "Connected clients"),
    ),
)

_DONE: Final[Mapping[str, str]] = {
    "redact": "The event is being redacted: what it says is taken out in the background.",
    "replay": "The replay has begun.",
    "no-replay": "There is nothing to replay, or the observer is not in a state to replay in.",
    "replay-partition": "The replay of the partition has begun.",
    "retry": "The partition is being retried.",
    "clear-quarantine": "The observer is no longer in quarantine.",
    "stop": "The job is being stopped.",
    "resume": "The job goes on.",
    "delete": "The job is deleted.",
    "perform": "The recommendation is being performed.",
    "ignore": "The recommendation is ignored.",
    "test": "The webhook answered the test.",
    "add": "Added.",
    "remove": "Removed.",
}
"""What a page says after something was done, by the word for it in the address."""


@dataclass(frozen=True, slots=True)
class View:
    """The namespace that is looked at, and what is there to look at instead."""

    scope: NamespaceScope
    event_stores: list[str]
    namespaces: list[str]
    place: Mapping[str, str]
    """What every link carries; nothing for the application's own namespace."""
    has_session: bool
    """Whether there is something to sign out from."""
    done: str
    """What was just done, in a sentence; or empty."""

    menu: ClassVar = MENU
    version: ClassVar = f"Version {software_version()}"

    def link(self, page: str, **query: object) -> str:
        """The address of a page in this namespace, relative to any other page."""
        return link(page, **self.place, **query)

    def render(self, template: str, *, here: str, status: int = 200, **values: Any) -> Response:
        """A page; `here` is the entry of the menu that it belongs to."""
        return render(template, {"view": self, "here": here, **values}, status)

    def go_to(self, page: str, **query: object) -> Response:
        """What to answer when something was done: the page to look at now."""
        return RedirectResponse(self.link(page, **query), 303)


Place = Annotated[str | None, Query(min_length=1, max_length=500)]


async def _view(
    request: Request,
    store: Place = None,
    namespace: Place = None,
    done: Annotated[str, Query(max_length=100)] = "",
) -> View:
    chronicle = Chronicle.of(request.app)
    own_store, own_namespace = chronicle.store.name, chronicle.store.namespace
    found = await find_event_store(chronicle.client, store or own_store)
    namespaces = [one.name for one in await list_namespaces(found)]
    is_own_store = found.event_store.casefold() == own_store.casefold()
    fallback = own_namespace if is_own_store else next(iter(namespaces), DEFAULT_NAMESPACE)
    scope = await find_namespace(chronicle.client, found.event_store, namespace or fallback)
    place = {}
    if not is_own_store:
        place["store"] = scope.event_store
    if scope.namespace.casefold() != fallback.casefold():
        place["namespace"] = scope.namespace
    return View(
        scope=scope,
        event_stores=[one.name for one in await list_event_stores(chronicle.client)],
        namespaces=namespaces,
        place=place,
        has_session=has_session(request),
        done=_DONE.get(done, ""),
    )


ViewDep = Annotated[View, Depends(_view)]


async def offered(answer: Awaitable[T]) -> T | None:
    """What the kernel answers; None when it does not offer this, which a page then says in its place."""
    try:
        return await answer
    except NotBuiltError:
        return None
