"""Waiting for what happens soon, without guessing how soon."""

import asyncio
from collections.abc import Awaitable, Callable


async def eventually(condition: Callable[[], Awaitable[bool]], *, timeout: float = 10) -> None:
    """Return once the condition holds; it is asked again and again, and fails the test after `timeout` seconds."""
    async with asyncio.timeout(timeout):
        while not await condition():
            await asyncio.sleep(0.01)
