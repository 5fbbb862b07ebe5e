"""Observers and their failed partitions: how far each has come, replaying, retrying."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from chronicle_fastapi.admin.models import LARGEST_NAME
from chronicle_fastapi.admin.pages.forms import Form, FormDep, nothing_to_do_with
from chronicle_fastapi.admin.pages.route import PageRoute
from chronicle_fastapi.admin.pages.view import View, ViewDep, offered
from chronicle_fastapi.admin.resources.failed_partitions import list_failed_partitions
from chronicle_fastapi.admin.resources.observers import (
    clear_quarantine,
    find_observer,
    list_clients_of_observer,
    list_observers,
    replay_observer,
    replay_partition,
    retry_partition,
)

router: Final = APIRouter(route_class=PageRoute)

ObserverId = Annotated[str, Query(min_length=1, max_length=LARGEST_NAME)]


@router.get("/observers")
async def list_all(view: ViewDep) -> Response:
    """All observers."""
    return view.render(
        "observers.html", here="observers", observers=await offered(list_observers(view.scope))
    )


@router.get("/observer")
async def show(view: ViewDep, id: ObserverId) -> Response:  # noqa: A002 (its name in the address)
    """One observer, with what it waits for and where it failed."""
    observer, failed_partitions, clients = await asyncio.gather(
        find_observer(view.scope, id),
        offered(list_failed_partitions(view.scope, id)),
        offered(list_clients_of_observer(view.scope, id)),
    )
    return view.render(
        "observer.html",
        here="observers",
        observer=observer,
        failed_partitions=failed_partitions,
        clients=clients,
    )


@router.get("/failed-partitions")
async def list_failed(view: ViewDep) -> Response:
    """All failed partitions."""
    return view.render(
        "failed_partitions.html",
        here="failed-partitions",
        failed_partitions=await offered(list_failed_partitions(view.scope)),
    )


@router.post("/observer")
async def change(
    view: ViewDep,
    form: FormDep,
    id: ObserverId,  # noqa: A002 (its name in the address)
) -> Response:
    """Do what a button on one of these pages says."""
    action, partition = form.get("action", ""), form.get("partition", "").strip()
    match action:
        case "replay":
            started = await replay_observer(view.scope, id)
            done = action if started.job_id is not None else "no-replay"
            return view.go_to("observer", id=id, done=done)
        case "clear-quarantine":
            await clear_quarantine(view.scope, id)
        case "replay-partition" if partition:
            await replay_partition(view.scope, id, partition)
        case "retry" if partition:
            await retry_partition(view.scope, id, partition)
        case _:
            raise nothing_to_do_with("an observer")
    return _back(view, form, id, action)


def _back(view: View, form: Form, observer_id: str, action: str) -> Response:
    if form.get("from") == "failed-partitions":
        return view.go_to("failed-partitions", done=action)
    return view.go_to("observer", id=observer_id, done=action)
