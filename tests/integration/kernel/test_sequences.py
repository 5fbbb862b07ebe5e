"""Event sequences, where only the kernel itself can be asked."""

import asyncio

import pytest

from chronicle.errors import NotRunningError
from chronicle.kernel.event_stores import EventStores
from chronicle.kernel.event_types import EventTypeRegistration
from chronicle.kernel.identities import SYSTEM
from chronicle.kernel.sequences import Append, EventToAppend
from chronicle.kernel.storage.database import Database
from chronicle.values import EVENT_LOG, uuid7

HAPPENED = EventToAppend(
    "source", "Default", "All", "Default", "happened", 1, 0, uuid7().bytes, b"", None, None, "{}"
)


async def test_an_append_that_waits_when_the_database_closes_is_told() -> None:
    database = await Database.open(None)
    stores = await EventStores.load(database)
    store = await stores.ensure("closing")
    await store.register_event_types([EventTypeRegistration("happened", 1)])
    sequence = (await store.namespace("Default")).event_sequence(EVENT_LOG)
    append = Append([HAPPENED], (SYSTEM,))
    await sequence.append(append)

    # The first is written at once; the second waits for the next turn of the loop, and so comes too late.
    first, second = (asyncio.create_task(sequence.append(append)) for _ in range(2))
    closing = asyncio.create_task(database.close())
    async with asyncio.timeout(5):
        assert (await first).is_success
        with pytest.raises(NotRunningError, match="closed"):
            await second
        await closing
