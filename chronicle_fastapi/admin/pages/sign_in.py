"""Signing in with the admin token, and out again."""

import re
from typing import Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from chronicle_fastapi.admin.access import (
    LOGIN_ROUTE,
    AdminToken,
    refuse_cross_site,
    sign_in,
    sign_out,
)
from chronicle_fastapi.admin.pages.forms import FormDep
from chronicle_fastapi.admin.pages.route import PageRoute, show_sign_in

router: Final = APIRouter(route_class=PageRoute)

_OUR_PAGE: Final = re.compile(r"[a-z-]*(\?[^#\\\s]*)?")


@router.get("/login", name=LOGIN_ROUTE)
async def ask(request: Request) -> Response:
    """The form. A token in the fragment of its address is filled in by the page's script."""
    return show_sign_in(request)


@router.post("/login", dependencies=[Depends(refuse_cross_site)])
async def enter(request: Request, form: FormDep) -> Response:
    """Take the token, give a session for it."""
    wanted = form.get("wanted", "")
    if not AdminToken.of(request.app).matches(form.get("token", "").strip()):
        problem = "That is not the admin token of this application."
        return show_sign_in(request, status=401, problem=problem, wanted=wanted)
    response = _go_to(wanted)
    sign_in(request, response)
    return response


@router.post("/logout", dependencies=[Depends(refuse_cross_site)])
async def leave(request: Request) -> Response:
    """End the session of this browser."""
    response = _go_to("login")
    sign_out(request, response)
    return response


def _go_to(page: str) -> Response:
    # Relative, and a page of ours: there is no way to send a browser elsewhere from here.
    return RedirectResponse(page if page and _OUR_PAGE.fullmatch(page) else "./", 303)
