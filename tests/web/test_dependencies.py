"""What endpoints ask for."""

from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from fastapi.testclient import TestClient

from chronicle import ChronicleClient, EventLog, EventSequence, EventStore, ReadModels
from chronicle.errors import NotRunningError
from chronicle_fastapi import (
    Chronicle,
    ClientDep,
    EventLogDep,
    EventStoreDep,
    ReadModelsDep,
    UnitOfWorkDep,
    event_sequence,
    get_client,
    get_event_log,
    get_event_store,
    get_read_models,
    get_unit_of_work,
    read_model,
)
from tests.waiting import eventually
from tests.web.asgi import calling, serving
from tests.web.bank import Balance, Deposited


async def test_an_endpoint_appends_and_another_reads_what_became_of_it(app: FastAPI) -> None:
    @app.post("/{account_id}")
    async def deposit(account_id: str, event_log: EventLogDep) -> int | None:
        return (await event_log.append(account_id, Deposited(amount=10))).sequence_number

    @app.get("/{account_id}")
    async def balance(account_id: str, read_models: ReadModelsDep) -> Balance | None:
        return await read_models.get(Balance, account_id)

    async with serving(app) as client:
        assert (await client.post("/a")).json() == 0
        assert (await client.post("/a")).json() == 1

        async def is_reduced() -> bool:
            return bool((await client.get("/a")).json() == {"amount": 20})

        await eventually(is_reduced)


async def test_all_providers_give_what_belongs_to_the_running_store(
    app: FastAPI, chronicle: Chronicle
) -> None:
    @app.get("/")
    async def endpoint(
        client: Annotated[ChronicleClient, Depends(get_client)],
        imports: Annotated[EventSequence, Depends(event_sequence("imports"))],
        store: Annotated[EventStore, Depends(get_event_store)],
        event_log: Annotated[EventLog, Depends(get_event_log)],
        read_models: Annotated[ReadModels, Depends(get_read_models)],
    ) -> list[bool]:
        running = chronicle.store
        return [
            client is chronicle.client,
            store is running,
            event_log is running.event_log,
            read_models is running.read_models,
            imports is running.event_sequence("imports"),
        ]

    async with serving(app) as client:
        assert (await client.get("/")).json() == [True] * 5


def test_a_plain_def_endpoint_and_a_websocket_are_served_too(app: FastAPI) -> None:
    @app.get("/")
    def endpoint(store: EventStoreDep) -> str:
        return store.name

    @app.websocket("/ws")
    async def socket(websocket: WebSocket, event_log: EventLogDep) -> None:
        await websocket.accept()
        appended = await event_log.append("a", Deposited(amount=1))
        await websocket.send_json(appended.sequence_number)
        await websocket.close()

    with TestClient(app) as client, client.websocket_connect("/ws") as connection:
        assert client.get("/").json() == "bank"
        assert connection.receive_json() == 0


ImportsDep = Annotated[EventSequence, Depends(event_sequence("imports"))]
BalanceDep = Annotated[Balance, Depends(read_model(Balance, key="account_id"))]

PROVIDERS = {
    "client": ClientDep,
    "store": EventStoreDep,
    "log": EventLogDep,
    "sequence": ImportsDep,
    "read models": ReadModelsDep,
    "read model": BalanceDep,
    "unit of work": UnitOfWorkDep,
}


@pytest.mark.parametrize("wanted", PROVIDERS.values(), ids=PROVIDERS)
@pytest.mark.parametrize("has_lifespan", [True, False])
def test_without_a_running_lifespan_the_error_names_both_causes(
    wanted: object, has_lifespan: bool, chronicle: Chronicle
) -> None:
    app = FastAPI(lifespan=chronicle.lifespan) if has_lifespan else FastAPI()

    async def endpoint(it: object) -> None: ...

    endpoint.__annotations__["it"] = wanted
    app.get("/")(endpoint)

    with pytest.raises(NotRunningError) as raised:
        TestClient(app).get("/?account_id=a")
    assert "FastAPI(lifespan=chronicle.lifespan)" in str(raised.value)
    assert "with TestClient(app)" in str(raised.value)


async def test_after_the_lifespan_has_ended_providers_say_so(app: FastAPI) -> None:
    app.get("/")(endpoint_with_log)
    async with serving(app) as client:
        assert (await client.get("/")).status_code == 200
    with pytest.raises(NotRunningError):
        TestClient(app).get("/")


