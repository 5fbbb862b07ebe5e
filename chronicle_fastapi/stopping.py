"""Streams end when the server is asked to stop.

A server waits for open responses before it tells the application that it stops (ASGI's lifespan), and a live
stream is a response that never ends by itself: the two would wait for each other. What comes earlier is the
signal. So, as long as streams are open, its handler is ours, which ends them and then calls the server's.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from starlette.applications import Starlette

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_STATE: Final = "chronicle_open_streams"


class OpenStreams:
    """The streams of one application that are open now."""

    def __init__(self) -> None:
        self._ends: list[Callable[[], None]] = []
        self._former: dict[int, Callable[[int, FrameType | None], Any]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    @classmethod
    def of(cls, app: Starlette) -> "OpenStreams":
        """Those of an application; the same object each time."""
        found = getattr(app.state, _STATE, None)
        if not isinstance(found, cls):
            found = cls()
            setattr(app.state, _STATE, found)
        return found

    @contextmanager
    def open(self, end: Callable[[], None]) -> Generator[None]:
        """A stream, for as long as the block; `end` is called on the event loop when the server stops."""
        self._ends.append(end)
        if len(self._ends) == 1:
            self._take_signals()
        try:
            yield
        finally:
            self._ends.remove(end)
            if not self._ends:
                self._give_signals_back()

    def end_all(self) -> None:
        """Ends all of them."""
        for end in tuple(self._ends):
            end()

    def _take_signals(self) -> None:
        # Python lets no other thread do this; and there, as in TestClient, is no server to stop either.
        if threading.current_thread() is not threading.main_thread():
            return
        self._loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            former = signal.getsignal(number)
            # Without a handler of its own the server is not asked to stop: it is ended.
            if callable(former):
                self._former[number] = former
                signal.signal(number, self._handle)

    def _give_signals_back(self) -> None:
        for number, former in self._former.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, former)
        self._former.clear()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.end_all)
        self._former[number](number, frame)
