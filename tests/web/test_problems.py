"""What Chronicle refuses, as problem+json; with nothing but the lifespan, and installed beforehand."""

import logging
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from chronicle import ConcurrencyScope
from chronicle.errors import (
    AppendError,
    ChronicleError,
    ConcurrencyError,
    ConstraintViolationError,
    DeadlineError,
    KernelError,
    NotBuiltError,
    NotConnectedError,
    UnitOfWorkError,
)
from chronicle.violations import ConcurrencyViolation, ConstraintType, ConstraintViolation
from chronicle_fastapi import Chronicle, EventLogDep, problem_response
from tests.web.asgi import serving
from tests.web.bank import Deposited

UNIQUE = ConstraintViolation(
    ConstraintType.UNIQUE, "unique-owner", "account-opened", "Another has it.", 7, {"PropertyName": "owner"}
)
SCHEMA = ConstraintViolation(
    ConstraintType.SCHEMA, "SchemaValidation", "account-opened", "It is required.", None, {"path": "owner"}
)
STALE = ConcurrencyViolation("account-42", 3, 5)


@pytest.fixture(params=["lifespan", "installed"])
def app(request: pytest.FixtureRequest, app: FastAPI, chronicle: Chronicle) -> FastAPI:
    """Whether by the lifespan alone or installed by hand: the answers are the same."""
    if request.param == "installed":
        chronicle.install(app)
    return app


TABLE = [
    (ConstraintViolationError("secret", violations=[UNIQUE]), 409, "constraint-violation"),
    (ConstraintViolationError("secret", violations=[SCHEMA]), 422, "schema-violation"),
    (ConstraintViolationError("secret", violations=[SCHEMA, UNIQUE]), 409, "constraint-violation"),
    (ConcurrencyError("secret", violations=[STALE]), 409, "concurrency-violation"),
    (AppendError("secret", errors=["secret"]), 500, "append-refused"),
    (NotConnectedError("secret"), 503, "unavailable"),
    (DeadlineError("secret"), 503, "unavailable"),
    (NotBuiltError("secret"), 501, "not-built"),
    (KernelError("secret"), 502, "kernel-failure"),
]


@pytest.mark.parametrize(("error", "status", "kind"), TABLE, ids=[str(row[2]) for row in TABLE])
async def test_errors_have_their_status_and_type_and_keep_what_is_ours(
    error: ChronicleError, status: int, kind: str, app: FastAPI
) -> None:
    @app.get("/")
    async def endpoint() -> None:
        raise error

    async with serving(app) as client:
        response = await client.get("/")
    problem = response.json()
    assert response.status_code == problem["status"] == status
    assert problem["type"] == f"urn:chronicle:{kind}"
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["title"]
    assert problem["detail"]
    assert "secret" not in response.text
    assert ("retry-after" in response.headers) == (status == 503)


async def test_a_constraint_violation_names_constraint_message_event_type_and_property(app: FastAPI) -> None:
    @app.get("/")
    async def endpoint() -> None:
        raise ConstraintViolationError("", violations=[UNIQUE, SCHEMA])

    async with serving(app) as client:
        problem = (await client.get("/")).json()
    assert problem["detail"] == "Another has it. It is required."
    assert problem["violations"] == [
        {
            "constraint": "unique-owner",
            "message": "Another has it.",
            "event_type": "account-opened",
            "property": "owner",
        },
        {
            "constraint": "SchemaValidation",
            "message": "It is required.",
            "event_type": "account-opened",
            "property": "owner",
        },
    ]


async def test_a_concurrency_violation_of_the_kernel_reaches_the_caller(app: FastAPI) -> None:
    @app.post("/")
    async def endpoint(event_log: EventLogDep) -> None:
        scope = ConcurrencyScope.expect_none().for_source()
        await event_log.append("a", Deposited(amount=1), concurrency=scope)

    async with serving(app) as client:
        assert (await client.post("/")).status_code == 200
        response = await client.post("/")
    assert response.status_code == 409
    assert response.json()["violations"] == [{"event_source_id": "a", "expected": None, "actual": 0}]


async def test_reasons_that_the_caller_does_not_get_are_logged(
    app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/here")
    async def endpoint() -> None:
        raise NotConnectedError("nobody at kernel:35000")

    with caplog.at_level(logging.WARNING, "chronicle.fastapi"):
        async with serving(app) as client:
            await client.get("/here")
    assert "GET /here: nobody at kernel:35000" in caplog.text


async def test_a_handler_of_the_application_comes_first(app: FastAPI) -> None:
    @app.exception_handler(ConcurrencyError)
    async def mine(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"mine": True}, status_code=418)

    @app.get("/")
    async def endpoint() -> None:
        raise ConcurrencyError("", violations=[STALE])

    async with serving(app) as client:
        assert (await client.get("/")).status_code == 418


async def test_a_mistake_in_the_application_stays_an_exception(app: FastAPI) -> None:
    @app.get("/")
    async def endpoint() -> None:
        raise UnitOfWorkError("used wrongly")

    async with serving(app) as client:
        response = await client.get("/")
    assert (response.status_code, response.text) == (500, "Internal Server Error")


async def test_a_response_that_has_started_is_left_as_it_is(app: FastAPI) -> None:
    @app.get("/")
    async def endpoint() -> StreamingResponse:
        async def chunks() -> AsyncIterator[str]:
            yield "half"
            raise KernelError("gone")

        return StreamingResponse(chunks())

    async with serving(app) as client:
        response = await client.get("/")
    assert (response.status_code, response.text) == (200, "half")


def test_on_a_websocket_the_error_stays_what_it_is(app: FastAPI) -> None:
    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        raise KernelError("gone")

    with TestClient(app) as client:
        connecting = client.websocket_connect("/ws")
        with pytest.raises(KernelError, match="gone"), connecting:
            pass


async def test_the_middleware_of_the_application_is_made_once(app: FastAPI) -> None:
    made = []

    class Mine:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app
            made.append(self)

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await self.app(scope, receive, send)

    app.add_middleware(Mine)
    for _ in range(2):
        async with serving(app) as client:
            await client.get("/")
    assert len(made) == 1


async def test_an_application_answers_with_problems_of_its_own() -> None:
    app = FastAPI()

    @app.get("/")
    async def endpoint() -> JSONResponse:
        return problem_response(
            402, "Out of credit", "Your balance is 30.", type="urn:example:credit", balance=30
        )

    @app.get("/short")
    async def short() -> JSONResponse:
        return problem_response(404)

    async with serving(app) as client:
        response = await client.get("/")
        short_one = (await client.get("/short")).json()
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "urn:example:credit",
        "title": "Out of credit",
        "status": 402,
        "detail": "Your balance is 30.",
        "balance": 30,
    }
    assert short_one == {"type": "about:blank", "title": "Not Found", "status": 404}
