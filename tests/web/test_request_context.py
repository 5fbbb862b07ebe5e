"""What surrounds a request: correlation id, who acts, and the request as the cause."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx2
import pytest
from fastapi import APIRouter, BackgroundTasks, FastAPI, HTTPException, WebSocket
from fastapi.requests import HTTPConnection
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from starlette.authentication import SimpleUser

from chronicle import (
    Causation,
    ChronicleOptions,
    ConfigurationError,
    EventStore,
    Identity,
    causation,
    current_causation,
    current_correlation_id,
    current_identity,
    identity,
    set_correlation_id,
    set_identity,
)
from chronicle_fastapi import Chronicle, EventLogDep, RequestOptions, UnitOfWorkDep
from tests.web.asgi import calling, running, serving
from tests.web.bank import ARTIFACTS, Deposited
from tests.web.principals import Authenticated, Principal

ID = UUID("0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b")
HEADER = {"x-correlation-id": str(ID)}


async def surroundings_as_seen() -> dict[str, Any]:
    """An endpoint that tells what is ambient in it."""
    who = current_identity()
    return {
        "correlation_id": str(current_correlation_id()),
        "identity": [who.subject, who.name, who.user_name],
        "causation": [[each.type, dict(each.properties)] for each in current_causation()[1:]],
    }


@pytest.fixture
def app(app: FastAPI) -> FastAPI:
    app.get("/seen")(surroundings_as_seen)
    return app


async def seen(app: FastAPI, path: str = "/seen", **headers: str) -> Any:
    async with serving(app) as client:
        return (await client.get(path, headers=headers)).json()


async def test_a_correlation_id_that_was_sent_is_current_and_echoed(app: FastAPI) -> None:
    async with serving(app) as client:
        response = await client.get("/seen", headers=HEADER)
    assert response.json()["correlation_id"] == str(ID)
    assert response.headers["x-correlation-id"] == str(ID)


@pytest.mark.row("S209")
@pytest.mark.parametrize("sent", [None, "not-an-id", "", "00000000-0000-0000-0000-000000000000"])
async def test_without_a_usable_one_a_new_one_is_made_and_echoed(sent: str | None, app: FastAPI) -> None:
    async with serving(app) as client:
        headers = {} if sent is None else {"x-correlation-id": sent}
        first, second = [await client.get("/seen", headers=headers) for _ in range(2)]
    ids = {first.headers["x-correlation-id"], second.headers["x-correlation-id"]}
    assert len(ids) == 2
    assert all(UUID(each).int for each in ids)
    assert first.json()["correlation_id"] == first.headers["x-correlation-id"]


@pytest.mark.row("S209")
async def test_the_unit_of_work_and_every_append_of_the_request_have_it(
    store: EventStore, chronicle: Chronicle
) -> None:
    app = FastAPI()
    chronicle.install(app)

    @app.post("/")
    async def deposit(unit_of_work: UnitOfWorkDep, event_log: EventLogDep) -> None:
        unit_of_work.append("a", Deposited(amount=1))
        await event_log.append("b", Deposited(amount=1))

    async with calling(app) as client:
        response = await client.post("/")
    events = await store.event_log.events_from(0)
    sent = UUID(response.headers["x-correlation-id"])
    assert [(each.event_source_id, each.context.correlation_id) for each in events] == [
        ("b", sent),
        ("a", sent),
    ]


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/fails", 500), ("/refuses", 418)])
async def test_every_response_carries_it_whoever_makes_it(path: str, status: int, app: FastAPI) -> None:
    @app.get("/fails")
    async def fails() -> None:
        raise RuntimeError("broken")

    @app.get("/refuses")
    async def refuses() -> None:
        raise HTTPException(418)

    async with serving(app) as client:
        response = await client.get(path, headers=HEADER)
    assert (response.status_code, response.headers["x-correlation-id"]) == (status, str(ID))


async def test_a_header_of_the_applications_own_stays(app: FastAPI) -> None:
    @app.get("/own")
    async def own() -> StreamingResponse:
        return StreamingResponse(iter(["x"]), headers={"X-Correlation-ID": "mine"})

    async with serving(app) as client:
        response = await client.get("/own", headers=HEADER)
    assert response.headers.get_list("x-correlation-id") == ["mine"]


def test_a_def_endpoint_and_a_websocket_see_all_of_it(app: FastAPI) -> None:
    @app.get("/plain")
    def plain() -> list[str]:
        return [str(current_correlation_id()), current_causation()[-1].type]

    @app.websocket("/ws/{name}")
    async def socket(websocket: WebSocket, name: str) -> None:
        await websocket.accept()
        await websocket.send_json([str(current_correlation_id()), dict(current_causation()[-1].properties)])
        await websocket.close()

    with TestClient(app) as client:
        assert client.get("/plain", headers=HEADER).json() == [str(ID), "FastAPI Request"]
        with client.websocket_connect("/ws/a", headers=HEADER) as connection:
            sent, properties = connection.receive_json()
            accepted: Any = connection.extra_headers
    assert (sent, properties["route-value:name"]) == (str(ID), "a")
    assert [value for name, value in accepted if name == b"x-correlation-id"] == [str(ID).encode()]


async def test_background_tasks_and_streamed_bodies_see_it(app: FastAPI) -> None:
    seen: list[UUID] = []

    @app.get("/stream")
    async def stream(tasks: BackgroundTasks) -> StreamingResponse:
        async def chunks() -> AsyncIterator[str]:
            yield str(current_correlation_id())

        tasks.add_task(lambda: seen.append(current_correlation_id()))
        return StreamingResponse(chunks(), background=tasks)

    async with serving(app) as client:
        assert (await client.get("/stream", headers=HEADER)).text == str(ID)
    assert seen == [ID]


async def test_two_requests_at_once_have_their_own_and_nothing_is_left_behind(app: FastAPI) -> None:
    both_are_in = asyncio.Barrier(2)

    @app.get("/{name}/meet")
    async def meet(name: str) -> list[str]:
        set_identity(Identity(name, name))
        await both_are_in.wait()
        return [str(current_correlation_id()), current_identity().subject]

    before = current_correlation_id()
    async with serving(app) as client:
        a, b = await asyncio.gather(client.get("/a/meet"), client.get("/b/meet"))
    assert a.json() == [a.headers["x-correlation-id"], "a"]
    assert b.json() == [b.headers["x-correlation-id"], "b"]
    assert a.headers["x-correlation-id"] != b.headers["x-correlation-id"]
    assert (current_correlation_id(), current_identity()) == (before, Identity.SYSTEM)


@pytest.mark.row("S146")
async def test_the_request_is_the_cause_with_the_values_of_its_route(app: FastAPI) -> None:
    app.get("/{bank}/accounts/{account_id}")(surroundings_as_seen)
    headers = {
        "origin": "https://shop.example",
        "referer": "https://shop.example/cart",
        "host": "bank.example",
    }
    ((kind, properties),) = (await seen(app, "/north/accounts/42?of=all&x=1", **headers))["causation"]
    assert kind == "FastAPI Request"
    assert properties == {
        "route": "/north/accounts/42",
        "method": "GET",
        "host": "bank.example",
        "protocol": "HTTP/1.1",
        "scheme": "http",
        "query": "?of=all&x=1",
        "origin": "https://shop.example",
        "referer": "https://shop.example/cart",
        "route-value:bank": "north",
        "route-value:account_id": "42",
    }


@pytest.mark.row("S147", "S208")
@pytest.mark.parametrize(
    ("headers", "present"),
    [
        ({}, set()),
        ({"origin": "https://shop.example"}, {"origin"}),
        ({"referer": "https://shop.example/cart"}, {"referer"}),
    ],
    ids=["neither", "origin", "referer"],
)
async def test_origin_and_referer_are_said_if_they_were_sent(
    headers: dict[str, str], present: set[str], app: FastAPI
) -> None:
    ((_, properties),) = (await seen(app, **headers))["causation"]
    assert {"origin", "referer"} & set(properties) == present
    assert properties["query"] == ""


async def test_blocks_within_a_request_come_after_it_and_its_entry_stays_the_same(app: FastAPI) -> None:
    @app.get("/blocks")
    async def blocks() -> bool:
        with causation("Import", file="x.csv"):
            (_, request, block) = current_causation()
        return (block.type, request) == ("Import", current_causation()[1])

    assert await seen(app, "/blocks") is True


async def test_events_tell_of_the_request(store: EventStore, chronicle: Chronicle) -> None:
    app = FastAPI()
    chronicle.install(app)

    @app.post("/accounts/{account_id}")
    async def deposit(account_id: str, event_log: EventLogDep) -> None:
        await event_log.append(account_id, Deposited(amount=1))

    async with calling(app) as client:
        await client.post("/accounts/a")
    (event,) = await store.event_log.events_from(0)
    request = next(each for each in event.context.causation if each.type == "FastAPI Request")
    assert isinstance(request, Causation)
    assert (request.properties["method"], request.properties["route-value:account_id"]) == ("POST", "a")
    assert event.context.caused_by.subject == Identity.NOT_SET.subject


@pytest.mark.row("S148")
@pytest.mark.parametrize("path", ["/.cratis", "/.cratis/deep", "/health"])
async def test_excluded_paths_have_no_causation_and_the_system_acts(path: str, app: FastAPI) -> None:
    app.get(path)(surroundings_as_seen)
    found = await seen(app, path, **HEADER)
    assert found == {
        "correlation_id": str(ID),
        "identity": [Identity.SYSTEM.subject, Identity.SYSTEM.name, Identity.SYSTEM.user_name],
        "causation": [],
    }


async def test_excluded_paths_can_be_chosen_and_end_at_a_slash(options: ChronicleOptions) -> None:
    requests = RequestOptions(excluded_paths=["/internal"])
    app = FastAPI(lifespan=Chronicle("bank", ARTIFACTS, options=options, requests=requests).lifespan)
    for path in ("/internal/x", "/internals", "/health"):
        app.get(path)(surroundings_as_seen)
    async with serving(app) as client:
        found = [len((await client.get(path)).json()["causation"]) for path in ("/internal/x", "/internals")]
    assert found == [0, 1]


async def test_behind_a_prefix_that_the_proxy_strips_or_leaves_the_same_paths_are_excluded(
    app: FastAPI,
) -> None:
    app.get("/health")(surroundings_as_seen)
    transport = httpx2.ASGITransport(app=app, root_path="/api")
    async with running(app), httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        for path in ("/health", "/api/health"):
            assert (await client.get(path)).json()["causation"] == []
        for path in ("/seen", "/api/seen"):
            ((_, properties),) = (await client.get(path)).json()["causation"]
            assert properties["route"] == path


@dataclass
class Attributes:
    """A principal of the application's own."""

    sub: str = "alice-id"
    name: str = "Alice"
    preferred_username: str = "alice"
    unrelated: list[str] = field(default_factory=list)


