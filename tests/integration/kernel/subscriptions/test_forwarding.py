"""Forwarding goes on: after a restart, a crash between two steps, and what cannot be stored for a while."""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from chronicle.errors import StorageError
from chronicle.kernel.event_types import EventTypeRegistration
from chronicle.kernel.identities import SYSTEM, Identity
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.namespace import Namespace
from chronicle.kernel.observation import ObservationSettings, ObservedEventType, ObserverOwner, ObserverType
from chronicle.kernel.observation.state import ObserverState, Step
from chronicle.kernel.sequences import Append
from chronicle.kernel.storage.events import StoredEvent
from chronicle.kernel.subscriptions import EventStoreSubscription
from chronicle.values import OUTBOX
from tests.integration.kernel.conftest import OpenKernel
from tests.integration.kernel.observation.conftest import AT_ONCE, NEVER
from tests.integration.kernel.observation.scripted import event
from tests.waiting import eventually, in_good_time

SOURCE, TARGET, INBOX = "shop", "bank", "inbox-shop"
SUBSCRIPTION = EventStoreSubscription("orders", SOURCE, (ObservedEventType("happened"),))
OBSERVER_ID = "orders->bank"

# Appends to an inbox fail as on a full disk, and nothing else does.
FULL = """
CREATE TRIGGER full BEFORE INSERT ON events
WHEN NEW.event_sequence_id IN (SELECT id FROM event_sequences WHERE name LIKE 'inbox-%')
BEGIN SELECT RAISE(ABORT, 'full'); END
"""


async def namespace_of(kernel: Kernel, event_store: str) -> Namespace:
    store = await kernel.event_stores.ensure(event_store)
    await store.event_types.register([EventTypeRegistration("happened", 1)], validate=False)
    return await store.namespace("Default")


async def subscribed(kernel: Kernel) -> tuple[Namespace, Namespace]:
    """The source and the target of a subscription."""
    source, target = await namespace_of(kernel, SOURCE), await namespace_of(kernel, TARGET)
    await kernel.subscriptions.add(TARGET, [SUBSCRIPTION])
    return source, target


async def publish(source: Namespace, *numbers: int, caused_by: Sequence[Identity] = (SYSTEM,)) -> None:
    events = [event(f"source-{n % 3}", content=json.dumps({"n": n})) for n in numbers]
    outcome = await source.event_sequence(OUTBOX).append(Append(events, tuple(caused_by)))
    assert outcome.is_success, outcome.errors


async def inbox(target: Namespace) -> Sequence[StoredEvent]:
    return await target.event_sequence(INBOX).read()


async def arrived(target: Namespace, count: int) -> list[int]:
    """What is in the inbox, once there are so many events."""
    events = await eventually(lambda: inbox(target), lambda found: len(found) >= count)
    return [json.loads(one.content)["n"] for one in events]


async def on_writer(kernel: Kernel, sql: str) -> None:
    def run(connection: sqlite3.Connection) -> None:
        connection.execute(sql)

    await kernel.subscriptions._database.write(run)


async def test_it_is_an_observer_of_the_outbox(kernel: Kernel) -> None:
    source, target = await subscribed(kernel)
    await publish(source, 0, 1)
    assert await arrived(target, 2) == [0, 1]
    definition = await source.store.observer_definitions.find(OBSERVER_ID)
    assert definition is not None
    assert (definition.type, definition.owner) == (ObserverType.EXTERNAL, ObserverOwner.KERNEL)
    assert definition.event_sequence == OUTBOX
    observer = await source.observers.get(OBSERVER_ID)

    async def handled() -> tuple[int, int]:
        return observer.state.next_number, observer.state.handled_count

    await eventually(handled, lambda found: found == (2, 2))


async def test_nobody_waits_for_it_once_it_is_removed(kernel: Kernel) -> None:
    source, _ = await subscribed(kernel)
    await kernel.subscriptions.remove(TARGET, ["orders"])
    assert await source.store.observer_definitions.find(OBSERVER_ID) is None
    await kernel.subscriptions.add(TARGET, [SUBSCRIPTION])
    assert await source.store.observer_definitions.find(OBSERVER_ID) is not None


async def test_nobody_waits_for_it_once_it_has_another_source(kernel: Kernel) -> None:
    source, _ = await subscribed(kernel)
    elsewhere = EventStoreSubscription("orders", "elsewhere", SUBSCRIPTION.event_types)
    await kernel.subscriptions.add(TARGET, [elsewhere])
    assert await source.store.observer_definitions.find(OBSERVER_ID) is None


async def test_it_is_known_with_its_event_types_once_they_have_changed(kernel: Kernel) -> None:
    source, _ = await subscribed(kernel)
    more = (*SUBSCRIPTION.event_types, ObservedEventType("other"))
    await kernel.subscriptions.add(TARGET, [EventStoreSubscription("orders", SOURCE, more)])
    definition = await source.store.observer_definitions.find(OBSERVER_ID)
    assert definition is not None
    assert definition.event_types == more


@pytest.mark.row("O126")
async def test_it_goes_on_after_a_restart(open_kernel: OpenKernel) -> None:
    source, target = await subscribed(await open_kernel())
    await publish(source, 0, 1)
    await arrived(target, 2)
    kernel = await open_kernel()
    # Nobody has asked for either event store: the kernel goes on by itself.
    source = await namespace_of(kernel, SOURCE)
    await publish(source, 2)
    assert await arrived(await namespace_of(kernel, TARGET), 3) == [0, 1, 2]


