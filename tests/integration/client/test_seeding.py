"""Seeds and a kernel that goes away and comes back (client-surface.md 1.18)."""

from pathlib import Path

import pytest

from chronicle.artifacts import Artifacts
from chronicle.client import ChronicleClient
from chronicle.event_store import EventStore
from chronicle.kernel import serve
from chronicle.registration import RegistrationOutcome
from chronicle.seeding import Seeds, seeder
from tests.integration.client.bank import FundsDeposited
from tests.waiting import eventually, in_good_time


@seeder
def demo(seeds: Seeds) -> None:
    seeds.for_source("a", [FundsDeposited(1), FundsDeposited(2)])


@pytest.mark.row("S201", "S25", "C115")
async def test_after_a_reconnect_nothing_new_is_seeded_and_an_empty_kernel_is_seeded_anew(
    tmp_path: Path,
) -> None:
    artifacts = Artifacts(event_types=[FundsDeposited], seeders=[demo])
    async with in_good_time():
        async with serve(tmp_path / "bank.db", port=0) as kernel:
            port = kernel.port
            client = ChronicleClient(f"chronicle://localhost:{port}")
            await client.__aenter__()
            store = await client.event_store("bank", artifacts=artifacts)
            assert store.registration.registered[-2:] == ("observers", "seeds")
        try:
            before = store.registration
            async with serve(tmp_path / "bank.db", port=port):
                await registered_again(client, store, before)
                assert await store.event_log.tail() == 1
                before = store.registration
            async with serve(None, port=port):
                await registered_again(client, store, before)
                assert [one.event for one in await store.event_log.events_from(0)] == [
                    FundsDeposited(1),
                    FundsDeposited(2),
                ]
                await client.__aexit__(None, None, None)
        finally:
            await client.__aexit__(None, None, None)


async def registered_again(client: ChronicleClient, store: EventStore, before: RegistrationOutcome) -> None:
    async def is_another() -> bool:
        return client.is_connected and store.registration is not before and store.registration.is_success

    assert await eventually(is_another)
