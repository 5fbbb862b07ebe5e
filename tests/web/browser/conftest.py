"""A real browser, and a server for it on a port of this machine.

Wants Debian's `chromium` (or another Chromium, named in CHROMIUM). Continuous integration must have it;
elsewhere these tests are skipped without it.
"""

import os
import shutil
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from fastapi import FastAPI
from playwright.async_api import Browser, Page, async_playwright

from chronicle_fastapi import Chronicle, create_admin_router
from tests.web.admin.scripted import Script
from tests.web.bank import ARTIFACTS
from tests.web.browser.server import Site, at_home

TOKEN = "the-token-of-these-tests"


@pytest.fixture(scope="session")
def chromium_path() -> str:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        reason = "there is no chromium: apt-get install chromium, or name one in CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium_path: str) -> AsyncGenerator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path)
        yield browser
        await browser.close()


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """The embedded kernel; what it lacks it answers as the test says."""
    script = Script()
    monkeypatch.setattr("chronicle.client.open_channel", script.open_channel)
    return script


@pytest.fixture
def chronicle(script: Script) -> Chronicle:
    return Chronicle("bank", ARTIFACTS)


@pytest.fixture
def app(chronicle: Chronicle, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    monkeypatch.setenv("CHRONICLE_ADMIN_TOKEN", TOKEN)
    app = FastAPI(lifespan=chronicle.lifespan)
    app.include_router(create_admin_router())
    return app


@pytest_asyncio.fixture(loop_scope="session")
async def site(app: FastAPI) -> AsyncGenerator[Site]:
    """The application with its admin page, running."""
    async with at_home(app, "/chronicle/") as site:
        yield site


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, site: Site) -> AsyncGenerator[Page]:
    """The overview, signed in to. Nothing may go wrong in the browser, nor be fetched from elsewhere."""
    async with site.visit(browser) as page:
        await site.sign_in(page, TOKEN)
        yield page