async def test_a_removed_subscription_stays_so_after_a_restart(open_kernel: OpenKernel) -> None:
    kernel = await open_kernel()
    await subscribed(kernel)
    await kernel.subscriptions.remove(TARGET, ["orders"])
    kernel = await open_kernel()
    assert kernel.subscriptions.of(TARGET) == []
    source, target = await namespace_of(kernel, SOURCE), await namespace_of(kernel, TARGET)
    await publish(source, 0)
    second = EventStoreSubscription("again", SOURCE, SUBSCRIPTION.event_types)
    await kernel.subscriptions.add(TARGET, [second])
    assert await arrived(target, 1) == [0]


@pytest.mark.row("O126")
async def test_it_subscribes_again_when_its_observer_has_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    take = ObserverState.take
    failures = iter([StorageError("full")])

    async def fail_once(state: ObserverState, step: Step) -> None:
        for failure in failures:
            raise failure
        await take(state, step)

    async with await Kernel.open(observation=AT_ONCE) as kernel:
        source, target = await subscribed(kernel)
        monkeypatch.setattr(ObserverState, "take", fail_once)
        await publish(source, 0)
        await publish(source, 1)
        assert await arrived(target, 2) == [0, 1]
        assert next(failures, None) is None


async def test_what_was_appended_before_a_crash_is_not_appended_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashed = asyncio.Event()

    async def crash(state: ObserverState, step: Step) -> None:
        crashed.set()
        await asyncio.Event().wait()

    (tmp_path / "after").mkdir()
    impatient = ObservationSettings(stop_timeout=0.01)
    async with await Kernel.open(tmp_path / "before.db", observation=impatient) as kernel:
        source, target = await subscribed(kernel)
        await publish(source, 0)
        await arrived(target, 1)
        monkeypatch.setattr(ObserverState, "take", crash)
        await publish(source, 1)
        async with in_good_time():
            await crashed.wait()
        # The file as a process leaves it that dies now: forwarded, and the observer was not told.
        for file in ("before.db", "before.db-wal"):
            shutil.copy(tmp_path / file, tmp_path / "after" / file)
        monkeypatch.undo()
    async with await Kernel.open(tmp_path / "after" / "before.db") as kernel:
        await publish(await namespace_of(kernel, SOURCE), 2)
        assert await arrived(await namespace_of(kernel, TARGET), 3) == [0, 1, 2]


async def test_what_cannot_be_stored_is_waited_for_and_nothing_overtakes_it() -> None:
    async with await Kernel.open(observation=AT_ONCE) as kernel:
        source, target = await subscribed(kernel)
        await publish(source, 0)
        await arrived(target, 1)
        await on_writer(kernel, FULL)
        await publish(source, 1, 2)
        await publish(source, 3)
        assert len(await inbox(target)) == 1
        await on_writer(kernel, "DROP TRIGGER full")
        assert await arrived(target, 4) == [0, 1, 2, 3]
        observer = await source.observers.get(OBSERVER_ID)
        assert list(observer.state.failed) == []


async def test_a_kernel_that_closes_does_not_wait_for_it() -> None:
    kernel = await Kernel.open(observation=NEVER)
    source, _ = await subscribed(kernel)
    await on_writer(kernel, FULL)
    await publish(source, 0)
    async with asyncio.timeout(NEVER.stop_timeout / 2):
        await kernel.close()


async def test_a_subscription_that_waits_can_be_removed() -> None:
    async with await Kernel.open(observation=NEVER) as kernel:
        source, target = await subscribed(kernel)
        await on_writer(kernel, FULL)
        await publish(source, 0)
        await kernel.subscriptions.remove(TARGET, ["orders"])
        await on_writer(kernel, "DROP TRIGGER full")
        await kernel.subscriptions.add(TARGET, [SUBSCRIPTION])
        assert await arrived(target, 1) == [0]


async def test_events_of_several_causes_keep_their_order_and_causes(kernel: Kernel) -> None:
    source, target = await namespace_of(kernel, SOURCE), await namespace_of(kernel, TARGET)
    alice, bob = (Identity(name, name, name) for name in ("alice", "bob"))
    causes = [[alice], [alice], [bob, alice], [bob], [alice]]
    for number, cause in enumerate(causes):
        await publish(source, number, caused_by=cause)
    await kernel.subscriptions.add(TARGET, [SUBSCRIPTION])
    assert await arrived(target, 5) == [0, 1, 2, 3, 4]
    chains = [target.identities.chain_of(one.caused_by) for one in await inbox(target)]
    assert chains == [tuple(cause) for cause in causes]


async def test_the_subject_is_kept(kernel: Kernel) -> None:
    source, target = await subscribed(kernel)
    of_alice = event("source")._replace(subject="alice")
    await source.event_sequence(OUTBOX).append(Append([of_alice], (SYSTEM,)))
    (stored,) = await eventually(lambda: inbox(target))
    assert stored.subject == "alice"


async def test_a_subscription_that_is_not_stored_is_not_there(kernel: Kernel) -> None:
    await namespace_of(kernel, SOURCE)
    await namespace_of(kernel, TARGET)
    await on_writer(
        kernel,
        "CREATE TRIGGER full BEFORE INSERT ON event_store_subscriptions "
        "BEGIN SELECT RAISE(ABORT, 'full'); END",
    )
    with pytest.raises(StorageError, match="were not changed: IntegrityError: full"):
        await kernel.subscriptions.add(TARGET, [SUBSCRIPTION])
    assert kernel.subscriptions.of(TARGET) == []
    await on_writer(kernel, "DROP TRIGGER full")
    await kernel.subscriptions.add(TARGET, [SUBSCRIPTION])
    assert kernel.subscriptions.of(TARGET) == [SUBSCRIPTION]
