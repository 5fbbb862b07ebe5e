"""`chronicle_admin`: the admin API, and the page on top of it, as a router for an application to include.

app.include_router(chronicle_admin)

app.include_router(create_admin_router(prefix="/internal/chronicle", access=require_operator))
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Final

from fastapi import APIRouter, Depends

from chronicle_fastapi.admin.access import announced, refuse_cross_site, require_admin_token
from chronicle_fastapi.admin.pages import add_pages
from chronicle_fastapi.admin.resources import (
    connected_clients,
    event_stores,
    event_types,
    failed_partitions,
    identities,
    jobs,
    namespaces,
    observers,
    read_models,
    recommendations,
    seeds,
    sequences,
    server,
    subscriptions,
    webhooks,
)
from chronicle_fastapi.admin.routes import PROBLEMS

PREFIX: Final = "/chronicle"
API_PREFIX: Final = "/api"
"""Where the API is below the router; everything else there belongs to the page."""


_RESOURCES: Final = (
    event_stores,
    namespaces,
    event_types,
    sequences,
    read_models,
    observers,
    failed_partitions,
    jobs,
    recommendations,
    subscriptions,
    identities,
    seeds,
    connected_clients,
    server,
)


def create_admin_router(
    *,
    prefix: str = PREFIX,
    tags: Sequence[str | Enum] = (),
    access: Callable[..., Any] = require_admin_token,
    page: bool = True,
    private_webhooks: bool = False,
) -> APIRouter:
    """A router with the admin API, below `{prefix}/api`, and the admin page at `prefix`.

    `tags` come before those of the resources, in OpenAPI. `access` is the dependency that lets administrators
    in and raises `HTTPException` for everybody else; `require_admin_token` if none is given. Without `page`
    there is the API alone. Webhooks may only go to public addresses unless `private_webhooks` is true:
    whoever may add one could otherwise make the kernel call what only it can reach.
    """
    api = APIRouter(
        prefix=API_PREFIX,
        tags=list(tags),
        dependencies=[Depends(access), Depends(refuse_cross_site)],
        responses=PROBLEMS,
    )
    for resource in _RESOURCES:
        api.include_router(resource.router)
    api.include_router(webhooks.create_router(private=private_webhooks))
    admin = APIRouter(prefix=prefix, lifespan=announced if access is require_admin_token else None)
    admin.include_router(api)
    if page:
        add_pages(admin, access)
    return admin


chronicle_admin: Final = create_admin_router()
"""The admin API and the admin page below `/chronicle`, for holders of the admin token."""
