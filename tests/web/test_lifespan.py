"""Starting and stopping with an application."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypedDict

import httpx2
import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.testclient import TestClient

from chronicle import Artifacts, ChronicleOptions, EventContext, reactor
from chronicle.errors import (
    ConfigurationError,
    HandlerSignatureError,
    NotAChronicleDatabaseError,
    NotConnectedError,
    NotRunningError,
    RegistrationError,
)
from chronicle.kernel import serve
from chronicle_fastapi import Chronicle, EventLogDep, create_health_router
from tests.waiting import eventually
from tests.web.asgi import running, serving
from tests.web.bank import ARTIFACTS, Deposited


async def test_it_runs_as_long_as_the_application(app: FastAPI, chronicle: Chronicle) -> None:
    seen = [chronicle.is_running]
    async with running(app):
        seen.append(chronicle.is_running)
        assert chronicle.store.name == "bank"
    seen.append(chronicle.is_running)
    assert seen == [False, True, False]


async def test_it_is_registered_once_it_has_started(chronicle: Chronicle) -> None:
    async with chronicle as store:
        assert store.registration.is_success
        appended = await store.event_log.append("a", Deposited(amount=1))
        assert appended.sequence_number == 0


async def test_names_given_win_over_options_and_options_over_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHRONICLE_EVENT_STORE", "from-environment")
    monkeypatch.setenv("CHRONICLE_NAMESPACE", "environment")
    async with Chronicle() as store:
        assert (store.name, store.namespace) == ("from-environment", "environment")
    async with Chronicle(options=ChronicleOptions(event_store="from-options")) as store:
        assert (store.name, store.namespace) == ("from-options", "environment")
    async with Chronicle("given", options=ChronicleOptions(event_store="other"), namespace="tenant") as store:
        assert (store.name, store.namespace) == ("given", "tenant")


async def test_a_lifespan_of_the_users_runs_inside_and_may_append(chronicle: Chronicle) -> None:
    numbers = []

    @asynccontextmanager
    async def mine(app: FastAPI) -> AsyncGenerator[None]:
        numbers.append((await chronicle.store.event_log.append("a", Deposited(amount=1))).sequence_number)
        yield
        numbers.append((await chronicle.store.event_log.append("a", Deposited(amount=1))).sequence_number)

    async with running(FastAPI(lifespan=chronicle.lifespan_with(mine))):
        assert numbers == [0]
    assert numbers == [0, 1]
    assert not chronicle.is_running


class State(TypedDict):
    answer: int


async def test_the_state_of_the_users_lifespan_reaches_requests_and_nothing_is_added_to_it(
    chronicle: Chronicle,
) -> None:
    @asynccontextmanager
    async def mine(app: FastAPI) -> AsyncIterator[State]:
        yield {"answer": 42}

    app = FastAPI(lifespan=chronicle.lifespan_with(mine))

    @app.get("/")
    async def endpoint(request: Request) -> int:
        return int(request.state.answer)

    with TestClient(app) as client:
        assert client.get("/").json() == 42
        assert client.app_state == {"answer": 42}


@pytest.mark.parametrize("where", ["start", "stop"])
async def test_when_the_users_lifespan_raises_chronicle_stops(where: str, chronicle: Chronicle) -> None:
    @asynccontextmanager
    async def mine(app: FastAPI) -> AsyncGenerator[None]:
        if where == "start":
            raise RuntimeError("mine")
        yield
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        async with running(FastAPI(lifespan=chronicle.lifespan_with(mine))):
            assert chronicle.is_running
    assert not chronicle.is_running


async def test_when_the_block_raises_it_stops_and_lets_go_of_the_database(tmp_path: Path) -> None:
    options = ChronicleOptions(connection_string=f"chronicle+embedded:///{tmp_path / 'bank.db'}")
    chronicle = Chronicle("bank", ARTIFACTS, options=options)

    async def append_and_fail() -> None:
        async with chronicle as store:
            await store.event_log.append("a", Deposited(amount=1))
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        await append_and_fail()
    async with Chronicle("bank", ARTIFACTS, options=options) as store:
        assert await store.event_log.tail() == 0


async def test_entering_it_again_changes_nothing_and_the_last_one_out_stops_it(chronicle: Chronicle) -> None:
    async with AsyncExitStack() as outer:
        first = await outer.enter_async_context(chronicle)
        async with chronicle as second:
            assert second is first
        assert chronicle.is_running
        assert await first.event_log.tail() is None
    assert not chronicle.is_running


async def test_two_tasks_that_start_it_at_once_share_one_client(chronicle: Chronicle) -> None:
    async def use() -> int:
        async with chronicle as store:
            result = await store.event_log.append("a", Deposited(amount=1))
            return result.sequence_number or 0

    assert sorted(await asyncio.gather(use(), use())) == [0, 1]
    assert not chronicle.is_running


async def test_a_start_that_is_cancelled_leaves_nothing_running(chronicle: Chronicle) -> None:
    starting = asyncio.create_task(chronicle.__aenter__())
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not chronicle.is_running
    async with chronicle as store:
        assert await store.event_log.tail() is None


async def test_the_lifespan_of_a_router_that_is_included_twice_is_harmless(chronicle: Chronicle) -> None:
    router = APIRouter(lifespan=chronicle.lifespan)
    router.post("/")(append_one)
    app = FastAPI()
    app.include_router(router, prefix="/one")
    app.include_router(router, prefix="/two")

    async with serving(app) as client:
        assert (await client.post("/one/")).json() == 0
        assert (await client.post("/two/")).json() == 1
    assert not chronicle.is_running


async def append_one(event_log: EventLogDep) -> int | None:
    return (await event_log.append("a", Deposited(amount=1))).sequence_number


def test_an_application_can_be_started_again_on_another_loop(app: FastAPI) -> None:
    app.post("/")(append_one)
    for _ in range(2):
        with TestClient(app) as client:
            assert client.post("/").json() == 0


async def test_starting_it_from_another_loop_while_it_runs_is_refused(
    app: FastAPI, chronicle: Chronicle
) -> None:
    async with chronicle:
        with pytest.raises(ConfigurationError, match="another event loop"), TestClient(app):
            pass
        assert chronicle.is_running


async def test_a_second_chronicle_on_one_application_is_refused(app: FastAPI) -> None:
    async with running(app):
        with pytest.raises(ConfigurationError, match="Another Chronicle"):
            async with Chronicle("other").lifespan(app):
                pass


async def test_stopping_waits_for_the_handler_at_work_which_may_use_the_store(
    options: ChronicleOptions,
) -> None:
    at_work, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @reactor("slow")
    async def slow(event: Deposited, context: EventContext) -> None:
        at_work.set()
        await go_on.wait()
        assert await chronicle.store.event_log.tail() == 0
        done.set()

    chronicle = Chronicle("bank", Artifacts(reactors=[slow]), options=options)
    async with chronicle as store:
        await store.event_log.append("a", Deposited(amount=1))
        await at_work.wait()
        asyncio.get_running_loop().call_soon(go_on.set)
    assert done.is_set()


async def test_what_cannot_start_says_why_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database, but some notes on one " * 100)
    options = ChronicleOptions(connection_string=f"chronicle+embedded:///{tmp_path / 'notes.txt'}")
    chronicle = Chronicle("bank", ARTIFACTS, options=options)
    with pytest.raises(NotAChronicleDatabaseError):
        async with running(FastAPI(lifespan=chronicle.lifespan)):
            pass
    assert not chronicle.is_running
    with pytest.raises(NotRunningError):
        _ = chronicle.store


def at(port: int) -> ChronicleOptions:
    """A kernel on a port of this machine, which may not be there."""
    return ChronicleOptions(
        connection_string=f"chronicle://127.0.0.1:{port}?disableTls=true",
        connect_timeout=timedelta(seconds=0.2),
    )


async def test_a_kernel_that_is_away_stops_the_start(unused_tcp_port: int) -> None:
    chronicle = Chronicle("bank", ARTIFACTS, options=at(unused_tcp_port))
    with pytest.raises(NotConnectedError, match=str(unused_tcp_port)):
        async with running(FastAPI(lifespan=chronicle.lifespan)):
            pass
    assert not chronicle.is_running


@pytest.mark.row("S152")
async def test_started_without_its_kernel_it_answers_503_until_that_is_there(
    unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chronicle_fastapi.plugin.RETRY_SECONDS", 0)
    chronicle = Chronicle("bank", ARTIFACTS, options=at(unused_tcp_port), start_without_kernel=True)
    app = FastAPI(lifespan=chronicle.lifespan)
    app.post("/")(append_one)
    app.include_router(create_health_router())

    async with serving(app) as client:
        away = await client.post("/")
        assert (away.status_code, away.headers["content-type"]) == (503, "application/problem+json")
        assert int(away.headers["retry-after"]) > 0
        assert (chronicle.is_running, type(chronicle.start_error)) == (False, NotConnectedError)
        readiness = await client.get("/health/ready")
        assert (readiness.status_code, readiness.json()["reasons"]) == (503, ["not-connected"])

        async def answers() -> bool:
            return (await client.post("/")).status_code == 200

        async with serve(None, port=unused_tcp_port):
            await eventually(answers)
            assert (chronicle.is_running, chronicle.start_error) == (True, None)
            assert (await client.get("/health/ready")).json()["status"] == "ready"
    with pytest.raises(NotRunningError):
        _ = chronicle.store


async def test_stopping_while_the_kernel_is_still_away_ends_the_attempts(unused_tcp_port: int) -> None:
    chronicle = Chronicle("bank", ARTIFACTS, options=at(unused_tcp_port), start_without_kernel=True)
    before = asyncio.all_tasks()
    async with running(FastAPI(lifespan=chronicle.lifespan)):
        assert chronicle.start_error is not None
        with pytest.raises(NotConnectedError, match="not reached yet"):
            _ = chronicle.store
    assert asyncio.all_tasks() == before
    with pytest.raises(NotRunningError):
        _ = chronicle.store


async def test_a_script_needs_its_kernel_in_any_case(unused_tcp_port: int) -> None:
    chronicle = Chronicle("bank", ARTIFACTS, options=at(unused_tcp_port), start_without_kernel=True)
    with pytest.raises(NotConnectedError, match="not reached yet"):
        async with chronicle:
            pass
    with pytest.raises(NotRunningError):
        _ = chronicle.store


async def test_what_the_kernel_refuses_stops_the_start_all_the_same(options: ChronicleOptions) -> None:
    @reactor
    async def welcome(event: Deposited, mailer: Mailer) -> None: ...

    chronicle = Chronicle("bank", Artifacts(reactors=[welcome]), options=options, start_without_kernel=True)
    with pytest.raises(HandlerSignatureError, match="asks for Mailer"):
        async with running(FastAPI(lifespan=chronicle.lifespan)):
            pass
    assert not chronicle.is_running


class Mailer:
    """Something that nobody has registered."""


async def test_registration_that_takes_too_long_is_an_error_that_says_what_was_registered_and_where(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    never = asyncio.Event()

    async def hang(*_: object) -> None:
        await never.wait()

    monkeypatch.setattr("chronicle.observation.runtime.Observers.start", hang)
    options = ChronicleOptions(registration_timeout=timedelta(seconds=0.2))
    chronicle = Chronicle("bank", ARTIFACTS, options=options, namespace="main")
    with pytest.raises(RegistrationError) as raised:
        async with running(FastAPI(lifespan=chronicle.lifespan)):
            pass
    assert "Event store 'bank' in namespace 'main'" in str(raised.value)
    assert "still waiting for observers" in str(raised.value)
    assert not chronicle.is_running


SERVICE = """
from fastapi import FastAPI
from chronicle import Artifacts, event_type
from chronicle_fastapi import Chronicle, EventLogDep, create_health_router
from pydantic import BaseModel

