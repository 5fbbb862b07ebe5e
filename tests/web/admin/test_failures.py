"""What goes wrong behind the admin API keeps its meaning in the status."""

import httpx2
import pytest
from fastapi import FastAPI, HTTPException
from grpc import StatusCode

from chronicle.contracts import namespaces_pb2
from chronicle_fastapi import Chronicle
from chronicle_fastapi.admin.router import create_admin_router
from chronicle_fastapi.admin.routes import STATUS_OF_CODE
from tests.web.admin.conftest import AUTHORIZATION, TOKEN
from tests.web.admin.scripted import Script
from tests.web.admin.test_event_stores import assert_problem
from tests.web.asgi import calling, serving

JOBS = "event-stores/bank/namespaces/Default/jobs"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (StatusCode.INVALID_ARGUMENT, 422),
        (StatusCode.OUT_OF_RANGE, 422),
        (StatusCode.NOT_FOUND, 404),
        (StatusCode.ALREADY_EXISTS, 409),
        (StatusCode.ABORTED, 409),
        (StatusCode.FAILED_PRECONDITION, 409),
        (StatusCode.PERMISSION_DENIED, 403),
        (StatusCode.UNAUTHENTICATED, 502),
        (StatusCode.RESOURCE_EXHAUSTED, 429),
        (StatusCode.UNIMPLEMENTED, 501),
        (StatusCode.UNAVAILABLE, 503),
        (StatusCode.CANCELLED, 503),
        (StatusCode.DEADLINE_EXCEEDED, 504),
        (StatusCode.UNKNOWN, 502),
        (StatusCode.INTERNAL, 502),
        (StatusCode.DATA_LOSS, 502),
    ],
)
async def test_a_failed_call_keeps_its_meaning_and_names_the_method(
    api: httpx2.AsyncClient, script: Script, code: StatusCode, status: int
) -> None:
    script.script({"Jobs/AllJobs": code})
    response = await api.get(JOBS)
    assert_problem(response, status, "Jobs/AllJobs")
    assert response.headers.get("retry-after") == ("1" if status == 503 else None)


def test_every_status_of_grpc_but_success_has_one_here() -> None:
    assert set(STATUS_OF_CODE) == set(StatusCode) - {StatusCode.OK}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "jobs"),
        ("GET", "observers"),
        ("GET", "failed-partitions"),
        ("GET", "recommendations"),
    ],
)
async def test_what_the_kernel_has_not_built_is_answered_with_501_and_the_name_of_the_method(
    api: httpx2.AsyncClient, script: Script, method: str, path: str
) -> None:
    # As the embedded kernel says it of methods that stand in docs/status.md.
    for name in (
        "Jobs/AllJobs",
        "Observers/GetObservers",
        "FailedPartitions/GetFailedPartitions",
        "Recommendations/GetRecommendations",
    ):
        script.answers[name] = StatusCode.UNIMPLEMENTED
    response = await api.request(method, f"event-stores/bank/namespaces/Default/{path}")
    assert_problem(response, 501, "says so")


async def test_a_failure_inside_of_an_answer_is_a_failure(api: httpx2.AsyncClient, script: Script) -> None:
    envelope = namespaces_pb2.CommandResult(ExceptionMessages=["the disk is full"])
    script.script({"Namespaces/EnsureNamespace": envelope})
    assert_problem(
        await api.post("event-stores/bank/namespaces", json={"name": "x"}), 502, "the disk is full"
    )


async def test_without_a_token_nobody_gets_in(admin_app: FastAPI) -> None:
    async with calling(admin_app) as client:
        for path in ("event-stores", "server/version", "event-stores/x/webhooks"):
            response = await client.get(f"/chronicle/api/{path}")
            assert_problem(response, 401, "admin token is needed")
            assert "Bearer" in response.headers["www-authenticate"]


async def test_a_dependency_of_the_application_takes_the_place_of_the_token(chronicle: Chronicle) -> None:
    async def only_on_request(badge: str = "") -> None:
        if badge != "gold":
            raise HTTPException(403, "Bring your badge.")

    app = FastAPI(lifespan=chronicle.lifespan)
    app.include_router(create_admin_router(prefix="/inside", access=only_on_request, page=False))
    async with serving(app) as client:
        assert_problem(await client.get("/inside/api/event-stores"), 403, "Bring your badge.")
        assert (await client.get("/inside/api/event-stores", params={"badge": "gold"})).status_code == 200


async def test_a_page_of_another_site_changes_nothing(api: httpx2.AsyncClient) -> None:
    del api.headers["Authorization"]
    headers = {"Sec-Fetch-Site": "cross-site", "Cookie": "any=one"}
    response = await api.post("event-stores", json={"name": "x"}, headers=headers)
    assert response.status_code in (401, 403)
    names = [one["name"] for one in (await api.get("event-stores", headers=AUTHORIZATION)).json()]
    assert "x" not in names


async def test_an_application_that_never_started_says_so(
    routes: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHRONICLE_ADMIN_TOKEN", TOKEN)
    async with calling(routes) as client:
        response = await client.get("/chronicle/api/event-stores", headers=AUTHORIZATION)
    assert_problem(response, 503, "Chronicle is not running")


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'"text"', b"null"])
async def test_a_body_that_cannot_be_read_is_a_problem(api: httpx2.AsyncClient, body: bytes) -> None:
    response = await api.post("event-stores", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in (400, 422)
    assert response.headers["content-type"] == "application/problem+json"
