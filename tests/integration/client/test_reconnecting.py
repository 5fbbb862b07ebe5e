"""A client whose kernel goes away and comes back (connection.md 5.3)."""

import asyncio
from pathlib import Path

import pytest

from chronicle.artifacts import Artifacts
from chronicle.client import ChronicleClient
from chronicle.errors import NotConnectedError
from chronicle.kernel import serve
from chronicle.observation.declarations import reactor
from tests.integration.client.bank import FundsDeposited
from tests.waiting import eventually, in_good_time


@pytest.mark.row("C108", "C125", "S25")
async def test_after_a_restart_of_the_kernel_everything_goes_on(tmp_path: Path) -> None:
    handled: asyncio.Queue[int] = asyncio.Queue()

    @reactor
    def note(event: FundsDeposited) -> None:
        handled.put_nowait(event.amount)

    file = tmp_path / "bank.db"
    async with in_good_time():
        async with serve(file, port=0) as kernel:
            port = kernel.port
            client = ChronicleClient(f"chronicle://localhost:{port}")
            await client.__aenter__()
            store = await client.event_store("bank", artifacts=Artifacts(reactors=[note]))
            await store.event_log.append("a", FundsDeposited(1))
            assert await handled.get() == 1
            first_id = client.connection_id
        try:
            with pytest.raises(NotConnectedError):
                await store.event_log.append("a", FundsDeposited(2))
            async with serve(file, port=port):

                async def connection_id() -> str:
                    return client.connection_id

                assert await eventually(connection_id, lambda current: current not in ("", first_id))
                await store.event_log.append("a", FundsDeposited(3))
                assert await handled.get() == 3
                assert store.registration.is_success
                await client.__aexit__(None, None, None)
        finally:
            await client.__aexit__(None, None, None)