async def endpoint_with_log(event_log: EventLogDep) -> None: ...


OVERRIDDEN = [
    (get_client, ClientDep),
    (event_sequence("imports"), ImportsDep),
    (read_model(Balance, key="account_id"), BalanceDep),
    (get_event_store, EventStoreDep),
    (get_event_log, EventLogDep),
    (get_read_models, ReadModelsDep),
    (get_unit_of_work, UnitOfWorkDep),
]


@pytest.mark.parametrize(("provider", "wanted"), OVERRIDDEN, ids=lambda each: getattr(each, "__name__", ""))
def test_each_provider_can_be_overridden_without_any_chronicle(provider: object, wanted: object) -> None:
    app = FastAPI()

    async def endpoint(it: object) -> str:
        return str(it)

    endpoint.__annotations__["it"] = wanted
    app.get("/")(endpoint)
    app.dependency_overrides[provider] = lambda: "a double"  # type: ignore[index]

    assert TestClient(app).get("/").json() == "a double"


async def deposit_into(event_log: EventLogDep, account_id: str) -> None:
    await event_log.append(account_id, Deposited(amount=10))


async def balance_of(balance: BalanceDep) -> Balance:
    return balance


@pytest.mark.parametrize("url", ["/accounts/{}", "/accounts?account_id={}"], ids=["path", "query"])
async def test_a_read_model_is_there_by_its_key_and_one_that_does_not_exist_is_404(
    url: str, app: FastAPI
) -> None:
    app.post("/accounts/{account_id}")(deposit_into)
    app.get(url.partition("?")[0].replace("{}", "{account_id}"))(balance_of)

    async with serving(app) as client:
        await client.post("/accounts/a")

        async def found() -> bool:
            return bool((await client.get(url.format("a"))).json() == {"amount": 10})

        await eventually(found)
        missing = await client.get(url.format("nobody"))
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
    assert missing.json()["detail"] == "There is no Balance under this key."


async def test_the_key_may_come_from_a_dependency(app: FastAPI) -> None:
    async def mine() -> str:
        return "a"

    app.post("/accounts/{account_id}")(deposit_into)

    @app.get("/mine")
    async def balance(balance: Annotated[Balance, Depends(read_model(Balance, key=mine))]) -> Balance:
        return balance

    async with serving(app) as client:
        await client.post("/accounts/a")

        async def found() -> bool:
            return bool((await client.get("/mine")).json() == {"amount": 10})

        await eventually(found)


def test_the_key_is_described_as_a_parameter_and_checked_as_one(app: FastAPI) -> None:
    app.get("/accounts/{account_id}")(balance_of)
    app.get("/balance")(balance_of)
    with TestClient(app) as client:
        paths = client.get("/openapi.json").json()["paths"]
        assert client.get("/balance").status_code == 422
    places = [
        [(each["name"], each["in"], each["required"]) for each in paths[path]["get"]["parameters"]]
        for path in ("/accounts/{account_id}", "/balance")
    ]
    assert places == [[("account_id", "path", True)], [("account_id", "query", True)]]


async def test_providers_serve_nested_routers_and_one_that_is_included_twice(app: FastAPI) -> None:
    inner, outer = APIRouter(), APIRouter()

    @inner.post("/deposits")
    async def deposit(event_log: EventLogDep) -> int | None:
        return (await event_log.append("a", Deposited(amount=1))).sequence_number

    outer.include_router(inner, prefix="/inner")
    app.include_router(outer, prefix="/one")
    app.include_router(outer, prefix="/two")

    async with serving(app) as client:
        assert (await client.post("/one/inner/deposits")).json() == 0
        assert (await client.post("/two/inner/deposits")).json() == 1


async def test_an_application_mounted_into_another_is_served_once_it_is_installed(
    app: FastAPI, chronicle: Chronicle
) -> None:
    mounted = FastAPI()
    mounted.get("/")(endpoint_with_log)
    app.mount("/mounted", mounted)

    async with serving(app) as client:
        assert (await client.get("/mounted/")).status_code == 500
    chronicle.install(mounted)
    async with serving(app) as client:
        assert (await client.get("/mounted/")).status_code == 200


async def test_a_chronicle_that_something_else_runs_serves_requests_without_a_lifespan(
    store: EventStore, chronicle: Chronicle
) -> None:
    app = FastAPI()
    app.get("/")(endpoint_with_log)
    chronicle.install(app)

    async with calling(app) as client:
        assert (await client.get("/")).status_code == 200
