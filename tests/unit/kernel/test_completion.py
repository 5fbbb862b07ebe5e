"""Work that comes to its end although nobody waits for it any more."""

import asyncio

import pytest

from chronicle.kernel.completion import to_the_end


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
