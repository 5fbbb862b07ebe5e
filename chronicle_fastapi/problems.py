"""What Chronicle refuses, as `application/problem+json` (RFC 9457).

| Error | Status | `type` |
|---|---|---|
| `ConstraintViolationError` | 409 | `urn:chronicle:constraint-violation` |
| the same, all of them schema violations | 422 | `urn:chronicle:schema-violation` |
| the same, all about a completed stream; `StreamCompletedError` | 409 | `urn:chronicle:stream-completed` |
| `ConcurrencyError` | 409 | `urn:chronicle:concurrency-violation` |
| the same, about what `If-Match` or `If-None-Match` said | 412 | `urn:chronicle:precondition-failed` |
| any other `AppendError` | 500 | `urn:chronicle:append-refused` |
| `NotConnectedError`, `DeadlineError` | 503 and `Retry-After` | `urn:chronicle:unavailable` |
| `NotBuiltError` | 501 | `urn:chronicle:not-built` |
| `KernelError` | 502 | `urn:chronicle:kernel-failure` |
| `ProblemError` | its own | its own |

A status of 500 and above is our fault, not the caller's: its reasons go to the log, not over the wire. What
is not in the table (a declaration, an option, a unit of work used wrongly) is a mistake in the application
and stays an exception.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi.responses import JSONResponse
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chronicle import (
    AppendError,
    CallError,
    ConcurrencyError,
    ConstraintType,
    ConstraintViolationError,
    DeadlineError,
    NotBuiltError,
    NotConnectedError,
    StreamCompletedError,
)
from chronicle_fastapi.entity_tags import EntityTags

logger = logging.getLogger("chronicle.fastapi")

RETRY_AFTER_SECONDS: Final = 1
PRECONDITION_FAILED: Final = "urn:chronicle:precondition-failed"


class ProblemResponse(JSONResponse):
    """A JSON response with the media type of RFC 9457."""

    media_type = "application/problem+json"


class ProblemError(Exception):
    """A refusal of the application's own: raised in an endpoint or a dependency, answered as a problem.

        raise ProblemError(404, detail="There is no account alice.")

    Takes what `problem_response` takes.
    """

    def __init__(
        self,
        status: int,
        title: str | None = None,
        detail: str | None = None,
        *,
        type: str = "about:blank",  # noqa: A002 (the member's name in RFC 9457)
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(f"{status} {title or HTTPStatus(status).phrase}: {detail}")
        self.status = status
        self.response = problem_response(status, title, detail, type=type, headers=headers, **members)


def problem_response(
    status: int,
    title: str | None = None,
    detail: str | None = None,
    *,
    type: str = "about:blank",  # noqa: A002 (the member's name in RFC 9457)
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> ProblemResponse:
    """A response of RFC 9457, for an application's own refusals beside Chronicle's.

    `title` names the kind of problem (the status phrase if absent), `detail` this occurrence of it; `members`
    are the extension members and must be JSON values.
    """
    problem: dict[str, Any] = {"type": type, "title": title or HTTPStatus(status).phrase, "status": status}
    if detail is not None:
        problem["detail"] = detail
    return ProblemResponse(problem | members, status, headers)


ANSWERED: Final = (AppendError, CallError, StreamCompletedError, ProblemError)
"""The errors that are answered with problems."""
_STREAM_COMPLETED: Final = "urn:chronicle:stream-completed"


def add_handlers(app: Starlette) -> None:
    """Register the table above with an application that has not started yet."""
    for kind in ANSWERED:
        app.add_exception_handler(kind, _handle)


def answer_in(app: Starlette) -> None:
    """Give an application that is starting the same answers as `add_handlers` does earlier.

    A lifespan is entered through the finished middleware stack, so exception handlers added by it are never
    looked at, and building the stack anew would make the application's own middleware twice. The router is
    the one part still open. Handlers that the application has for these errors are asked first, being nearer
    to the endpoint.
    """
    if app.exception_handlers.get(AppendError) is _handle:
        return
    router = app.router
    if not hasattr(router, "middleware_stack"):
        logger.warning(
            "violations will be answered with status 500: call chronicle.install(app) before it starts"
        )
    elif not isinstance(router.middleware_stack, _Answering):
        router.middleware_stack = _Answering(router.middleware_stack)


class _Answering:
    """ASGI around a router: errors of the table become responses, unless a response has already started."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except ANSWERED as error:
            if started:
                raise
            response = respond(scope, error)
            await response(scope, receive, send)


