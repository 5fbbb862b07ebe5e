"""Whoever watches read models holds up nobody."""

import asyncio

import pytest

from chronicle.kernel.read_models import ChangeKind, InstanceChange, WatcherFellBehind, watching
from chronicle.kernel.read_models.watching import Watchers
from chronicle.kernel.storage.read_models import StoredInstance


def change(number: int) -> InstanceChange:
    return InstanceChange(ChangeKind.MODIFIED, StoredInstance(f"key-{number}", "{}", number), None)


async def test_changes_come_in_order_to_those_who_watch_their_container() -> None:
    watchers = Watchers()
    watcher = watchers.add("accounts")
    watchers.tell("accounts", change(0))
    watchers.tell("other", change(1))
    watchers.tell("accounts", change(2))
    changes = aiter(watcher.changes())
    assert [(await anext(changes)).instance.last_handled for _ in range(2)] == [0, 2]
    waiting = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0)
    watchers.tell("accounts", change(3))
    assert (await waiting) == change(3)


async def test_nothing_is_kept_for_those_who_have_left() -> None:
    watchers = Watchers()
    watcher, other = watchers.add("accounts"), watchers.add("accounts")
    watchers.remove("accounts", watcher)
    watchers.tell("accounts", change(0))
    watchers.remove("accounts", other)
    watchers.tell("accounts", change(1))
    assert not watcher._changes
    assert not watchers._of


async def test_a_watcher_that_takes_nothing_for_too_long_is_told_that_it_fell_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watching, "CAPACITY", 3)
    watchers = Watchers()
    watcher = watchers.add("accounts")
    for number in range(5):
        watchers.tell("accounts", change(number))
    assert not watcher._changes  # nothing is kept that nobody will take
    with pytest.raises(WatcherFellBehind, match="More than 3 changes"):
        await anext(aiter(watcher.changes()))
