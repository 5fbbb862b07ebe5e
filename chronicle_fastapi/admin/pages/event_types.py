"""Event types and their generations."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from chronicle_fastapi.admin.models import LARGEST_NAME
from chronicle_fastapi.admin.pages.route import PageRoute
from chronicle_fastapi.admin.pages.view import ViewDep
from chronicle_fastapi.admin.resources.event_types import find_event_type, list_event_types

router: Final = APIRouter(route_class=PageRoute)


@router.get("/event-types")
async def list_all(view: ViewDep) -> Response:
    """All event types."""
    return view.render("event_types.html", here="event-types", types=await list_event_types(view.scope))


@router.get("/event-type")
async def show(
    view: ViewDep,
    id: Annotated[str, Query(min_length=1, max_length=LARGEST_NAME)],  # noqa: A002 (its name there)
) -> Response:
    """One event type, with the schemas of its generations."""
    return view.render("event_type.html", here="event-types", type=await find_event_type(view.scope, id))
