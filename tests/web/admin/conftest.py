"""An application with the admin API, and its administrator."""

from collections.abc import AsyncGenerator

import httpx2
import pytest
from fastapi import FastAPI

from chronicle_fastapi import Chronicle
from chronicle_fastapi.admin.router import create_admin_router
from tests.web.admin.scripted import Script
from tests.web.asgi import calling

TOKEN = "the-token-of-these-tests"
AUTHORIZATION = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """The embedded kernel, which answers what it has not built as the test says."""
    script = Script()
    monkeypatch.setattr("chronicle.client.open_channel", script.open_channel)
    return script


@pytest.fixture(scope="package")
def routes() -> FastAPI:
    """The routes, which take a while to make: one application for all tests, each with its own Chronicle."""
    app = FastAPI()
    app.include_router(create_admin_router(page=False))
    return app


@pytest.fixture
async def admin_app(
    routes: FastAPI, script: Script, chronicle: Chronicle, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[FastAPI]:
    """An application that runs, with the admin API and an event store of its own."""
    monkeypatch.setenv("CHRONICLE_ADMIN_TOKEN", TOKEN)
    async with chronicle.lifespan(routes):
        yield routes


@pytest.fixture
async def api(admin_app: FastAPI) -> AsyncGenerator[httpx2.AsyncClient]:
    """A client of the admin API for paths such as `event-stores`."""
    async with calling(admin_app) as client:
        client.base_url = httpx2.URL("http://testserver/chronicle/api/")
        client.headers.update(AUTHORIZATION)
        yield client
