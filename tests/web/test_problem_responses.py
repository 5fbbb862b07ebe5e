"""Problems declared in OpenAPI, and problems of the application's own and of completed streams."""

from typing import Any

import pytest
from fastapi import FastAPI

from chronicle_fastapi import Chronicle, EventLogDep, ProblemError, problem_responses
from tests.web.asgi import serving
from tests.web.bank import Deposited


def operation(app: FastAPI, path: str = "/{number}") -> Any:
    return app.openapi()["paths"][path]["post"]


@pytest.fixture(params=["lifespan", "installed"])
def app(request: pytest.FixtureRequest, app: FastAPI, chronicle: Chronicle) -> FastAPI:
    """Whether by the lifespan alone or installed by hand: the answers are the same."""
    if request.param == "installed":
        chronicle.install(app)
    return app


async def test_declared_problems_are_components_with_their_media_type() -> None:
    app = FastAPI()

    @app.post("/{number}", responses=problem_responses(409, 412, 503))
    async def endpoint(number: int) -> None: ...

    responses = operation(app)["responses"]
    schemas = app.openapi()["components"]["schemas"]
    problem = {"$ref": "#/components/schemas/ChronicleProblem"}
    assert responses["503"]["content"]["application/problem+json"]["schema"] == problem
    assert responses["503"]["headers"]["Retry-After"]["schema"] == {"type": "integer"}
    conflict = responses["409"]["content"]["application/problem+json"]["schema"]["anyOf"]
    names = [reference["$ref"].rpartition("/")[2] for reference in conflict]
    assert names == ["ConstraintProblem", "ConcurrencyProblem", "ChronicleProblem"]
    assert set(names) <= schemas.keys()
    assert schemas["ViolatedConstraint"]["required"] == ["constraint", "message", "event_type"]
    assert responses["409"]["description"] == "Conflict"


async def test_without_statuses_those_of_an_append_are_declared() -> None:
    assert list(problem_responses()) == [409, 422, 503]


async def test_what_fastapi_itself_answers_with_422_is_declared_beside_it() -> None:
    app = FastAPI()

    @app.post("/{number}", responses=problem_responses())
    async def endpoint(number: int) -> None: ...

    @app.post("/plain/{number}")
    async def plain(number: int) -> None: ...

    content = operation(app)["responses"]["422"]["content"]
    constraint = {"$ref": "#/components/schemas/ConstraintProblem"}
    validation = {"$ref": "#/components/schemas/HTTPValidationError"}
    assert content["application/problem+json"]["schema"] == constraint
    assert validation in content["application/json"]["schema"]["anyOf"]
    # FastAPI's own description is the one and only, whoever names it first.
    assert operation(app, "/plain/{number}")["responses"]["422"]["content"]["application/json"] == {
        "schema": validation
    }
    assert set(app.openapi()["components"]["schemas"]) >= {"HTTPValidationError", "ValidationError"}


async def test_every_reference_leads_somewhere() -> None:
    app = FastAPI()

    @app.post("/{number}", responses=problem_responses(400, 404, 409, 412, 422, 428, 501, 503))
    async def endpoint(number: int) -> None: ...

    def references(node: Any) -> set[str]:
        if isinstance(node, dict):
            found = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return found.union(*map(references, node.values()))
        return set().union(*map(references, node)) if isinstance(node, list) else set()

    document = app.openapi()
    assert {name.rpartition("/")[2] for name in references(document)} <= document["components"][
        "schemas"
    ].keys()


async def test_an_endpoint_raises_a_problem_of_its_own(app: FastAPI) -> None:
    @app.get("/")
    async def endpoint() -> None:
        raise ProblemError(
            404, "No such account", "There is no account alice.", headers={"X-Seen": "1"}, hint="Open one."
        )

    async with serving(app) as client:
        response = await client.get("/")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-seen"] == "1"
    assert response.json() == {
        "type": "about:blank",
        "title": "No such account",
        "status": 404,
        "detail": "There is no account alice.",
        "hint": "Open one.",
    }


async def test_what_is_appended_to_a_completed_stream_is_a_conflict(app: FastAPI) -> None:
    @app.post("/")
    async def endpoint(event_log: EventLogDep) -> None:
        await event_log.append("alice", Deposited(amount=1), stream_type="onboarding", stream_id="1")

    @app.post("/complete")
    async def complete(event_log: EventLogDep) -> None:
        await event_log.complete_stream("onboarding", "1")

    async with serving(app) as client:
        assert (await client.post("/complete")).status_code == 200
        appended = await client.post("/")
        completed = await client.post("/complete")
    for response in (appended, completed):
        assert response.status_code == 409
        assert response.json()["type"] == "urn:chronicle:stream-completed"
        assert response.json()["title"] == "Stream completed"
    assert [one["constraint"] for one in appended.json()["violations"]] == ["closed-stream"]
    assert "onboarding/1" in completed.json()["detail"]
