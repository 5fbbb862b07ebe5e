"""The unit of work of a request: committed before anything of the response leaves."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, NamedTuple

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, WebSocket
from fastapi.requests import HTTPConnection
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.testclient import TestClient
from starlette.types import Message

from chronicle import (
    ChronicleOptions,
    ConcurrencyScope,
    ConfigurationError,
    EventStore,
    UnitOfWork,
    current_unit_of_work,
)
from chronicle.errors import NoUnitOfWorkError
from chronicle_fastapi import Chronicle, EventLogDep, RequestOptions, UnitOfWorkDep, get_unit_of_work
from tests.web.asgi import Noting, calling, running
from tests.web.bank import ARTIFACTS, Deposited

Log = list[str]


class Careful(NamedTuple):
    app: FastAPI
    chronicle: Chronicle


@pytest.fixture
def log() -> Log:
    """What happened, in order: the endpoint, the commit, and what left for the server."""
    return []


def note_completion(unit_of_work: UnitOfWork, log: Log) -> None:
    unit_of_work.on_completed(lambda unit: log.append("committed" if unit.is_success else unit.state.name))


@pytest.mark.row("S150", "S210")
@pytest.mark.parametrize(
    "wanted",
    [
        UnitOfWorkDep,
        Annotated[UnitOfWork, Depends(get_unit_of_work)],
        Annotated[UnitOfWork, Depends(get_unit_of_work, scope="function")],
        Annotated[UnitOfWork, Depends(get_unit_of_work, scope="request")],
    ],
    ids=["alias", "plain", "function scope", "request scope"],
)
async def test_it_commits_before_the_response_however_it_is_asked_for(
    wanted: object, app: FastAPI, store: EventStore, log: Log
) -> None:
    async def deposit(unit_of_work: UnitOfWork) -> str:
        note_completion(unit_of_work, log)
        unit_of_work.append("a", Deposited(amount=1))
        log.append("endpoint")
        return "done"

    deposit.__annotations__["unit_of_work"] = wanted
    app.post("/")(deposit)

    async with calling(Noting(app, log)) as client:
        await client.post("/")
    assert log == ["endpoint", "committed", "send 200", 'body "done"']
    assert await store.event_log.tail() == 0


@pytest.mark.row("S150")
@pytest.mark.parametrize("error", [HTTPException(422), RuntimeError("broken")], ids=["http", "other"])
async def test_an_exception_rolls_it_back(
    error: Exception, app: FastAPI, store: EventStore, log: Log
) -> None:
    @app.post("/")
    async def deposit(unit_of_work: UnitOfWorkDep) -> None:
        note_completion(unit_of_work, log)
        unit_of_work.append("a", Deposited(amount=1))
        raise error

    async with calling(Noting(app, log)) as client:
        status = (await client.post("/")).status_code
    assert log[:2] == ["ROLLED_BACK", f"send {status}"]
    assert status == (422 if isinstance(error, HTTPException) else 500)
    assert await store.event_log.tail() is None


async def test_a_response_that_does_not_validate_rolls_it_back(app: FastAPI, store: EventStore) -> None:
    @app.post("/", response_model=int)
    async def deposit(unit_of_work: UnitOfWorkDep) -> object:
        unit_of_work.append("a", Deposited(amount=1))
        return "no number"

    async with calling(app) as client:
        assert (await client.post("/")).status_code == 500
    assert await store.event_log.tail() is None


async def test_returning_an_error_response_commits(app: FastAPI, store: EventStore) -> None:
    @app.post("/")
    async def deposit(unit_of_work: UnitOfWorkDep) -> JSONResponse:
        unit_of_work.append("a", Deposited(amount=1))
        return JSONResponse({}, status_code=400)

    async with calling(app) as client:
        assert (await client.post("/")).status_code == 400
    assert await store.event_log.tail() == 0


@pytest.mark.row("S210", "S211")
async def test_a_violation_at_the_commit_becomes_the_response(
    app: FastAPI, store: EventStore, log: Log
) -> None:
    await store.event_log.append("a", Deposited(amount=1))

    @app.post("/")
    async def deposit(unit_of_work: UnitOfWorkDep) -> str:
        note_completion(unit_of_work, log)
        scope = ConcurrencyScope.expect_none().for_source()
        unit_of_work.append("a", Deposited(amount=2), concurrency=scope)
        unit_of_work.append("b", Deposited(amount=2))
        return "done"

    async with calling(Noting(app, log)) as client:
        response = await client.post("/")
    assert log[:2] == ["REJECTED", "send 409"]
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == "urn:chronicle:concurrency-violation"
    assert await store.event_log.tail() == 0


@pytest.mark.row("S151")
async def test_committed_by_hand_its_numbers_are_there_and_the_end_does_nothing(
    app: FastAPI, store: EventStore, log: Log
) -> None:
    @app.post("/")
    async def deposit(unit_of_work: UnitOfWorkDep) -> list[int]:
        note_completion(unit_of_work, log)
        unit_of_work.append("a", Deposited(amount=1))
        unit_of_work.append("b", Deposited(amount=2))
        result = await unit_of_work.commit()
        log.append("endpoint")
        return list(result.sequence_numbers)

    async with calling(Noting(app, log)) as client:
        assert (await client.post("/")).json() == [0, 1]
    assert log == ["committed", "endpoint", "send 200", "body [0,1]"]
    assert await store.event_log.tail() == 1


async def test_rolled_back_by_hand_nothing_is_appended(app: FastAPI, store: EventStore) -> None:
    @app.post("/")
    async def deposit(unit_of_work: UnitOfWorkDep) -> None:
        unit_of_work.append("a", Deposited(amount=1))
        await unit_of_work.rollback()

    async with calling(app) as client:
        assert (await client.post("/")).status_code == 200
    assert await store.event_log.tail() is None


async def test_it_is_committed_when_a_stream_begins(app: FastAPI, store: EventStore, log: Log) -> None:
    @app.post("/")
    async def deposit(unit_of_work: UnitOfWorkDep) -> StreamingResponse:
        note_completion(unit_of_work, log)
        unit_of_work.append("a", Deposited(amount=1))

        async def chunks() -> AsyncIterator[str]:
            log.append("chunk")
            yield "chunk"

        return StreamingResponse(chunks())

    async with calling(Noting(app, log)) as client:
        await client.post("/")
    assert log == ["committed", "send 200", "chunk", "body chunk"]


async def test_background_tasks_run_after_the_commit_and_have_no_unit_of_work(
    app: FastAPI, store: EventStore, log: Log
) -> None:
    async def background() -> None:
        with pytest.raises(NoUnitOfWorkError):
            current_unit_of_work()
        log.append(f"background, tail {await store.event_log.tail()}")

    @app.post("/")
    async def deposit(unit_of_work: UnitOfWorkDep, tasks: BackgroundTasks) -> None:
        note_completion(unit_of_work, log)
        unit_of_work.append("a", Deposited(amount=1))
        tasks.add_task(background)

    async with calling(Noting(app, log)) as client:
        await client.post("/")
    assert log == ["committed", "send 200", "body null", "background, tail 0"]


async def test_everything_in_a_request_that_asks_for_it_gets_the_same_one(
    app: FastAPI, store: EventStore
) -> None:
    async def audited(unit_of_work: Annotated[UnitOfWork, Depends(get_unit_of_work)]) -> UnitOfWork:
        unit_of_work.append("audit", Deposited(amount=0))
        return unit_of_work

    async def watched(unit_of_work: UnitOfWorkDep) -> AsyncGenerator[UnitOfWork]:
        yield unit_of_work

    @app.post("/")
    async def deposit(
        unit_of_work: UnitOfWorkDep,
        audited: Annotated[UnitOfWork, Depends(audited)],
        watched: Annotated[UnitOfWork, Depends(watched)],
    ) -> bool:
        return unit_of_work is audited is watched is current_unit_of_work()

    async with calling(app) as client:
        assert (await client.post("/")).json() is True
    assert [event.event_source_id for event in await store.event_log.events_from(0)] == ["audit"]


async def test_asked_for_in_several_ways_it_is_still_one(app: FastAPI, store: EventStore) -> None:
    @app.post("/")
    async def deposit(
        plain: Annotated[UnitOfWork, Depends(get_unit_of_work)],
        function: Annotated[UnitOfWork, Depends(get_unit_of_work, scope="function")],
        request: Annotated[UnitOfWork, Depends(get_unit_of_work, scope="request")],
        uncached: Annotated[UnitOfWork, Depends(get_unit_of_work, use_cache=False)],
    ) -> bool:
        return plain is function is request is uncached

    async with calling(app) as client:
        assert (await client.post("/")).json() is True


async def test_where_no_endpoint_ends_it_there_is_none(app: FastAPI, store: EventStore) -> None:
    with pytest.raises(ConfigurationError, match="endpoint of FastAPI"):
        await get_unit_of_work(HTTPConnection({"type": "http", "app": app, "path": "/", "headers": []}))
    with pytest.raises(NoUnitOfWorkError):
        current_unit_of_work()


async def test_a_websocket_endpoint_has_one_as_well(app: FastAPI, store: EventStore) -> None:
    @app.websocket("/ws")
    async def socket(websocket: WebSocket, unit_of_work: UnitOfWorkDep) -> None:
        unit_of_work.append("a", Deposited(amount=1))
        await websocket.close()

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        assert message["type"] == "websocket.close"

    scope = {"type": "websocket", "scheme": "ws", "path": "/ws", "query_string": b"", "headers": []}
    await app(scope, receive, send)
    assert await store.event_log.tail() == 0


async def test_the_event_log_goes_out_at_once_and_its_transactional_view_does_not(
    app: FastAPI, store: EventStore
) -> None:
    @app.post("/")
    async def deposit(unit_of_work: UnitOfWorkDep, event_log: EventLogDep) -> None:
        event_log.transactional.append("later", Deposited(amount=1))
        await event_log.append("at once", Deposited(amount=1))
        raise HTTPException(400)

    async with calling(app) as client:
        await client.post("/")
    assert [event.event_source_id for event in await store.event_log.events_from(0)] == ["at once"]


async def test_two_requests_at_once_have_a_unit_each(app: FastAPI, store: EventStore) -> None:
    both_are_in = asyncio.Barrier(2)

    @app.post("/{account_id}")
    async def deposit(account_id: str, unit_of_work: UnitOfWorkDep, event_log: EventLogDep) -> int:
        event_log.transactional.append(account_id, Deposited(amount=1))
        await both_are_in.wait()
        if account_id == "b":
            raise HTTPException(400)
        return len(unit_of_work.events)

    async with calling(app) as client:
        a, b = await asyncio.gather(client.post("/a"), client.post("/b"))
    assert (a.json(), b.status_code) == (1, 400)
    assert [event.event_source_id for event in await store.event_log.events_from(0)] == ["a"]


def test_a_plain_def_endpoint_can_use_it(chronicle: Chronicle) -> None:
    app = FastAPI(lifespan=chronicle.lifespan)

    @app.post("/")
    def deposit(unit_of_work: UnitOfWorkDep) -> None:
        unit_of_work.append("a", Deposited(amount=1))

    @app.get("/")
    async def tail(event_log: EventLogDep) -> int | None:
        return await event_log.tail()

    with TestClient(app) as client:
        client.post("/")
        assert client.get("/").json() == 0


@pytest.fixture
async def careful(options: ChronicleOptions) -> AsyncGenerator[Careful]:
    """An application whose units of work heed the status of the response."""
    requests = RequestOptions(roll_back_on_error_status=True)
    chronicle = Chronicle("bank", ARTIFACTS, options=options, requests=requests)
    app = FastAPI(lifespan=chronicle.lifespan)
    async with running(app):
        yield Careful(app, chronicle)


@pytest.mark.parametrize(("status", "expected"), [(200, 0), (302, 0), (400, None), (404, None), (500, None)])
async def test_by_option_a_response_with_an_error_status_rolls_back(
    status: int, expected: int | None, careful: Careful, log: Log
) -> None:
    @careful.app.post("/")
    async def deposit(unit_of_work: UnitOfWorkDep) -> JSONResponse:
        note_completion(unit_of_work, log)
        unit_of_work.append("a", Deposited(amount=1))
        return JSONResponse({}, status_code=status)

    async with calling(Noting(careful.app, log)) as client:
        await client.post("/")
    assert log[:2] == ["ROLLED_BACK" if expected is None else "committed", f"send {status}"]
    assert await careful.chronicle.store.event_log.tail() == expected


async def test_by_option_it_is_still_current_and_shared_and_an_exception_rolls_it_back(
    careful: Careful,
) -> None:
    @careful.app.post("/{outcome}")
    async def deposit(outcome: str, unit_of_work: UnitOfWorkDep, event_log: EventLogDep) -> bool:
        event_log.transactional.append(outcome, Deposited(amount=1))
        if outcome == "raise":
            raise RuntimeError("broken")
        return unit_of_work is current_unit_of_work()

    async with calling(careful.app) as client:
        assert (await client.post("/raise")).status_code == 500
        assert (await client.post("/return")).json() is True
    events = await careful.chronicle.store.event_log.events_from(0)
    assert [event.event_source_id for event in events] == ["return"]
    with pytest.raises(NoUnitOfWorkError):
        current_unit_of_work()


@pytest.mark.parametrize("is_installed", [True, False])
async def test_by_option_a_violation_still_becomes_the_response_and_ends_the_original_one(
    is_installed: bool, careful: Careful, log: Log
) -> None:
    if is_installed:  # handlers for problems are then the application's own
        careful = Careful(FastAPI(), careful.chronicle)
        careful.chronicle.install(careful.app)
    await careful.chronicle.store.event_log.append("a", Deposited(amount=1))

    @careful.app.post("/")
    async def deposit(unit_of_work: UnitOfWorkDep, tasks: BackgroundTasks) -> StreamingResponse:
        scope = ConcurrencyScope.expect_none().for_source()
        unit_of_work.append("a", Deposited(amount=2), concurrency=scope)
        tasks.add_task(log.append, "background")
        return StreamingResponse(iter(["chunk"]), background=tasks)

    async with calling(Noting(careful.app, log)) as client:
        response = await client.post("/")
    assert (response.status_code, response.json()["type"]) == (409, "urn:chronicle:concurrency-violation")
    assert [each for each in log if not each.startswith("body")] == ["send 409"]
    assert await careful.chronicle.store.event_log.tail() == 0


async def test_by_option_streams_and_background_tasks_come_after_the_commit(
    careful: Careful, log: Log
) -> None:
    @careful.app.post("/")
    async def deposit(unit_of_work: UnitOfWorkDep, tasks: BackgroundTasks) -> StreamingResponse:
        note_completion(unit_of_work, log)
        unit_of_work.append("a", Deposited(amount=1))

        async def chunks() -> AsyncIterator[str]:
            log.append("chunk")
            yield "chunk"

        tasks.add_task(log.append, "background")
        return StreamingResponse(chunks(), background=tasks)

    async with calling(Noting(careful.app, log)) as client:
        await client.post("/")
    assert log == ["committed", "send 200", "chunk", "body chunk", "background"]


@pytest.mark.parametrize("outcome", ["commit", "rollback"])
async def test_by_option_what_was_ended_by_hand_stays_so(outcome: str, careful: Careful, log: Log) -> None:
    @careful.app.post("/")
    async def deposit(unit_of_work: UnitOfWorkDep) -> None:
        note_completion(unit_of_work, log)
        unit_of_work.append("a", Deposited(amount=1))
        await getattr(unit_of_work, outcome)()

    async with calling(careful.app) as client:
        assert (await client.post("/")).status_code == 200
    assert log == ["committed" if outcome == "commit" else "ROLLED_BACK"]


@pytest.mark.row("S211")
async def test_a_commit_that_fails_itself_is_no_response_of_the_endpoint(
    app: FastAPI, store: EventStore, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("the commit itself")

    @app.post("/")
    async def deposit(unit_of_work: UnitOfWorkDep) -> None:
        note_completion(unit_of_work, log)
        monkeypatch.setattr(unit_of_work, "_send", fail)

    async with calling(Noting(app, log)) as client:
        assert (await client.post("/")).status_code == 500
    assert log[:2] == ["FAILED", "send 500"]
    with pytest.raises(NoUnitOfWorkError):
        current_unit_of_work()


@pytest.fixture
def app(chronicle: Chronicle) -> FastAPI:
    """Run by the `store` fixture, so that a test reads the same store that its requests write."""
    app = FastAPI()
    chronicle.install(app)
    return app
