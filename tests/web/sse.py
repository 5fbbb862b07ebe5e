"""A browser's end of a stream of server-sent events: reads what an application sends, slowly if it likes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Scope

from tests.waiting import in_good_time


@dataclass
class Event:
    event: str = "message"
    data: Any = None
    id: str | None = None


@dataclass
class Browser:
    """A response as it comes in. While `reads` is not set, the application waits with what it sends."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    reads: asyncio.Event = field(default_factory=asyncio.Event)
    is_complete: asyncio.Event = field(default_factory=asyncio.Event)
    _begun: asyncio.Event = field(default_factory=asyncio.Event)
    _events: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)
    _text: str = ""
    comments: list[str] = field(default_factory=list)

    async def begun(self) -> None:
        """Returns once the status and headers have come."""
        async with in_good_time():
            await self._begun.wait()

    async def event(self) -> Event:
        """The next event."""
        async with in_good_time():
            return await self._events.get()

    def has_event(self) -> bool:
        """Whether an event has come that was not taken."""
        return not self._events.empty()

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            self._begun.set()
            return
        await self.reads.wait()
        self._text += message.get("body", b"").decode()
        while "\n\n" in self._text:
            block, _, self._text = self._text.partition("\n\n")
            self._take_block(block)
        if not message.get("more_body"):
            self.is_complete.set()

    def _take_block(self, block: str) -> None:
        event = Event()
        for line in block.split("\n"):
            name, _, value = line.partition(": ")
            if not name:
                self.comments.append(value)
            elif name == "data":
                event.data = json.loads(value)
            else:
                setattr(event, name, value)
        if event.data is not None:
            self._events.put_nowait(event)


@asynccontextmanager
async def browsing(app: ASGIApp, path: str, *, reads: bool = True, **headers: str) -> AsyncIterator[Browser]:
    """Opens a stream, and disconnects at the end of the block."""
    browser = Browser()
    if reads:
        browser.reads.set()
    has_left = asyncio.Event()
    inbox = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if inbox:
            return inbox.pop()
        await has_left.wait()
        return {"type": "http.disconnect"}

    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
    }
    request = asyncio.ensure_future(app(scope, receive, browser.take))
    try:
        await asyncio.wait(
            [request, asyncio.ensure_future(browser.begun())], return_when=asyncio.FIRST_COMPLETED
        )
        yield browser
    finally:
        has_left.set()
        async with in_good_time():
            await request
