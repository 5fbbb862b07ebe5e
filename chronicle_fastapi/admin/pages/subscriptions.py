"""Subscriptions to the outboxes of other event stores."""

from typing import Final

from fastapi import APIRouter, Response

from chronicle_fastapi.admin.pages.forms import FormDep, nothing_to_do_with
from chronicle_fastapi.admin.pages.route import PageRoute
from chronicle_fastapi.admin.pages.view import ViewDep, offered
from chronicle_fastapi.admin.resources.subscriptions import list_subscriptions, remove_subscription

router: Final = APIRouter(route_class=PageRoute)


@router.get("/subscriptions")
async def list_all(view: ViewDep) -> Response:
    """All subscriptions of the event store."""
    return view.render(
        "subscriptions.html",
        here="subscriptions",
        subscriptions=await offered(list_subscriptions(view.scope)),
    )


@router.post("/subscriptions")
async def change(view: ViewDep, form: FormDep) -> Response:
    """Remove a subscription."""
    subscription_id = form.get("id", "")
    if form.get("action") != "remove" or not subscription_id:
        raise nothing_to_do_with("a subscription")
    await remove_subscription(view.scope, subscription_id)
    return view.go_to("subscriptions", done="remove")
