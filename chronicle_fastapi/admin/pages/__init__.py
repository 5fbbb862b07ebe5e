"""The admin page: HTML for people, on top of the same functions as the admin API.

All addresses are flat and relative, `events?sequence=event-log`: the page works below any prefix, behind a
proxy that strips it or not, and nothing has to know which.
"""

from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from chronicle_fastapi.admin.access import refuse_cross_site, require_admin_token
from chronicle_fastapi.admin.pages import (
    assets,
    connected_clients,
    event_types,
    events,
    identities,
    jobs,
    observers,
    overview,
    read_models,
    recommendations,
    sign_in,
    subscriptions,
    webhooks,
)

_PAGES: Final = (
    overview,
    events,
    read_models,
    observers,
    jobs,
    recommendations,
    event_types,
    identities,
    webhooks,
    subscriptions,
    connected_clients,
)


def add_pages(admin: APIRouter, access: Callable[..., Any] = require_admin_token) -> None:
    """Puts the admin page at the root of a router, for those whom the dependency `access` lets in.

    With the admin token, it has a page to sign in with it.
    """
    with_token = access is require_admin_token
    pages = APIRouter(include_in_schema=False)
    pages.include_router(assets.router)
    if with_token:
        pages.include_router(sign_in.router)
    for page in _PAGES:
        pages.include_router(page.router, dependencies=[Depends(access), Depends(refuse_cross_site)])
    admin.include_router(pages)
    if admin.prefix:
        admin.add_api_route("", _into_the_folder, methods=["GET"], include_in_schema=False)


async def _into_the_folder(request: Request) -> Response:
    """Without the slash at the end, relative addresses would lead beside the page."""
    folder = request.url.path.rsplit("/", 1)[-1]
    return RedirectResponse(f"{folder}/", 308)
