"""Serving an application to a browser, and watching what the browser makes of it."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from playwright.async_api import Browser, Page, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.web.asgi import running


@dataclass
class Site:
    """An application that is being served, and where its admin page is in it."""

    url: str
    """Of the admin page, with the slash at its end."""
    complaints: list[str] = field(default_factory=list)
    """What went wrong in the browser: scripts that failed, what a policy forbade, addresses of no page."""

    @asynccontextmanager
    async def visit(self, browser: Browser, **options: Any) -> AsyncGenerator[Page]:
        """A window of its own; leaving it fails if there were complaints."""
        context = await browser.new_context(**options)
        page = await context.new_page()
        page.on("console", lambda message: self._note(message.text, message.type in ("error", "warning")))
        page.on("pageerror", lambda error: self._note(str(error)))
        page.on("response", self._check)
        yield page
        await context.close()
        assert self.complaints == []

    async def sign_in(self, page: Page, token: str) -> None:
        """By the link that is printed when the application starts."""
        await page.goto(f"{self.url}login#token={token}")
        await page.wait_for_url(lambda url: "login" not in url)

    def _check(self, response: Response) -> None:
        self._note(f"{response.url} is not of the page", not response.url.startswith(self.url))
        self._note(f"{response.status} for {response.url}", response.status >= 400)

    def _note(self, complaint: str, is_one: bool = True) -> None:
        if is_one:
            self.complaints.append(complaint)


@asynccontextmanager
async def at_home(app: ASGIApp, path: str) -> AsyncGenerator[Site]:
    """Runs an application and serves it on a port of this machine that is free; `path` is the page's."""
    async with running(app), _serving(app) as port:
        yield Site(f"http://127.0.0.1:{port}{path}")


@asynccontextmanager
async def _serving(app: ASGIApp) -> AsyncGenerator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        serving = asyncio.create_task(server.serve([listener]), name="server of the browser tests")
        try:
            while not server.started:
                assert not serving.done(), serving
                await asyncio.sleep(0.01)
            yield port
        finally:
            server.should_exit = True
            await serving


def stripping(app: ASGIApp, prefix: str) -> ASGIApp:
    """Behind a proxy that takes a prefix off the path, as many do, without telling the application."""

    async def stripped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path, raw_path = scope["path"], scope["raw_path"]
            path, raw_path = path.removeprefix(prefix), raw_path.removeprefix(prefix.encode())
            scope = {**scope, "path": path, "raw_path": raw_path}
        await app(scope, receive, send)

    return stripped


def with_root_path(app: ASGIApp, prefix: str) -> ASGIApp:
    """The same behind a server that was told of the prefix, and puts it back in front of the path."""

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "root_path": prefix}, receive, send)

    return told
