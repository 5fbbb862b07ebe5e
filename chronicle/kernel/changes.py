"""Tells those who watch something that it changed."""

import asyncio
from collections.abc import AsyncIterator, Mapping


class Changes:
    """Counts the changes of one thing, and wakes those who wait for the next one.

    Whoever watches reads the revision first and the thing itself after it: then nothing is missed, and
    several changes in a row are one.
    """

    def __init__(self) -> None:
        self._revision = 0
        self._next = asyncio.Event()

    @property
    def revision(self) -> int:
        """How often the thing has changed."""
        return self._revision

    def notify(self) -> None:
        """Says that the thing has changed. To be called on the event loop."""
        self._revision += 1
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self, after_revision: int) -> int:
        """The revision, as soon as it is higher than `after_revision`."""
        while self._revision <= after_revision:
            await self._next.wait()
        return self._revision

    async def each(self) -> AsyncIterator[int]:
        """The revision now, and again after every change, without end."""
        revision = self._revision
        while True:
            yield revision
            revision = await self.wait(revision)


async def wait_for_any(seen: Mapping[Changes, int]) -> None:
    """Returns as soon as one of several things has another revision than the one that was seen of it."""
    waiting = [asyncio.ensure_future(changes.wait(revision)) for changes, revision in seen.items()]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
