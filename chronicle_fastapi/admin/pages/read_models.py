"""The read model browser: definitions, instances, one instance."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from chronicle_fastapi.admin.models import LARGEST_NAME
from chronicle_fastapi.admin.pages.route import PageRoute
from chronicle_fastapi.admin.pages.view import ViewDep, offered
from chronicle_fastapi.admin.resources.read_models import (
    LAST_PAGE,
    find_instance,
    find_read_model,
    list_read_models,
    list_snapshots,
    page_of_instances,
)

router: Final = APIRouter(route_class=PageRoute)

PAGE_SIZE: Final = 50
MOST_COLUMNS: Final = 6
KEY: Final = "_id"
"""Where stored instances have their key (projections-and-read-models.md 3.7)."""
_OF_KERNEL: Final = "__"

Id = Annotated[str, Query(min_length=1, max_length=LARGEST_NAME)]


@router.get("/read-models")
async def list_all(view: ViewDep) -> Response:
    """All read models."""
    return view.render(
        "read_models.html", here="read-models", models=await offered(list_read_models(view.scope))
    )


@router.get("/read-model")
async def show(
    view: ViewDep,
    id: Id,  # noqa: A002 (its name in the address)
    page: Annotated[int, Query(ge=0, le=LAST_PAGE)] = 0,
) -> Response:
    """One read model, with a page of its instances."""
    model = await find_read_model(view.scope, id)
    found = await offered(page_of_instances(view.scope, id, page=page, page_size=PAGE_SIZE))
    instances = found.instances if found else ()
    return view.render(
        "read_model.html",
        here="read-models",
        model=model,
        found=found,
        key=KEY,
        has_keys=all(isinstance(each, dict) and KEY in each for each in instances),
        columns=_columns(instances),
    )


@router.get("/instance")
async def show_instance(view: ViewDep, id: Id, key: Id) -> Response:  # noqa: A002 (its name in the address)
    """One instance, and how it came about."""
    return view.render(
        "instance.html",
        here="read-models",
        model=await find_read_model(view.scope, id),
        found=await find_instance(view.scope, id, key),
        snapshots=await offered(list_snapshots(view.scope, id, key)),
    )


def _columns(instances: Sequence[Any]) -> Sequence[str]:
    """The members to show in a table: of all that instances have, the first few."""
    names: dict[str, None] = {}
    for instance in instances:
        if isinstance(instance, dict):
            names.update(dict.fromkeys(instance))
    return [name for name in names if name != KEY and not name.startswith(_OF_KERNEL)][:MOST_COLUMNS]
