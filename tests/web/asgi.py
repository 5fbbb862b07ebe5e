"""An application as its server sees it: started, stopped, its messages noted as they leave."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx2
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class StartFailed(Exception):
    """The application said that it could not start."""


@asynccontextmanager
async def running(app: ASGIApp) -> AsyncGenerator[None]:
    """Runs the lifespan of an application. Raises what it raises itself when it cannot start or stop."""
    inbox: asyncio.Queue[Message] = asyncio.Queue()
    outbox: asyncio.Queue[Message] = asyncio.Queue()
    scope: Scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}

    async def run() -> None:
        await app(scope, inbox.get, outbox.put)

    lifespan = asyncio.create_task(run(), name="lifespan of the application")
    await inbox.put({"type": "lifespan.startup"})
    answer = await outbox.get()
    if answer["type"] != "lifespan.startup.complete":
        await lifespan
        raise StartFailed(answer)
    try:
        yield
    finally:
        await inbox.put({"type": "lifespan.shutdown"})
        await lifespan


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncGenerator[httpx2.AsyncClient]:
    """A client for an application that runs as long as the block does; what endpoints raise becomes 500."""
    async with running(app), calling(app) as client:
        yield client


@asynccontextmanager
async def calling(app: ASGIApp) -> AsyncGenerator[httpx2.AsyncClient]:
    """A client for an application whose lifespan is somebody else's affair."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


class Noting:
    """Around an application: notes the moment at which each message of a response is handed to the server."""

    def __init__(self, app: ASGIApp, log: list[str]) -> None:
        self.app = app
        self.log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.log.append(f"send {message['status']}")
            elif message.get("body"):
                self.log.append(f"body {message['body'].decode()[:20]}")
            await send(message)

        await self.app(scope, receive, noted)