CLAIMS = {"sub": "alice-id", "name": "Alice", "preferred_username": "alice"}


@pytest.mark.row("S149")
@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (CLAIMS, ["alice-id", "Alice", "alice"]),
        (Principal(CLAIMS), ["alice-id", "Alice", "alice"]),
        (Attributes(), ["alice-id", "Alice", "alice"]),
        (Principal({"sub": "alice-id"}), ["alice-id", "", ""]),
        (Principal({"sub": "alice-id", "name": "Alice"}), ["alice-id", "Alice", "Alice"]),
        (SimpleUser("alice"), ["alice", "alice", "alice"]),
    ],
    ids=["mapping", "claims", "attributes", "sub only", "no user name", "starlette"],
)
async def test_who_acts_comes_from_the_principal_though_it_is_found_further_in(
    user: object, expected: list[str], app: FastAPI
) -> None:
    app.add_middleware(Authenticated, user=user)
    assert (await seen(app))["identity"] == expected


@pytest.mark.row("S149")
@pytest.mark.parametrize("user", [None, {}, Principal({}), Principal(CLAIMS, is_authenticated=False)])
async def test_without_claims_it_is_not_set(user: object, app: FastAPI) -> None:
    app.add_middleware(Authenticated, user=user)
    assert (await seen(app))["identity"][0] == Identity.NOT_SET.subject


