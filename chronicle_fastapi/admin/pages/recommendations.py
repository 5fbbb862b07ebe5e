"""What the kernel recommends to do."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query, Response

from chronicle_fastapi.admin.pages.forms import Form, form_of
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
    form: Annotated[Form, Depends(form_of)],
    id: Annotated[UUID, Query()],  # noqa: A002 (its name in the address)
) -> Response:
    """Perform or ignore a recommendation."""
    action = form.get("action", "")
    if action not in _ACTIONS:
        raise HTTPException(400, "That is nothing to do with a recommendation.")
    await _ACTIONS[action](view.scope, id)
    return view.go_to("recommendations", done=action)
