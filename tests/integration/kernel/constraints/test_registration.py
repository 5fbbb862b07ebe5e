"""The registration of constraints (events.md 7.1)."""

from collections.abc import Awaitable, Callable

import pytest

from chronicle.kernel.constraints import (
    ConstraintScope,
    UniqueConstraint,
    UniqueEventTypeConstraint,
    UniqueProperties,
)
from chronicle.kernel.event_store import EventStore
from chronicle.kernel.kernel import Kernel

email = UniqueConstraint(
    "email",
    (UniqueProperties("registered", ("email",)), UniqueProperties("moved", ("address.email",))),
    ignore_casing=True,
    removed_with=("left",),
    scope=ConstraintScope(event_stream_id="_scoped_"),
)
once = UniqueEventTypeConstraint("once", ("registered", "imported"), removed_with=("left",))


@pytest.fixture
async def store(kernel: Kernel) -> EventStore:
    return await kernel.event_stores.ensure("bank")


async def test_constraints_are_kept_by_name(store: EventStore) -> None:
    await store.constraints.register([once, email])
    assert store.constraints.all() == [email, once]


async def test_those_that_are_not_mentioned_stay_and_changed_ones_are_replaced(store: EventStore) -> None:
    await store.constraints.register([once, email])
    changed = UniqueEventTypeConstraint("once", ("imported", "registered"))
    await store.constraints.register([changed])
    assert store.constraints.all() == [email, changed]


async def test_equal_ones_are_no_change(store: EventStore) -> None:
    await store.constraints.register([once])
    revision = store.constraints.changes.revision
    await store.constraints.register(
        [UniqueEventTypeConstraint("once", ("registered", "imported"), ("left",))]
    )
    assert store.constraints.changes.revision == revision
    await store.constraints.register(
        [UniqueEventTypeConstraint("once", ("imported", "registered"), ("left",))]
    )
    assert store.constraints.changes.revision == revision + 1


async def test_constraints_are_there_after_a_restart(open_kernel: Callable[[], Awaitable[Kernel]]) -> None:
    store = await (await open_kernel()).event_stores.ensure("bank")
    await store.constraints.register([once, email])
    store = await (await open_kernel()).event_stores.ensure("bank")
    assert store.constraints.all() == [email, once]
