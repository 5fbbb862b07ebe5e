"""Webhooks: who is handed events over HTTP."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Response

from chronicle_fastapi.admin.pages.forms import Form, form_of
from chronicle_fastapi.admin.pages.route import PageRoute
from chronicle_fastapi.admin.pages.view import ViewDep, offered
from chronicle_fastapi.admin.resources.webhooks import list_webhooks, remove_webhook

router: Final = APIRouter(route_class=PageRoute)


@router.get("/webhooks")
async def list_all(view: ViewDep) -> Response:
    """All webhooks."""
    return view.render("webhooks.html", here="webhooks", webhooks=await offered(list_webhooks(view.scope)))


@router.post("/webhooks")
async def change(view: ViewDep, form: Annotated[Form, Depends(form_of)]) -> Response:
    """Remove a webhook."""
    webhook_id = form.get("id", "")
    if form.get("action") != "remove" or not webhook_id:
        raise HTTPException(400, "That is nothing to do with a webhook.")
    await remove_webhook(view.scope, webhook_id)
    return view.go_to("webhooks", done="remove")
