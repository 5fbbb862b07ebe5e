"""Waiting for what happens soon, without guessing how soon."""

import asyncio
from collections.abc import Awaitable, Callable


async def eventually(condition: Callable[[], Awaitable[bool]], *, timeout: float = 15) -> None:
    """Return once the condition holds.

    It is asked again and again, and fails the test after `timeout` seconds.
    """
    async with asyncio.timeout(timeout):
        while not await condition():  # noqa: ASYNC110 - conditions are of any kind, and tell nobody
            await asyncio.sleep(0.01)