VERSION = 1

@event_type("noted")
class Noted(BaseModel):
    version: int

chronicle = Chronicle("notes", Artifacts(event_types=[Noted]))
app = FastAPI(lifespan=chronicle.lifespan)

@app.post("/")
async def note(event_log: EventLogDep) -> list[int]:
    appended = await event_log.append("a", Noted(version=VERSION))
    return [VERSION, appended.sequence_number]
"""


@contextmanager
def reloading(directory: Path) -> Iterator[str]:
    """`uvicorn --reload` on `service.py` of a directory, with the URL that it serves."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = ["service:app", "--reload", "--port", str(port), "--log-level", "warning"]
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", *arguments],
        cwd=directory,
        env=os.environ
        | {
            "CHRONICLE_CONNECTION_STRING": "chronicle+embedded:///notes.db",
            "PYTHONPATH": os.pathsep.join(map(str, (directory, Path(__file__).parents[2]))),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)


async def test_under_reload_the_next_process_has_the_same_database(tmp_path: Path) -> None:
    service = tmp_path / "service.py"
    service.write_text(SERVICE)
    with reloading(tmp_path) as url:
        async with httpx2.AsyncClient(base_url=url) as client:

            async def note(version: int) -> list[int]:
                async def answer() -> list[int]:
                    try:
                        response = await client.post("/")
                    except httpx2.TransportError:
                        return []
                    return list(response.json()) if response.is_success else []

                return await eventually(answer, lambda found: found[:1] == [version])

            assert await note(1) == [1, 0]
            service.write_text(SERVICE.replace("VERSION = 1", "VERSION = 2"))
            version, number = await note(2)
    assert version == 2
    assert number >= 1
