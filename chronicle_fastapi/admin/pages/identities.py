"""Who has caused events."""

from typing import Final

from fastapi import APIRouter, Response

from chronicle_fastapi.admin.pages.route import PageRoute
from chronicle_fastapi.admin.pages.view import ViewDep, offered
from chronicle_fastapi.admin.resources.identities import list_identities

router: Final = APIRouter(route_class=PageRoute)


@router.get("/identities")
async def list_all(view: ViewDep) -> Response:
    """All identities."""
    return view.render(
        "identities.html", here="identities", identities=await offered(list_identities(view.scope))
    )
