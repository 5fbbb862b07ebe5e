"""What every page has in common: what goes wrong becomes a page too, and headers that keep it to itself."""

import json
from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from chronicle import CallError, NotRunningError, SerializationError
from chronicle_fastapi.admin.access import CrossSiteError, TokenRequiredError
from chronicle_fastapi.admin.pages.rendering import SECURITY_HEADERS, render
from chronicle_fastapi.admin.routes import problem_of

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PageRoute(APIRoute):
    """A route that answers a person. What the application's own dependency raises is left to it."""

    def get_route_handler(self) -> Handler:
        """FastAPI's handler, with what is said above around it."""
        handle = super().get_route_handler()

        async def handle_page(request: Request) -> Response:
            try:
                response = await handle(request)
            except _SHOWN as error:
                response = show_error(request, error)
            for name, value in SECURITY_HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return handle_page


_SHOWN: Final = (
    CallError,
    HTTPException,
    NotRunningError,
    RequestValidationError,
    SerializationError,
)

_TITLES: Final = {
    403: "Refused",
    400: "That cannot be done",
    404: "Not found",
    409: "That cannot be done now",
    413: "Too much",
    422: "That address is not right",
    501: "Not offered here",
    502: "The kernel failed",
    503: "The kernel does not answer",
    504: "The kernel does not answer",
}
_OF_ACCESS: Final = frozenset({401, 403})


def show_error(request: Request, error: Exception) -> Response:
    """The page that says what the API would say, or the one to sign in with when only that is missing.

    Raises what the application's own dependency does to keep somebody out, or to send them somewhere else.
    """
    if isinstance(error, TokenRequiredError):
        return show_sign_in(request, status=401)
    if _is_for_the_application(error):
        raise error
    problem = json.loads(bytes(problem_of(error, f"{request.method} {request.url.path}").body))
    title = _TITLES.get(problem["status"], problem["title"])
    return render("error.html", {"title": title, "text": problem.get("detail", "")}, problem["status"])


def _is_for_the_application(error: Exception) -> bool:
    return (
        isinstance(error, HTTPException)
        and not isinstance(error, CrossSiteError)
        and (error.status_code in _OF_ACCESS or error.status_code < 400)
    )


def show_sign_in(
    request: Request, *, status: int = 200, problem: str = "", wanted: str | None = None
) -> Response:
    """The page that asks for the token; it then leads to the page that is `wanted`, or else to this one."""
    values = {"wanted": _this_page(request) if wanted is None else wanted, "problem": problem}
    return render("login.html", values, status)


def _this_page(request: Request) -> str:
    """The page and its query, without any path: it is one of ours, whatever is made of it."""
    page, query = request.url.path.rsplit("/", 1)[-1], request.url.query
    if request.method != "GET" or page == "login":
        return ""
    return f"{page}?{query}" if query else page
