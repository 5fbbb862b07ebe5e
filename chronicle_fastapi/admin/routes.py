"""How the routes of the admin API answer: models when all is well, else problems (RFC 9457).

The errors of the kernel keep their meaning, and their text: who looks after a system needs to read it.
"""

import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

import grpc
import grpc.aio
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from chronicle import CallError, NotConnectedError, NotRunningError, SerializationError
from chronicle_fastapi.problem_models import problem_responses
from chronicle_fastapi.problems import RETRY_AFTER_SECONDS, ProblemResponse, problem_response

logger = logging.getLogger("chronicle.fastapi.admin")

_Code = grpc.StatusCode

STATUS_OF_CODE: Final[Mapping[grpc.StatusCode, int]] = {
    _Code.INVALID_ARGUMENT: 422,
    _Code.OUT_OF_RANGE: 422,
    _Code.NOT_FOUND: 404,
    _Code.ALREADY_EXISTS: 409,
    _Code.ABORTED: 409,
    _Code.FAILED_PRECONDITION: 409,
    _Code.PERMISSION_DENIED: 403,
    # Not 401: it is the application that the kernel does not know, not the administrator.
    _Code.UNAUTHENTICATED: 502,
    _Code.RESOURCE_EXHAUSTED: 429,
    _Code.UNIMPLEMENTED: 501,
    _Code.UNAVAILABLE: 503,
    _Code.CANCELLED: 503,
    _Code.DEADLINE_EXCEEDED: 504,
    # The kernel reports the exceptions of its handlers as these.
    _Code.UNKNOWN: 502,
    _Code.INTERNAL: 502,
    _Code.DATA_LOSS: 502,
}
"""What the status of a failed call becomes."""
_FAILED: Final = 502
"""For a failure inside of an answer, and for an answer that cannot be read."""


_ANY_PROBLEM: Final = problem_responses(400)[400]
PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    **dict.fromkeys((400, 401, 403, 404, 409, 422, 429, 501, 502, 504), _ANY_PROBLEM),
    **problem_responses(503),
}
"""What any route may answer with besides success, for OpenAPI."""

ACCEPTED: Final[Mapping[str, Any]] = {"status_code": 202, "response_class": Response}
"""For routes that ask the kernel for what it then does in the background: nothing to say yet."""
DONE: Final[Mapping[str, Any]] = {"status_code": 204}


class AdminRoute(APIRoute):
    """A route whose refusals and failures are problems, whatever the application does with its own."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of the route, with answers for what it raises."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except (
                CallError,
                NotRunningError,
                SerializationError,
                HTTPException,
                RequestValidationError,
            ) as error:
                return problem_of(error, f"{request.method} {request.url.path}")

        return answer


def problem_of(error: Exception, what: str) -> ProblemResponse:
    """The problem that an error is, of a request or of a resource's function; `what` names it for the log."""
    match error:
        case HTTPException():
            return problem_response(error.status_code, detail=error.detail, headers=error.headers)
        case RequestValidationError():
            # Without the values themselves: there may be secrets among them.
            errors = [
                {"location": [str(part) for part in one["loc"]], "message": one["msg"]}
                for one in error.errors()
            ]
            return problem_response(
                422, "Request refused", "The request is not as it should be.", errors=errors
            )
        case NotRunningError() | CallError():
            logger.warning("%s: %s", what, error)
            status = _status(error)
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else None
            return problem_response(status, detail=str(error), headers=headers)
        case _:
            logger.error("%s: %s", what, error, exc_info=error)
            return problem_response(_FAILED, detail=str(error))


def _status(error: NotRunningError | CallError) -> int:
    cause = error.__cause__
    if isinstance(cause, grpc.aio.AioRpcError):
        return STATUS_OF_CODE[cause.code()]
    # Without a call: known to be away before any was made, or told inside of an answer.
    return 503 if isinstance(error, NotRunningError | NotConnectedError) else _FAILED


def resource_router(resource: str, prefix: str) -> APIRouter:
    """A router for one resource: `event types` has the tag `Chronicle event types`.

    The names of its functions are the operation ids, whatever prefix the routers get.
    """
    return APIRouter(
        prefix=prefix,
        tags=[f"Chronicle {resource}"],
        route_class=AdminRoute,
        generate_unique_id_function=_operation_id,
    )


def _operation_id(route: APIRoute) -> str:
    return f"chronicle_{route.name}"