@pytest.mark.row("S212")
async def test_a_resolver_of_the_application_replaces_the_one_that_reads_claims(
    options: ChronicleOptions,
) -> None:
    def from_header(connection: HTTPConnection) -> Identity | None:
        name = connection.headers.get("x-user")
        return Identity(name, name.title()) if name else None

    requests = RequestOptions(identity=from_header)
    app = FastAPI(lifespan=Chronicle("bank", ARTIFACTS, options=options, requests=requests).lifespan)
    app.get("/seen")(surroundings_as_seen)
    app.add_middleware(Authenticated, user=CLAIMS)
    async with serving(app) as client:
        bob = await client.get("/seen", headers={"x-user": "bob"})
        nobody = await client.get("/seen")
    assert bob.json()["identity"] == ["bob", "Bob", ""]
    assert nobody.json()["identity"][0] == Identity.NOT_SET.subject


async def test_what_an_endpoint_sets_itself_counts(app: FastAPI) -> None:
    @app.get("/set")
    async def sets() -> list[str]:
        set_correlation_id(ID)
        with identity(Identity("import", "Import")):
            return [str(current_correlation_id()), current_identity().subject]

    assert await seen(app, "/set") == [str(ID), "import"]


async def test_a_mounted_application_is_in_the_request_of_the_outer_one(
    app: FastAPI, chronicle: Chronicle
) -> None:
    mounted = FastAPI()
    mounted.get("/{name}")(surroundings_as_seen)
    chronicle.install(mounted)
    app.mount("/mounted", mounted)
    async with serving(app) as client:
        response = await client.get("/mounted/a", headers=HEADER)
    assert response.headers.get_list("x-correlation-id") == [str(ID)]
    ((_, properties),) = response.json()["causation"]
    assert (properties["route"], properties["route-value:name"]) == ("/mounted/a", "a")


async def test_it_is_there_once_however_often_an_application_starts_and_routers_are_included(
    chronicle: Chronicle,
) -> None:
    router = APIRouter(lifespan=chronicle.lifespan)
    router.get("/seen")(surroundings_as_seen)
    app = FastAPI(lifespan=chronicle.lifespan)
    app.include_router(router, prefix="/one")
    app.include_router(router, prefix="/two")
    for _ in range(2):
        async with running(app), calling(app) as client:
            response = await client.get("/two/seen", headers=HEADER)
            assert response.headers.get_list("x-correlation-id") == [str(ID)]
            assert len(response.json()["causation"]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"identity": Identity.SYSTEM},
        {"identity": type(None)},
        {"excluded_paths": ["health"]},
        {"excluded_paths": "/"},
    ],
)
def test_options_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        RequestOptions(**wrong)
