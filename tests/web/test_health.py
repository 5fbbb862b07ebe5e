"""Whether the application lives, and whether it can serve."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import Depends, FastAPI, HTTPException

from chronicle import (
    Artifacts,
    ChronicleClient,
    ChronicleOptions,
    EventContext,
    KernelError,
    NotBuiltError,
    reactor,
)
from chronicle_fastapi import Chronicle, create_health_router, health
from tests.waiting import eventually
from tests.web.asgi import calling, serving
from tests.web.bank import ARTIFACTS, Deposited


@pytest.fixture
def app(app: FastAPI) -> FastAPI:
    app.include_router(create_health_router())
    return app


async def ready(client: httpx2.AsyncClient) -> tuple[int, dict[str, Any]]:
    response = await client.get("/health/ready")
    return response.status_code, response.json()


async def test_an_application_that_runs_is_alive_and_ready(app: FastAPI) -> None:
    async with serving(app) as client:
        alive = await client.get("/health/live")
        response = await client.get("/health/ready")
    assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
    assert response.headers["cache-control"] == "no-store"
    assert (response.status_code, response.json()) == (
        200,
        {
            "status": "ready",
            "reasons": [],
            "connected": True,
            "registered": True,
            "observers": 1,
            "subscribed": 1,
            "failed_partitions": 0,
            "behind": 0,
        },
    )


async def test_an_application_that_was_not_started_is_alive_and_not_ready(app: FastAPI) -> None:
    async with calling(app) as client:
        assert (await client.get("/health/live")).status_code == 200
        status, readiness = await ready(client)
    assert (status, readiness["status"], readiness["reasons"]) == (503, "not-ready", ["not-running"])


async def test_an_application_that_was_started_without_its_kernel_is_not_connected() -> None:
    options = ChronicleOptions(
        connection_string="chronicle://localhost:1/?disableTls=true", connect_timeout=timedelta(seconds=0.1)
    )
    chronicle = Chronicle("bank", ARTIFACTS, options=options, start_without_kernel=True)
    app = FastAPI(lifespan=chronicle.lifespan)
    app.include_router(create_health_router())
    async with serving(app) as client:
        status, readiness = await ready(client)
    assert (status, readiness["reasons"], readiness["connected"]) == (503, ["not-connected"], False)


async def test_an_application_that_has_lost_its_kernel_is_not_ready(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(app) as client:
        monkeypatch.setattr(ChronicleClient, "is_connected", False)
        status, readiness = await ready(client)
    assert (status, readiness["reasons"]) == (503, ["not-connected"])
    assert readiness["failed_partitions"] is None


@asynccontextmanager
async def one_that_fails(
    most_failed_partitions: int | None = None,
) -> AsyncGenerator[tuple[httpx2.AsyncClient, Chronicle]]:
    """An application with a reactor that handles nothing, and a client for it."""

    @reactor("failing")
    async def failing(event: Deposited, context: EventContext) -> None:
        raise LookupError("secret")

    chronicle = Chronicle("bank", ARTIFACTS + Artifacts(reactors=[failing]))
    app = FastAPI(lifespan=chronicle.lifespan)
    app.include_router(create_health_router(most_failed_partitions=most_failed_partitions))
    async with serving(app) as client:
        await chronicle.store.event_log.append("alice", Deposited(amount=1))

        async def has_failed() -> bool:
            return bool((await ready(client))[1]["failed_partitions"])

        await eventually(has_failed)
        yield client, chronicle


async def test_what_has_failed_is_told_and_no_reason_by_itself() -> None:
    async with one_that_fails() as (client, _):
        response = await client.get("/health/ready")
    assert (response.status_code, response.json()["failed_partitions"]) == (200, 1)
    # Anybody may ask.
    for word in ("secret", "failing", "alice", "bank"):
        assert word not in response.text


async def test_with_a_limit_more_failed_partitions_are_a_reason() -> None:
    async with one_that_fails(most_failed_partitions=1) as (client, chronicle):
        assert (await ready(client))[0] == 200
        await chronicle.store.event_log.append("bob", Deposited(amount=1))

        async def refused() -> bool:
            return "failed-partitions" in (await ready(client))[1]["reasons"]

        await eventually(refused)
        assert (await ready(client))[0] == 503


async def test_how_far_the_slowest_observer_is_behind_is_told_and_may_be_limited() -> None:
    may_go_on = asyncio.Event()

    @reactor("slow")
    async def slow(event: Deposited, context: EventContext) -> None:
        await may_go_on.wait()

    chronicle = Chronicle("bank", ARTIFACTS + Artifacts(reactors=[slow]))
    app = FastAPI(lifespan=chronicle.lifespan)
    app.include_router(create_health_router(most_behind=2))
    async with serving(app) as client:
        for _ in range(2):
            await chronicle.store.event_log.append("alice", Deposited(amount=1))
        status, readiness = await ready(client)
        assert (status, readiness["behind"]) == (200, 2)
        await chronicle.store.event_log.append("alice", Deposited(amount=1))
        status, readiness = await ready(client)
        assert (status, readiness["behind"], readiness["reasons"]) == (503, 3, ["too-far-behind"])
        may_go_on.set()

        async def has_caught_up() -> bool:
            return not (await ready(client))[1]["behind"]

        await eventually(has_caught_up)


@pytest.mark.parametrize("error", [KernelError("secret"), TimeoutError()])
async def test_a_kernel_that_does_not_answer_is_a_reason(
    error: Exception, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(scope: object) -> None:
        raise error

    monkeypatch.setattr(health, "list_failed_partitions", silent)
    async with serving(app) as client:
        response = await client.get("/health/ready")
    assert (response.status_code, response.json()["reasons"]) == (503, ["kernel-silent"])
    assert "secret" not in response.text


async def test_a_kernel_that_does_not_know_the_calls_is_only_asked_whether_it_answers(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown(scope: object) -> None:
        raise NotBuiltError("FailedPartitions/GetFailedPartitions")

    monkeypatch.setattr(health, "list_failed_partitions", unknown)
    async with serving(app) as client:
        status, readiness = await ready(client)
        assert (status, readiness["failed_partitions"], readiness["behind"]) == (200, None, None)


async def test_probes_need_no_authentication_that_the_rest_of_the_application_asks_for(
    chronicle: Chronicle,
) -> None:
    async def nobody() -> None:
        raise HTTPException(401)

    app = FastAPI(lifespan=chronicle.lifespan)
    app.include_router(create_health_router(prefix="/probes"))

    @app.get("/", dependencies=[Depends(nobody)])
    async def endpoint() -> None: ...

    async with serving(app) as client:
        assert (await client.get("/")).status_code == 401
        assert (await client.get("/probes/ready")).status_code == 200


def test_what_is_answered_is_in_the_openapi_document(app: FastAPI) -> None:
    responses = app.openapi()["paths"]["/health/ready"]["get"]["responses"]
    reference = {"$ref": "#/components/schemas/Readiness"}
    for status in ("200", "503"):
        assert responses[status]["content"]["application/json"]["schema"] == reference
