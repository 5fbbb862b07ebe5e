"""The clients that are connected to the kernel, and the kernel itself."""

import asyncio
from typing import Final

from fastapi import APIRouter, Response

from chronicle_fastapi.admin.pages.route import PageRoute
from chronicle_fastapi.admin.pages.view import ViewDep, offered
from chronicle_fastapi.admin.resources.connected_clients import list_connected_clients
from chronicle_fastapi.admin.resources.server import find_server_version

router: Final = APIRouter(route_class=PageRoute)


@router.get("/clients")
async def list_all(view: ViewDep) -> Response:
    """All connected clients, and what they are connected to."""
    client = view.scope.client
    clients, server = await asyncio.gather(
        offered(list_connected_clients(client)), offered(find_server_version(client))
    )
    return view.render(
        "clients.html", here="clients", clients=clients, server=server, own_id=client.connection_id
    )
