"""Waiting for what happens in the background: on a condition, never for a length of time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

T = TypeVar("T")

PATIENCE: Final = 15.0
"""Seconds after which a test gives up; far more than anything takes that works."""

_BETWEEN_LOOKS: Final = 0.01


async def eventually(look: Callable[[], Awaitable[T]], is_enough: Callable[[T], bool] = bool) -> T:
    """What `look` finds as soon as it is enough. Fails with what it found last when that never comes."""
    found: T | None = None
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                found = await look()
                if is_enough(found):
                    return found
                await asyncio.sleep(_BETWEEN_LOOKS)
    except TimeoutError:
        raise AssertionError(f"not within {PATIENCE} seconds; the last look found {found!r}") from None


@asynccontextmanager
async def in_good_time() -> AsyncIterator[None]:
    """A block that must end by itself, such as one that awaits a message that has to come."""
    try:
        async with asyncio.timeout(PATIENCE):
            yield
    except TimeoutError:
        raise AssertionError(f"nothing came within {PATIENCE} seconds") from None
