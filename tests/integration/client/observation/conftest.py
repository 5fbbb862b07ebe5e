"""Clients of one kernel, in this process or on a port of this machine."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from chronicle.artifacts import Artifacts
from chronicle.client import ChronicleClient
from chronicle.event_store import EventStore
from chronicle.kernel import serve

OpenStore = Callable[[Artifacts], Awaitable[EventStore]]


@pytest.fixture(params=["embedded", "served"])
async def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenStore]:
    """Opens the event store "bank" of one kernel with these artifacts; the client before leaves first."""
    async with AsyncExitStack() as kernel, AsyncExitStack() as opened:
        if request.param == "embedded":
            connection_string = f"chronicle+embedded:///{tmp_path}/bank.db"
        else:
            served = await kernel.enter_async_context(serve(None, port=0))
            connection_string = f"chronicle://{served.host}:{served.port}?disableTls=true"

        async def open_again(artifacts: Artifacts) -> EventStore:
            await opened.aclose()
            client = await opened.enter_async_context(ChronicleClient(connection_string))
            return await client.event_store("bank", artifacts=artifacts)

        yield open_again
