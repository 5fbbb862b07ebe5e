"""Work that must come to its end once it has begun."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Awaits work that goes on when the caller is cancelled, for example because its deadline has passed.

    What is written to the database is written, whether or not someone still waits for it; what memory knows
    of it has to follow.
    """
    return await asyncio.shield(asyncio.create_task(work))
