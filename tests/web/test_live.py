"""Read models as they change, as server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI
from fastapi.sse import EventSourceResponse, ServerSentEvent

from chronicle import ChangeKind, EventStore, NotConnectedError, ReadModelChange, ReadModels
from chronicle.kernel.read_models import watching as kernel_watching
from chronicle.read_models import watching
from chronicle_fastapi import Chronicle, LiveEvents, get_read_models, live
from chronicle_fastapi.live import LatestChanges
from tests.waiting import eventually, in_good_time
from tests.web.asgi import calling, running
from tests.web.bank import Balance, Deposited
from tests.web.sse import Event, browsing

OneBalance = Annotated[LiveEvents, Depends(live(Balance, key="account"))]
AllBalances = Annotated[LiveEvents, Depends(live(Balance))]


@pytest.fixture
def app(app: FastAPI) -> FastAPI:
    @app.get("/accounts/{account}/live", response_class=EventSourceResponse)
    async def one(events: OneBalance) -> AsyncIterator[ServerSentEvent]:
        async for event in events:
            yield event

    @app.get("/live", response_class=EventSourceResponse)
    async def all_of_them(events: AllBalances) -> AsyncIterator[ServerSentEvent]:
        async for event in events:
            yield event

    return app


@pytest.fixture
async def store(app: FastAPI, chronicle: Chronicle) -> AsyncGenerator[EventStore]:
    async with running(app):
        yield chronicle.store


def changed(key: str, amount: int, number: int) -> Event:
    return Event("changed", {"key": key, "model": {"amount": amount}}, str(number))


async def deposit(store: EventStore, account: str = "alice") -> int:
    """Appends, and returns the number once the read model contains the event."""
    number = (await store.event_log.append(account, Deposited(amount=1))).sequence_number
    assert number is not None

    async def contained() -> bool:
        found = await store.read_models.instance(Balance, account)
        return found is not None and found.sequence_number == number

    await eventually(contained)
    return number


async def test_the_stream_of_one_begins_with_it_as_it_is_and_goes_on_with_its_changes(
    app: FastAPI, store: EventStore
) -> None:
    await deposit(store)
    async with browsing(app, "/accounts/alice/live") as browser:
        assert await browser.event() == changed("alice", 1, 0)
        await deposit(store, "bob")
        await deposit(store)
        assert await browser.event() == changed("alice", 2, 2)
    assert browser.status == 200
    assert browser.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert browser.headers["cache-control"] == "no-cache"


async def test_the_stream_of_one_that_is_not_there_yet_waits_for_it(app: FastAPI, store: EventStore) -> None:
    async with browsing(app, "/accounts/alice/live") as browser:
        await deposit(store)
        assert await browser.event() == changed("alice", 1, 0)


async def test_the_stream_of_all_begins_with_the_next_change(app: FastAPI, store: EventStore) -> None:
    await deposit(store)
    async with browsing(app, "/live") as browser:
        await deposit(store, "bob")
        await deposit(store)
        assert [await browser.event() for _ in range(2)] == [changed("bob", 1, 1), changed("alice", 2, 2)]


async def test_whoever_comes_back_is_told_only_what_it_has_missed(app: FastAPI, store: EventStore) -> None:
    await deposit(store)
    async with browsing(app, "/accounts/alice/live", last_event_id="0") as browser:
        await deposit(store)
        assert await browser.event() == changed("alice", 2, 1)
    await deposit(store)
    async with browsing(app, "/accounts/alice/live", last_event_id="1") as browser:
        assert await browser.event() == changed("alice", 3, 2)
    async with browsing(app, "/accounts/nobody/live", last_event_id="1") as browser:
        assert await browser.event() == Event("removed", {"key": "nobody"}, "1")


async def test_whoever_comes_back_to_the_stream_of_all_reloads_if_it_has_missed_anything(
    app: FastAPI, store: EventStore
) -> None:
    await deposit(store)
    async with browsing(app, "/live", last_event_id="0") as browser:
        await deposit(store)
        assert await browser.event() == changed("alice", 2, 1)
    async with browsing(app, "/live", last_event_id="0") as browser:
        assert await browser.event() == Event("reload", {})


@pytest.mark.parametrize("nonsense", ["", "abc", "-1", "9" * 400, "1.5"])
async def test_a_last_event_id_that_is_no_number_counts_for_nothing(
    nonsense: str, app: FastAPI, store: EventStore
) -> None:
    await deposit(store)
    async with browsing(app, "/accounts/alice/live", last_event_id=nonsense) as browser:
        assert await browser.event() == changed("alice", 1, 0)


async def test_a_browser_that_does_not_read_holds_up_nobody_and_gets_the_last_state(
    app: FastAPI, store: EventStore
) -> None:
    async with browsing(app, "/accounts/alice/live", reads=False) as browser, browsing(app, "/live") as other:
        for number in range(50):
            assert await deposit(store) == number
            assert await other.event() == changed("alice", number + 1, number)
        browser.reads.set()
        told = [await browser.event()]
        while told[-1].data["model"]["amount"] < 50:
            told.append(await browser.event())
    # Those that were on their way when it stopped to read, and the last one.
    assert len(told) < 10
    numbers = [int(event.id or "") for event in told]
    assert numbers == sorted(set(numbers))


async def test_a_stream_ends_with_the_application(app: FastAPI, chronicle: Chronicle) -> None:
    async with chronicle.lifespan(app):
        stream = browsing(app, "/live")
        browser = await stream.__aenter__()
    async with in_good_time():
        await browser.is_complete.wait()
    await stream.__aexit__(None, None, None)


async def test_nothing_is_left_of_a_browser_that_has_gone(app: FastAPI, store: EventStore) -> None:
    before = asyncio.all_tasks()
    async with browsing(app, "/live") as browser:
        assert browser.status == 200

    async def left() -> set[asyncio.Task[object]]:
        return asyncio.all_tasks() - before

    await eventually(left, lambda tasks: not tasks)


async def test_what_cannot_be_watched_is_a_problem_and_no_stream(
    app: FastAPI, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreachable(self: object) -> None:
        raise NotConnectedError("gone")

    monkeypatch.setattr(watching.Watch, "__aenter__", unreachable)
    async with calling(app) as client:
        response = await client.get("/live")
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")


async def test_after_an_interruption_one_is_read_again_and_all_are_to_be_reloaded(
    app: FastAPI, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "REOPEN_AFTER", 0)
    # The kernel drops what it cannot keep, and the watch begins again.
    monkeypatch.setattr(kernel_watching, "CAPACITY", 0)
    async with browsing(app, "/accounts/alice/live") as one, browsing(app, "/live") as everything:
        await deposit(store)
        assert await everything.event() == Event("reload", {})
        assert await one.event() == changed("alice", 1, 0)


async def test_the_dependencies_can_be_replaced(app: FastAPI, store: EventStore) -> None:
    asked = []

    async def other() -> ReadModels:
        asked.append(True)
        return store.read_models

    app.dependency_overrides[get_read_models] = other
    async with browsing(app, "/live") as browser:
        assert browser.status == 200
    assert asked == [True]


def change(key: str, number: int) -> ReadModelChange[int]:
    return ReadModelChange(ChangeKind.MODIFIED, key, number, number)


async def test_of_what_waits_only_the_latest_of_each_key_is_kept() -> None:
    latest = LatestChanges()
    for key, number in [("a", 0), ("b", 1), ("a", 2)]:
        latest.take(change(key, number))
    assert [await latest.next(), await latest.next()] == [change("b", 1), change("a", 2)]
    latest.end()
    assert await latest.next() is None


async def test_when_too_much_waits_all_of_it_becomes_one_reload() -> None:
    latest = LatestChanges(most_waiting=2)
    for number in range(3):
        latest.take(change(str(number), number))
    assert await latest.next() == ReadModelChange(ChangeKind.RESUMED)
    latest.take(change("later", 3))
    assert await latest.next() == change("later", 3)


def test_keys_and_where_to_go_on_are_in_the_openapi_document(app: FastAPI) -> None:
    def parameters(path: str) -> list[tuple[str, str]]:
        return [(one["name"], one["in"]) for one in app.openapi()["paths"][path]["get"]["parameters"]]

    assert parameters("/accounts/{account}/live") == [("account", "path"), ("last-event-id", "header")]
    assert parameters("/live") == [("last-event-id", "header")]
