"""Jobs and their steps."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from chronicle_fastapi.admin.pages.forms import FormDep, chosen
from chronicle_fastapi.admin.pages.route import PageRoute
from chronicle_fastapi.admin.pages.view import ViewDep, offered
from chronicle_fastapi.admin.resources.jobs import (
    delete_job,
    find_job,
    list_job_steps,
    list_jobs,
    resume_job,
    stop_job,
)

router: Final = APIRouter(route_class=PageRoute)

_ACTIONS: Final = {"stop": stop_job, "resume": resume_job, "delete": delete_job}


@router.get("/jobs")
async def list_all(view: ViewDep) -> Response:
    """All jobs."""
    return view.render("jobs.html", here="jobs", jobs=await offered(list_jobs(view.scope)))


@router.get("/job")
async def show(view: ViewDep, id: Annotated[UUID, Query()]) -> Response:  # noqa: A002 (its name there)
    """One job with its steps."""
    return view.render(
        "job.html",
        here="jobs",
        job=await find_job(view.scope, id),
        steps=await offered(list_job_steps(view.scope, id)),
    )


@router.post("/job")
async def change(
    view: ViewDep,
    form: FormDep,
    id: Annotated[UUID, Query()],  # noqa: A002 (its name in the address)
) -> Response:
    """Do what a button on one of these pages says."""
    action, act = chosen(form, _ACTIONS, "a job")
    await act(view.scope, id)
    return view.go_to("jobs", done=action)
