"""Webhooks: who is handed events over HTTP."""

from typing import Final

from fastapi import APIRouter, Response

from chronicle_fastapi.admin.pages.forms import FormDep, nothing_to_do_with
from chronicle_fastapi.admin.pages.route import PageRoute
from chronicle_fastapi.admin.pages.view import ViewDep, offered
from chronicle_fastapi.admin.resources.webhooks import list_webhooks, remove_webhook

router: Final = APIRouter(route_class=PageRoute)


@router.get("/webhooks")
async def list_all(view: ViewDep) -> Response:
    """All webhooks."""
    return view.render("webhooks.html", here="webhooks", webhooks=await offered(list_webhooks(view.scope)))


@router.post("/webhooks")
async def change(view: ViewDep, form: FormDep) -> Response:
    """Remove a webhook."""
    webhook_id = form.get("id", "")
    if form.get("action") != "remove" or not webhook_id:
        raise nothing_to_do_with("a webhook")
    await remove_webhook(view.scope, webhook_id)
    return view.go_to("webhooks", done="remove")
