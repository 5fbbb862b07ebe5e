"""Read models as they change, for browsers: server-sent events.

@app.get("/accounts/{account_id}/live", response_class=EventSourceResponse)
async def live_account(
    events: Annotated[LiveEvents, Depends(live(Account, key="account_id"))],
) -> AsyncIterator[ServerSentEvent]:
    async for event in events:
        yield event

| `event` | `data` | What to do with it |
|---|---|---|
| `changed` | `{"key": ..., "model": {...}}` | show it |
| `removed` | `{"key": ...}` | take it away |
| `reload` | `{}` | changes were missed: fetch the list again |

The `id` is the number of the event that has led to it. FastAPI makes the stream of it, with a comment every
15 seconds that keeps the connection open.
"""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from functools import cache
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Path
from fastapi.requests import HTTPConnection
from fastapi.sse import ServerSentEvent

from chronicle import ChangeKind, ChronicleError, ReadModelChange, ReadModels, Watch
from chronicle_fastapi.dependencies import ReadModelsDep
from chronicle_fastapi.stopping import OpenStreams

logger = logging.getLogger("chronicle.fastapi")

MOST_WAITING: Final = 1_000
"""Instances whose changes wait for one browser, at most; beyond, it is told to reload."""

_NUMBER: Final = re.compile(r"[0-9]{1,16}")


@cache
def live(model: type[object], *, key: str | None = None) -> Callable[..., AsyncGenerator["LiveEvents"]]:
    """A dependency: the events of one instance, whose key is the path parameter `key`, or of all.

    Those of one begin with the instance as it is, unless the browser comes back with a `Last-Event-ID` that
    says it has seen that. Those of all begin with the next change: fetch the list once the stream is open.
    A browser that comes back is told to reload if it has missed anything.

    What was not sent yet when an instance changes again is replaced: a browser that is slow misses states in
    between, never the last one, and holds up nobody. The stream ends when the server is asked to stop, and
    with the application. The same one for the same arguments, so that `app.dependency_overrides` works.
    """

    async def events(
        connection: HTTPConnection,
        read_models: ReadModelsDep,
        instance_key: Annotated[str | None, Depends(_key_in(key))],
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> AsyncGenerator[LiveEvents]:
        # Watching begins before anything is read or sent: nothing is missed, and what cannot be watched is
        # answered with a problem.
        async with read_models.watch(model, instance_key) as watch:
            latest = LatestChanges()
            draining = asyncio.create_task(_drain(watch, latest), name="chronicle-live")
            try:
                with OpenStreams.of(connection.app).open(latest.end):
                    yield LiveEvents(read_models, model, instance_key, latest, _number(last_event_id))
            finally:
                draining.cancel()
                # Not awaited itself: whoever is cancelled here could not tell that from the task's end.
                await asyncio.wait((draining,))

    return events


def _key_in(name: str | None) -> Callable[..., Awaitable[str | None]]:
    """What takes the key from the path; for all instances there is none."""

    async def of_one(instance_key: Annotated[str, Path(alias=name)]) -> str:
        return instance_key

    async def of_all() -> None:
        return None

    return of_all if name is None else of_one


class LatestChanges:
    """The latest change of each instance, as long as it waits to be sent."""

    def __init__(self, most_waiting: int = MOST_WAITING) -> None:
        self._most_waiting = most_waiting
        self._waiting: dict[str, ReadModelChange[Any]] = {}
        self._has_gap = False
        self._is_ended = False
        self._arrived = asyncio.Event()

    def take(self, change: ReadModelChange[Any]) -> None:
        """Takes a change in place of what waits for the same instance. Never waits."""
        if change.kind is ChangeKind.RESUMED:
            self._has_gap = True
        else:
            self._waiting.pop(change.key, None)
            self._waiting[change.key] = change
            if len(self._waiting) > self._most_waiting:
                self._has_gap = True
        if self._has_gap:
            self._waiting.clear()
        self._arrived.set()

    def end(self) -> None:
        """Nothing comes any more; what waits can still be had."""
        self._is_ended = True
        self._arrived.set()

    async def next(self) -> ReadModelChange[Any] | None:
        """The change that has waited longest, `RESUMED` in place of those that were lost; None at the end."""
        while not (self._waiting or self._has_gap or self._is_ended):
            self._arrived.clear()
            await self._arrived.wait()
        if self._has_gap:
            self._has_gap = False
            return ReadModelChange(ChangeKind.RESUMED)
        if self._waiting:
            return self._waiting.pop(next(iter(self._waiting)))
        return None


class LiveEvents:
    """What `live` provides: the events to be sent, for an endpoint to yield."""

    def __init__(
        self,
        read_models: ReadModels,
        model: type[object],
        key: str | None,
        latest: LatestChanges,
        last_seen: int | None,
    ) -> None:
        self._read_models = read_models
        self._model = model
        self._key = key
        self._latest = latest
        self._last_seen = last_seen

    async def __aiter__(self) -> AsyncIterator[ServerSentEvent]:
        begin = await self._begin()
        if begin is not None:
            yield begin
        while (change := await self._latest.next()) is not None:
            event = await self._event(change)
            if event is not None:
                yield event

    async def _begin(self) -> ServerSentEvent | None:
        if self._key is not None:
            return await self._current(self._key)
        # Whether a list is complete cannot be told from the instances that are still there.
        is_back = self._last_seen is not None
        return ServerSentEvent(event="reload", data={}) if is_back and await self._has_missed() else None

    async def _event(self, change: ReadModelChange[Any]) -> ServerSentEvent | None:
        if change.kind is ChangeKind.RESUMED:
            if self._key is None:
                return ServerSentEvent(event="reload", data={})
            return await self._current(self._key)
        number = change.sequence_number
        if self._key is not None and number is not None:
            if self._last_seen is not None and number <= self._last_seen:
                return None  # contained in what was read after the watch began
            self._last_seen = number
        if change.kind is ChangeKind.REMOVED:
            return _removed(change.key, number)
        return _changed(change.key, change.model, number)

    async def _current(self, key: str) -> ServerSentEvent | None:
        """The instance as it is, unless it was seen before."""
        found = await self._read_models.instance(self._model, key)
        if found is None:
            return None if self._last_seen is None else _removed(key, self._last_seen)
        if found.sequence_number == self._last_seen:
            return None
        self._last_seen = found.sequence_number
        return _changed(key, found.model, found.sequence_number)

    async def _has_missed(self) -> bool:
        newest = await self._read_models.newest_event(self._model)
        return newest is not None and newest != self._last_seen


async def _drain(watch: Watch[Any], latest: LatestChanges) -> None:
    try:
        async for change in watch:
            latest.take(change)
    except ChronicleError as error:
        logger.warning("a live stream ends: %s", error)
    finally:
        latest.end()


def _changed(key: str, model: object, number: int | None) -> ServerSentEvent:
    return ServerSentEvent(event="changed", data={"key": key, "model": model}, id=_id(number))


def _removed(key: str, number: int | None) -> ServerSentEvent:
    return ServerSentEvent(event="removed", data={"key": key}, id=_id(number))


def _id(number: int | None) -> str | None:
    return None if number is None else str(number)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and _NUMBER.fullmatch(text) else None
