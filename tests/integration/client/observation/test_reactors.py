"""Reactors against a kernel: from the first event on, in order, once, with their side effects."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from chronicle.artifacts import Artifacts
from chronicle.context import Identity, correlation, identity
from chronicle.event_sequences.event_for import EventFor
from chronicle.event_store import EventStore
from chronicle.events.event_context import AppendedEvent, EventContext
from chronicle.events.event_types import event_type
from chronicle.observation.declarations import reactor
from chronicle.observation.streams import ObserverState
from tests.integration.client.observation.bank import Closed, Deposited, Noted, Opened
from tests.integration.client.observation.conftest import OpenStore
from tests.waiting import eventually

EVENTS = Artifacts(event_types=[Opened, Deposited, Closed, Noted])


async def _notes(store: EventStore, count: int) -> Sequence[AppendedEvent[object]]:
    """The first notes of the event log, as soon as there are so many."""
    found: Sequence[AppendedEvent[object]] = []

    async def there() -> bool:
        nonlocal found
        found = await store.event_log.events_from(0, event_types=[Noted])
        return len(found) >= count

    await eventually(there)
    return found


@pytest.mark.row("S89", "S113")
async def test_it_catches_up_from_the_start_and_goes_on_live(open_store: OpenStore) -> None:
    seen: asyncio.Queue[tuple[str, int]] = asyncio.Queue()

    @reactor(id="watcher")
    class Watcher:
        async def opened(self, event: Opened, context: EventContext) -> None:
            await seen.put((event.owner, context.sequence_number))

    store = await open_store(EVENTS)
    await store.event_log.append_many("a", [Opened("Ann"), Deposited(1), Opened("Bob")])

    store = await open_store(EVENTS + Artifacts(reactors=[Watcher]))
    assert [await seen.get(), await seen.get()] == [("Ann", 0), ("Bob", 2)]

    await store.event_log.append("b", Opened("Cid"))
    assert await seen.get() == ("Cid", 3)
    [status] = store.observer_statuses()
    assert (status.id, status.state, status.last_error) == ("watcher", ObserverState.SUBSCRIBED, None)


@pytest.mark.row("S114")
@pytest.mark.parametrize("behind", [1, 250])
async def test_it_goes_on_where_it_was_without_duplicates(open_store: OpenStore, behind: int) -> None:
    seen: asyncio.Queue[int] = asyncio.Queue()

    @reactor(id="watcher")
    async def watcher(event: Deposited, context: EventContext) -> None:
        await seen.put(context.sequence_number)

    everything = EVENTS + Artifacts(reactors=[watcher])
    store = await open_store(everything)
    await store.event_log.append("a", Deposited(0))
    assert await seen.get() == 0

    store = await open_store(EVENTS)
    await store.event_log.append_many("a", [Deposited(1)] * behind)

    store = await open_store(everything)
    assert [await seen.get() for _ in range(behind)] == list(range(1, behind + 1))
    await store.event_log.append("a", Deposited(2))
    assert await seen.get() == behind + 1
    assert seen.empty()


async def test_a_plain_function_sees_events_too(open_store: OpenStore) -> None:
    seen: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    @reactor(id="plain")
    def plain(event: Opened) -> None:
        loop.call_soon_threadsafe(seen.put_nowait, event.owner)

    store = await open_store(Artifacts(reactors=[plain]))
    await store.event_log.append("a", Opened("Ann"))

    assert await seen.get() == "Ann"


@pytest.mark.row("S177", "S103")
async def test_a_side_effect_says_on_whose_behalf_and_why(open_store: OpenStore) -> None:
    @reactor(id="noter")
    async def noter(event: Opened) -> Noted:
        return Noted(f"welcome, {event.owner}")

    store = await open_store(EVENTS + Artifacts(reactors=[noter]))
    with identity(Identity("ann", "Ann", "ann@example.com")), correlation() as correlation_id:
        await store.event_log.append("account-1", Opened("Ann"))

    [noted] = await _notes(store, 1)
    context = noted.context
    assert noted.event == Noted("welcome, Ann")
    assert context.event_source_id == "account-1"
    assert context.correlation_id == correlation_id
    assert [link.subject for link in context.caused_by.chain()] == [Identity.SYSTEM.subject, "ann"]
    [entry] = [entry for entry in context.causation if entry.type == "Client Reactor"]
    assert dict(entry.properties) == {
        "ReactorId": "noter",
        "eventTypeId": "opened",
        "eventTypeGeneration": "1",
        "eventSequenceId": "event-log",
        "eventSequenceNumber": "0",
    }


@pytest.mark.row("S104", "S105", "S106", "O134")
async def test_a_mixed_list_goes_to_its_targets_in_one_append(open_store: OpenStore) -> None:
    @reactor(id="noter")
    async def noter(event: Opened) -> list[Noted | EventFor]:
        return [Noted("here"), EventFor("audit", Noted("there"), tags=["seen"])]

    store = await open_store(EVENTS + Artifacts(reactors=[noter]))
    await store.event_log.append("account-1", Opened("Ann"))

    here, there = await _notes(store, 2)
    assert (here.event, here.event_source_id) == (Noted("here"), "account-1")
    assert (there.event, there.event_source_id, there.context.tags) == (Noted("there"), "audit", ("seen",))
    assert (here.sequence_number, there.sequence_number) == (1, 2)


@pytest.mark.row("S91", "O135")
async def test_what_fails_is_delivered_again_and_what_comes_after_is_handled(open_store: OpenStore) -> None:
    seen: asyncio.Queue[str] = asyncio.Queue()
    attempts = 0

    @reactor(id="flaky")
    async def flaky(event: Opened) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise ConnectionError("no mail server")
        await seen.put(event.owner)

    store = await open_store(Artifacts(reactors=[flaky]))
    await store.event_log.append("a", Opened("Ann"))
    await store.event_log.append("a", Opened("Bob"))

    assert [await seen.get(), await seen.get()] == ["Ann", "Bob"]
    [status] = store.observer_statuses()
    assert status.last_error == "no mail server"
    assert status.handled == 2


async def test_a_side_effect_that_is_no_event_of_the_store_fails_the_event(open_store: OpenStore) -> None:
    @event_type("stranger")
    @dataclass
    class Stranger:
        text: str

    @reactor(id="noter")
    async def noter(event: Opened) -> Stranger:
        return Stranger("hello")

    store = await open_store(EVENTS + Artifacts(reactors=[noter]))
    await store.event_log.append("a", Opened("Ann"))

    async def failed() -> bool:
        return store.observer_statuses()[0].last_error is not None

    await eventually(failed)
    assert "not among the artifacts" in str(store.observer_statuses()[0].last_error)
    assert await store.event_log.tail() == 0


async def test_leaving_lets_the_event_at_hand_finish_and_keeps_the_rest(open_store: OpenStore) -> None:
    started, finished = asyncio.Event(), []

    @reactor(id="slow")
    async def slow(event: Opened, context: EventContext) -> None:
        started.set()
        for _ in range(100):
            await asyncio.sleep(0)
        finished.append(context.sequence_number)

    everything = Artifacts(reactors=[slow])
    store = await open_store(everything)
    await store.event_log.append("a", Opened("Ann"))
    await started.wait()

    await open_store(EVENTS)
    assert finished == [0]

    store = await open_store(everything)
    await store.event_log.append("a", Opened("Bob"))

    async def both() -> bool:
        return len(finished) == 2

    await eventually(both)
    assert finished == [0, 1]
