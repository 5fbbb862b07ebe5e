"""How work in the background ends: by itself once it has begun, or because it is told to."""

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


async def end(task: asyncio.Task[Any] | None) -> None:
    """Cancels a task, if there is one, and returns when it has ended.

    The task is not awaited itself: a caller who is cancelled here could not tell that from the task's end.
    """
    if task is not None:
        task.cancel()
        await asyncio.wait((task,))
