"""Problems in OpenAPI: so that generated clients know what they may be told instead of success."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

_MEDIA_TYPE: Final = "application/problem+json"
_SCHEMAS: Final = "#/components/schemas/"


class ChronicleProblem(BaseModel):
    """A problem of RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str
    """What kind of problem it is: one of `urn:chronicle:...`, or the application's own."""
    title: str
    status: int
    detail: str | None = None


class ViolatedConstraint(BaseModel):
    """A constraint that refused an event."""

    constraint: str
    message: str
    event_type: str
    property: str | None = None
    """The member of the event that it is about."""


class ConstraintProblem(ChronicleProblem):
    """Events were refused by constraints, their schemas, or a stream that takes no more events."""

    violations: list[ViolatedConstraint]


class UnexpectedEvents(BaseModel):
    """An event source that has newer events than the request expected."""

    event_source_id: str
    expected: int | None
    """The newest number that was expected; null when there was to be no event."""
    actual: int | None


class ConcurrencyProblem(ChronicleProblem):
    """Something happened that the request did not know of."""

    violations: list[UnexpectedEvents]


class ValidationError(BaseModel):
    """What is wrong with one part of a request, as FastAPI says it."""

    loc: list[str | int]
    msg: str
    type: str


class HTTPValidationError(BaseModel):
    """A request that does not fit its endpoint, as FastAPI answers it."""

    detail: list[ValidationError] = []


_CONFLICT: Final = (ConstraintProblem, ConcurrencyProblem, ChronicleProblem)
_PROBLEMS: Final[Mapping[int, tuple[type[ChronicleProblem], ...]]] = {
    409: _CONFLICT,
    412: (ConcurrencyProblem, ChronicleProblem),
    422: (ConstraintProblem,),
}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that an endpoint or a router may answer with, for its `responses`.

        @app.post("/accounts/{account_id}/deposits", responses=problem_responses())
        @app.put("/accounts/{account_id}", responses=problem_responses(409, 412, 422, 428, 503))

    Without any status: 409, 422 and 503, what an append may meet with.
    """
    return {status: _response(status) for status in statuses or (409, 422, 503)}


def _response(status: int) -> dict[str, Any]:
    models = _PROBLEMS.get(status, (ChronicleProblem,))
    # FastAPI makes components of what stands at "model" only, and describes it as its own kind of JSON: so
    # that has to be right too, and 422 is what FastAPI answers for a request that does not fit.
    known = (*models, HTTPValidationError) if status == 422 else models
    model: Any = known[0]
    for other in known[1:]:
        model = model | other
    references = [{"$ref": _SCHEMAS + one.__name__} for one in models]
    schema = references[0] if len(references) == 1 else {"anyOf": references}
    response: dict[str, Any] = {"model": model, "content": {_MEDIA_TYPE: {"schema": schema}}}
    if status == 503:
        seconds = {"description": "Seconds to wait", "schema": {"type": "integer"}}
        response["headers"] = {"Retry-After": seconds}
    return response
