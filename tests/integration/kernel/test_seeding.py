"""Seeding in the kernel: what is recorded, always together with what is appended (events.md 15)."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence

import pytest

from chronicle.kernel.event_store import EventStore
from chronicle.kernel.event_types import EventTypeRegistration
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.seeding import SeedEntry, Seeds
from chronicle.kernel.storage import seeding as storage

OpenKernel = Callable[[], Awaitable[Kernel]]


def seeds(*entries: SeedEntry, **by_namespace: Sequence[SeedEntry]) -> Seeds:
    return Seeds(entries, by_namespace, b"")


def entry(number: int, event_type: str = "happened") -> SeedEntry:
    return SeedEntry("a", event_type, f'{{"n":{number}}}')


async def bank(kernel: Kernel) -> EventStore:
    store = await kernel.event_stores.ensure("bank")
    await store.register_event_types([EventTypeRegistration("happened", 1, "{}")])
    return store


async def contents(store: EventStore, namespace: str = "Default") -> list[str]:
    sequence = (await store.namespace(namespace)).event_sequence("event-log")
    return [event.content for event in await sequence.read()]


async def test_what_was_seeded_is_remembered_over_a_restart(open_kernel: OpenKernel) -> None:
    for _ in range(2):
        store = await bank(await open_kernel())
        await store.seeding.seed(seeds(entry(1), tenant=[entry(2)]))
        assert await contents(store) == ['{"n":1}']
        assert await contents(store, "tenant") == ['{"n":1}', '{"n":2}']
        assert await store.seeding.seeded() == [entry(1)]
        assert await store.seeding.seeded(await store.namespace("tenant")) == [entry(1), entry(2)]


async def test_a_seed_that_cannot_be_recorded_is_not_appended(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await bank(kernel)

    def full(connection: sqlite3.Connection, *_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(storage, "record", full)
        await store.seeding.seed(seeds(Default=[entry(1)]))
    assert await contents(store) == []
    await store.seeding.seed(seeds(Default=[entry(1)]))
    assert await contents(store) == ['{"n":1}']


async def test_a_namespace_of_an_event_store_without_seeds_is_given_none(kernel: Kernel) -> None:
    store = await bank(kernel)
    await store.seeding.seed(seeds(Default=[entry(1)]))
    assert await contents(store, "tenant") == []


async def test_a_namespace_that_comes_later_carries_the_causation_of_the_first_seeding(
    kernel: Kernel,
) -> None:
    store = await bank(kernel)
    await store.seeding.seed(Seeds([entry(1)], {}, b"first"))
    await store.seeding.seed(Seeds([entry(1), entry(2)], {}, b"second"))
    sequence = (await store.namespace("tenant")).event_sequence("event-log")
    assert [event.causation for event in await sequence.read()] == [b"first", b"second"]


async def test_rejected_seeds_are_logged_without_naming_whom_they_are_about(
    kernel: Kernel, caplog: pytest.LogCaptureFixture
) -> None:
    store = await bank(kernel)
    await store.seeding.seed(seeds(SeedEntry("anna@example.com", "unknown", "{}")))
    assert "1 events were not seeded in namespace Default of bank" in caplog.text
    assert "anna" not in caplog.text
    assert await store.seeding.seeded() == []


async def test_namespaces_that_come_while_it_is_seeded_have_everything_once(kernel: Kernel) -> None:
    store = await bank(kernel)
    names = [f"tenant-{number}" for number in range(5)]
    await asyncio.gather(
        *(store.ensure_namespace(name) for name in names[:3]),
        *(store.seeding.seed(seeds(entry(1), tenant_9=[entry(2)])) for _ in range(3)),
        *(store.ensure_namespace(name) for name in names[3:]),
    )
    for name in (*names, "Default"):
        assert await contents(store, name) == ['{"n":1}']
    assert await contents(store, "tenant_9") == ['{"n":1}', '{"n":2}']


async def test_a_call_that_is_given_up_anywhere_leaves_nothing_half_done(kernel: Kernel) -> None:
    store = await bank(kernel)
    for turns in range(12):
        seeding = asyncio.create_task(store.seeding.seed(seeds(entry(turns), tenant=[entry(turns)])))
        for _ in range(turns):
            await asyncio.sleep(0)
        seeding.cancel()
        await asyncio.gather(seeding, return_exceptions=True)
    for _ in range(2):
        await store.seeding.seed(seeds(*(entry(number) for number in range(12))))
    for namespace in ("Default", "tenant"):
        found = await contents(store, namespace)
        assert sorted(found) == sorted(f'{{"n":{number}}}' for number in range(12))
