"""Units of work that wait for the status of their response: `RequestOptions(roll_back_on_error_status=True)`.

What an endpoint returns is seen by no dependency. So the unit is handed to a layer around the router, which
sees the response begin: still before anything of it is sent.
"""

from typing import Final

from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chronicle import UnitOfWork
from chronicle_fastapi import problems

_WAITING: Final = "chronicle.unit_of_work"
_FIRST_ERROR: Final = 400


def end_with_response(scope: Scope, unit_of_work: UnitOfWork) -> None:
    """Leave a unit of work to be committed or rolled back when the response of its request begins."""
    scope[_WAITING] = unit_of_work


def add_to(app: Starlette) -> None:
    """Put the layer around the router of an application, whether it has started or not; once is enough."""
    router = app.router
    if not isinstance(router.middleware_stack, StatusWatch):
        router.middleware_stack = StatusWatch(router.middleware_stack)


class StatusWatch:
    """ASGI around a router: ends units of work, and answers with a problem in place of the response if that
    fails.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def watched(message: Message) -> None:
            unit_of_work = scope.pop(_WAITING, None) if message["type"] == "http.response.start" else None
            if unit_of_work is not None:
                try:
                    await _end(unit_of_work, message["status"])
                except problems.ANSWERED as error:
                    await problems.respond(scope, error)(scope, receive, send)
                    raise _ReplacedError from error
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except _ReplacedError:
            pass
        finally:
            # There is one still when making the response has failed.
            unit_of_work = scope.pop(_WAITING, None)
            if unit_of_work is not None:
                await unit_of_work.close()


class _ReplacedError(Exception):
    """Ends the response that was replaced, its background tasks included."""


async def _end(unit_of_work: UnitOfWork, status: int) -> None:
    if status >= _FIRST_ERROR:
        await unit_of_work.close()
    elif not unit_of_work.is_completed:
        await unit_of_work.commit()
