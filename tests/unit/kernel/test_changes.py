"""Watching something that changes."""

import asyncio

from chronicle.kernel.changes import Changes, wait_for_any
from tests.waiting import in_good_time


async def test_each_begins_with_the_revision_now() -> None:
    changes = Changes()
    changes.notify()
    assert await anext(aiter(changes.each())) == 1


async def test_who_waits_is_woken_by_a_change() -> None:
    changes = Changes()
    waiting = asyncio.ensure_future(changes.wait(changes.revision))
    await asyncio.sleep(0)
    assert not waiting.done()
    changes.notify()
    assert await waiting == 1


async def test_a_change_before_the_wait_is_not_missed() -> None:
    changes = Changes()
    seen = changes.revision
    changes.notify()
    assert await changes.wait(seen) == 1


async def test_changes_that_nobody_took_are_one() -> None:
    changes = Changes()
    revisions = aiter(changes.each())
    assert await anext(revisions) == 0
    for _ in range(3):
        changes.notify()
    assert await anext(revisions) == 3
    following = asyncio.ensure_future(anext(revisions))
    await asyncio.sleep(0)
    assert not following.done()
    following.cancel()


async def test_all_who_wait_are_woken() -> None:
    changes = Changes()
    waiting = [asyncio.ensure_future(changes.wait(0)) for _ in range(3)]
    await asyncio.sleep(0)
    changes.notify()
    assert await asyncio.gather(*waiting) == [1, 1, 1]


async def test_whoever_waits_for_several_things_hears_of_the_first_that_changes() -> None:
    one, other = Changes(), Changes()
    waiting = asyncio.ensure_future(wait_for_any({one: one.revision, other: other.revision}))
    await asyncio.sleep(0)
    assert not waiting.done()
    other.notify()
    async with in_good_time():
        await waiting
    one.notify()
    async with in_good_time():
        # What has changed since it was looked at is not waited for.
        await wait_for_any({one: one.revision - 1, other: other.revision})
