"""Event stores and namespaces in the kernel (events.md 1)."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence

import pytest

from chronicle.errors import NotRunningError
from chronicle.kernel.errors import InvalidEventStoreName, InvalidNamespaceName
from chronicle.kernel.event_types.kernel_owned import kernel_owned
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.storage.events import StoredEvent


async def system_events(kernel: Kernel, event_store: str) -> Sequence[StoredEvent]:
    store = await kernel.event_stores.get(event_store)
    namespace = await store.namespace("Default")
    return await namespace.event_sequence("system").read()


async def test_a_new_kernel_has_its_own_event_store(kernel: Kernel) -> None:
    assert kernel.event_stores.names() == ["System"]
    system = await kernel.event_stores.get("System")
    assert system.namespaces() == ["Default"]
    assert system.event_types.knows("EventStoreAdded")
    assert not system.event_types.knows("EventTypeAdded")


async def test_an_event_store_that_is_asked_for_exists(kernel: Kernel) -> None:
    store = await kernel.event_stores.get("bank")
    assert kernel.event_stores.names() == ["System", "bank"]
    assert store.namespaces() == []
    assert store.event_types.all() == []
    assert await system_events(kernel, "System") == ()


async def test_an_event_store_that_is_ensured_is_complete(kernel: Kernel) -> None:
    store = await kernel.event_stores.ensure("bank")
    assert store.namespaces() == ["Default"]
    assert [one.id for one in store.event_types.all()] == sorted(one.id for one in kernel_owned("bank"))
    (added,) = await system_events(kernel, "System")
    assert (added.event_type, added.event_source_id) == ("EventStoreAdded", "bank")
    assert json.loads(added.content) == {"eventStore": "bank"}


async def test_ensuring_again_adds_nothing(kernel: Kernel) -> None:
    stores = [await kernel.event_stores.ensure("bank") for _ in range(2)]
    assert stores[0] is stores[1]
    assert kernel.event_stores.names() == ["System", "bank"]
    assert len(await system_events(kernel, "System")) == 1
    assert await system_events(kernel, "bank") == ()


async def test_ensuring_completes_what_was_merely_asked_for(kernel: Kernel) -> None:
    store = await kernel.event_stores.get("bank")
    assert await kernel.event_stores.ensure("bank") is store
    assert store.namespaces() == ["Default"]
    assert store.event_types.knows("EventRevised")
    assert await system_events(kernel, "System") == ()


async def test_names_are_found_in_any_casing(kernel: Kernel) -> None:
    store = await kernel.event_stores.get("Bank")
    assert await kernel.event_stores.get("bANK") is store
    assert kernel.event_stores.names() == ["System", "Bank"]


@pytest.mark.parametrize("name", ["", "  ", "\t", "[NotSet]"])
async def test_names_that_no_event_store_can_have(kernel: Kernel, name: str) -> None:
    for refuse in (kernel.event_stores.get, kernel.event_stores.ensure):
        with pytest.raises(InvalidEventStoreName, match=r"^Invalid event store name '.*': ."):
            await refuse(name)
    assert kernel.event_stores.names() == ["System"]


async def test_many_at_once_make_one(kernel: Kernel) -> None:
    names = ["bank", "Bank", "BANK"]
    stores = await asyncio.gather(*(kernel.event_stores.get(name) for name in names))
    ensured = await asyncio.gather(*(kernel.event_stores.ensure(name) for name in ["shop", "Shop"]))
    namespaces = await asyncio.gather(*(stores[0].namespace(name) for name in ["a", "A", "a"]))
    assert len(set(stores)) == len(set(ensured)) == len(set(namespaces)) == 1
    assert kernel.event_stores.names() == ["System", "bank", "shop"]
    assert len(await system_events(kernel, "System")) == 1


async def test_a_namespace_comes_with_its_first_use(kernel: Kernel) -> None:
    store = await kernel.event_stores.get("bank")
    assert await store.existing_namespace("Oslo") is None
    namespace = await store.namespace("Oslo")
    assert store.namespaces() == ["Oslo"]
    assert await store.namespace("OSLO") is namespace
    assert await store.existing_namespace("oslo") is namespace
    assert (namespace.event_store, namespace.name) == ("bank", "Oslo")


async def test_the_first_casing_of_a_namespace_stays(kernel: Kernel) -> None:
    store = await kernel.event_stores.get("bank")
    await store.ensure_namespace("Oslo")
    await store.ensure_namespace("OSLO")
    assert store.namespaces() == ["Oslo"]


@pytest.mark.parametrize("name", ["", " ", "[NotSet]"])
async def test_names_that_no_namespace_can_have(kernel: Kernel, name: str) -> None:
    store = await kernel.event_stores.get("bank")
    with pytest.raises(InvalidNamespaceName, match=r"^Invalid namespace name '.*': ."):
        await store.namespace(name)
    assert store.namespaces() == []


async def test_a_sequence_is_one_object(kernel: Kernel) -> None:
    namespace = await (await kernel.event_stores.get("bank")).namespace("Default")
    assert namespace.event_sequence("event-log") is namespace.event_sequence("event-log")
    assert namespace.event_sequence("event-log") is not namespace.event_sequence("outbox")


async def test_additions_are_changes(kernel: Kernel) -> None:
    stores = kernel.event_stores
    before = stores.changes.revision
    store = await stores.ensure("bank")
    await stores.ensure("bank")
    assert stores.changes.revision == before + 1
    before = store.namespace_changes.revision
    await store.ensure_namespace("Oslo")
    await store.ensure_namespace("oslo")
    assert store.namespace_changes.revision == before + 1


async def test_a_caller_that_leaves_does_not_leave_memory_behind(kernel: Kernel) -> None:
    for name in ("bank", "shop"):
        caller = asyncio.ensure_future(kernel.event_stores.ensure(name))
        # It is under way: what it writes will be on the disk.
        await asyncio.sleep(0)
        caller.cancel()
    changes = kernel.event_stores.changes
    while "shop" not in kernel.event_stores.names():
        await changes.wait(changes.revision)
    assert set(kernel.event_stores.names()) == {"System", "bank", "shop"}


async def test_everything_is_there_after_a_restart(open_kernel: Callable[[], Awaitable[Kernel]]) -> None:
    first = await open_kernel()
    store = await first.event_stores.ensure("Bank")
    await store.ensure_namespace("Oslo")
    second = await open_kernel()
    assert second.event_stores.names() == ["System", "Bank"]
    store = await second.event_stores.ensure("bank")
    assert store.namespaces() == ["Default", "Oslo"]
    assert len(await system_events(second, "System")) == 1


async def test_a_start_completes_what_was_merely_asked_for(
    open_kernel: Callable[[], Awaitable[Kernel]],
) -> None:
    await (await open_kernel()).event_stores.get("bank")
    store = await (await open_kernel()).event_stores.get("bank")
    assert store.namespaces() == ["Default"]
    assert store.event_types.knows("EventTypeAdded")


async def test_nothing_is_opened_any_more_once_an_event_store_is_closed(kernel: Kernel) -> None:
    store = await kernel.event_stores.ensure("bank")
    await store.close()
    with pytest.raises(NotRunningError, match="closed"):
        await store.namespace("tenant")
    await store.register_kernel_owned()
    store.rewriting.start()
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert "chronicle-rewriting" not in names


async def test_closing_twice_is_closing_once() -> None:
    kernel = await Kernel.open()
    await kernel.close()
    await kernel.close()
