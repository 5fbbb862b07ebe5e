"""What the kernel recommends to do."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from chronicle_fastapi.admin.pages.forms import FormDep, chosen
from chronicle_fastapi.admin.pages.route import PageRoute
from chronicle_fastapi.admin.pages.view import ViewDep, offered
from chronicle_fastapi.admin.resources.recommendations import (
    ignore_recommendation,
    list_recommendations,
    perform_recommendation,
)

router: Final = APIRouter(route_class=PageRoute)

_ACTIONS: Final = {"perform": perform_recommendation, "ignore": ignore_recommendation}


@router.get("/recommendations")
async def list_all(view: ViewDep) -> Response:
    """All recommendations."""
    return view.render(
        "recommendations.html",
        here="recommendations",
        recommendations=await offered(list_recommendations(view.scope)),
    )


@router.post("/recommendations")
async def change(
    view: ViewDep,
    form: FormDep,
    id: Annotated[UUID, Query()],  # noqa: A002 (its name in the address)
) -> Response:
    """Perform or ignore a recommendation."""
    action, act = chosen(form, _ACTIONS, "a recommendation")
    await act(view.scope, id)
    return view.go_to("recommendations", done=action)