async def _handle(connection: HTTPConnection, error: Exception) -> ProblemResponse:
    if connection.scope["type"] != "http":
        # A WebSocket has no response that could say it.
        raise error
    return respond(connection.scope, error)


def respond(scope: Scope, error: Exception) -> ProblemResponse:
    """The answer to one of the `ANSWERED` errors."""
    what = f"{scope['method']} {scope['path']}"
    match error:
        case ProblemError():
            return error.response
        case ConstraintViolationError():
            return _constraints(error)
        case ConcurrencyError():
            return _concurrency(error, Headers(scope=scope))
        case StreamCompletedError():
            detail = f"The stream {error.stream_type}/{error.stream_id} is completed."
            return problem_response(409, "Stream completed", detail, type=_STREAM_COMPLETED)
        case AppendError():
            logger.error("%s: %s", what, error, exc_info=error)
            detail = "The events of this request were refused. The reasons are in the server's log."
            return problem_response(500, "Events refused", detail, type="urn:chronicle:append-refused")
        case NotConnectedError() | DeadlineError():
            logger.warning("%s: %s", what, error)
            detail = "The event store cannot be reached, or is too slow, at the moment."
            retry = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            title = "Event store unavailable"
            return problem_response(503, title, detail, type="urn:chronicle:unavailable", headers=retry)
        case NotBuiltError():
            logger.error("%s: %s", what, error)
            detail = "The connected kernel does not offer what this request needs."
            return problem_response(501, "Not offered by the kernel", detail, type="urn:chronicle:not-built")
        case _:
            logger.error("%s: %s", what, error, exc_info=error)
            detail = "The event store failed. The reason is in the server's log."
            return problem_response(502, "Event store failed", detail, type="urn:chronicle:kernel-failure")


def _constraints(error: ConstraintViolationError) -> ProblemResponse:
    members = [
        {
            "constraint": violation.constraint_name,
            "message": violation.message,
            "event_type": violation.event_type_id,
            # A unique constraint says `PropertyName`, the schema `path`. The value itself may be personal.
            "property": violation.details.get("PropertyName") or violation.details.get("path"),
        }
        for violation in error.violations
    ]
    detail = " ".join(member["message"] for member in members if member["message"])
    if all(violation.constraint_type is ConstraintType.SCHEMA for violation in error.violations):
        kind = "urn:chronicle:schema-violation"
        return problem_response(422, "Schema violation", detail, type=kind, violations=members)
    if all(violation.constraint_type is ConstraintType.STREAM_CLOSED for violation in error.violations):
        return problem_response(409, "Stream completed", detail, type=_STREAM_COMPLETED, violations=members)
    kind = "urn:chronicle:constraint-violation"
    return problem_response(409, "Constraint violation", detail, type=kind, violations=members)


def _concurrency(error: ConcurrencyError, headers: Headers) -> ProblemResponse:
    members = [
        {
            "event_source_id": violation.event_source_id,
            "expected": violation.expected_sequence_number,
            "actual": violation.actual_sequence_number,
        }
        for violation in error.violations
    ]
    detail = "Something happened in the meantime. Read again, decide again, and send a new request."
    if any(_was_said(violation.expected_sequence_number, headers) for violation in error.violations):
        kind = PRECONDITION_FAILED
        return problem_response(412, "Precondition failed", detail, type=kind, violations=members)
    kind = "urn:chronicle:concurrency-violation"
    return problem_response(409, "Concurrency violation", detail, type=kind, violations=members)


def _was_said(expected: int | None, headers: Headers) -> bool:
    """Whether the request itself, and not the endpoint, expected this number."""
    try:
        if expected is None:
            none_match = EntityTags.of(headers, "if-none-match")
            return none_match is not None and none_match.is_any
        match = EntityTags.of(headers, "if-match")
    except ValueError:
        return False
    return match is not None and str(expected) in match.strong
