"""Work that comes to its end although nobody waits for it any more."""

import asyncio

import pytest

from chronicle.kernel.completion import end, to_the_end


async def test_a_cancelled_caller_leaves_the_work_running() -> None:
    may_end, has_ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await may_end.wait()
        has_ended.set()

    caller = asyncio.ensure_future(to_the_end(work()))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    may_end.set()
    await has_ended.wait()


async def test_failures_reach_the_caller() -> None:
    async def work() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        await to_the_end(work())


async def test_a_task_that_is_ended_has_ended() -> None:
    has_tidied_up = False

    async def work() -> None:
        nonlocal has_tidied_up
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            has_tidied_up = True

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await end(task)
    assert task.cancelled()
    assert has_tidied_up
    await end(task)
    await end(None)


async def test_who_is_cancelled_while_a_task_is_ended_is_told() -> None:
    may_end = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await may_end.wait()

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    ending = asyncio.create_task(end(task))
    await asyncio.sleep(0)
    ending.cancel()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await ending
