"""The registration of event types (events.md 3.2)."""

import json
from collections.abc import Awaitable, Callable

import pytest

from chronicle.kernel.errors import EventTypeSchemaChanged, MissingEventTypeMigrators, UnknownEventType
from chronicle.kernel.event_store import EventStore
from chronicle.kernel.event_types import EventTypeMigration, EventTypeRegistration
from chronicle.kernel.kernel import Kernel

OPENED = '{"type":"object","properties":{"owner":{"type":"string"}}}'
OPENED_2 = '{"type":"object","properties":{"holder":{"type":"string"}}}'
RENAMED = EventTypeMigration(1, 2, '{"holder":{"$rename":"owner"}}', '{"owner":{"$rename":"holder"}}')

opened = EventTypeRegistration("opened", 1, OPENED)
opened_2 = EventTypeRegistration(
    "opened", 2, OPENED_2, generations={1: OPENED, 2: OPENED_2}, migrations=(RENAMED,)
)


@pytest.fixture
async def store(kernel: Kernel) -> EventStore:
    return await kernel.event_stores.ensure("bank")


async def told(store: EventStore) -> list[tuple[str, str, int]]:
    """What the `system` sequence was told: event, event type, generation."""
    events = await (await store.namespace("Default")).event_sequence("system").read()
    contents = [(event.event_type, event.event_source_id, json.loads(event.content)) for event in events]
    assert [source for _, source, _ in contents] == [content["eventTypeId"] for _, _, content in contents]
    return [(event_type, source, content["generation"]) for event_type, source, content in contents]


async def test_what_is_registered_is_known(store: EventStore) -> None:
    await store.register_event_types([opened])
    assert store.event_types.knows("opened")
    assert store.event_types.generations("opened") == (1,)
    assert store.event_types.schema("opened", 1) == OPENED


async def test_what_is_not_registered_is_named_with_its_store(store: EventStore) -> None:
    assert not store.event_types.knows("closed")
    assert store.event_types.find("closed") is None
    for ask in (store.event_types.generations, store.event_types.get):
        with pytest.raises(
            UnknownEventType, match=r"^Event type 'closed' is unknown in the event store 'bank'$"
        ):
            ask("closed")


async def test_a_generation_that_is_not_registered_has_the_schema_of_the_first(store: EventStore) -> None:
    await store.register_event_types([opened_2])
    assert store.event_types.schema("opened", 7) == OPENED


async def test_a_new_event_type_is_told_with_its_lowest_generation(store: EventStore) -> None:
    await store.register_event_types([opened_2, EventTypeRegistration("closed", 1)])
    assert sorted(await told(store)) == [("EventTypeAdded", "closed", 1), ("EventTypeAdded", "opened", 1)]


async def test_a_new_generation_is_told(store: EventStore) -> None:
    await store.register_event_types([opened])
    await store.register_event_types([opened_2])
    assert await told(store) == [("EventTypeAdded", "opened", 1), ("EventTypeGenerationAdded", "opened", 2)]
    assert store.event_types.generations("opened") == (1, 2)


async def test_registering_again_tells_nothing_and_changes_nothing(store: EventStore) -> None:
    await store.register_event_types([opened_2])
    revision, before = store.event_types.changes.revision, await told(store)
    await store.register_event_types([opened_2])
    assert await told(store) == before
    assert store.event_types.changes.revision == revision


async def test_in_a_store_that_was_never_ensured_nothing_is_told(kernel: Kernel) -> None:
    store = await kernel.event_stores.get("shop")
    await store.register_event_types([opened])
    assert store.event_types.knows("opened")
    assert await told(store) == []


async def test_one_wrong_event_type_keeps_all_out(store: EventStore) -> None:
    with pytest.raises(MissingEventTypeMigrators):
        await store.register_event_types([opened, EventTypeRegistration("closed", 2)])
    assert not store.event_types.knows("opened")
    assert await told(store) == []


async def test_without_validation_schemas_may_change_and_migrations_be_missing(store: EventStore) -> None:
    changed = EventTypeRegistration("opened", 2, OPENED_2, generations={1: OPENED_2, 2: OPENED_2})
    await store.register_event_types([opened])
    await store.register_event_types([changed], validate=False)
    assert store.event_types.schema("opened", 1) == OPENED_2


async def test_generations_and_migrations_that_are_not_mentioned_stay(store: EventStore) -> None:
    await store.register_event_types([opened_2])
    await store.register_event_types([EventTypeRegistration("opened", 1, OPENED)])
    definition = store.event_types.get("opened")
    assert definition.generations == (1, 2)
    assert definition.latest == 2
    assert definition.migrations == (RENAMED,)


async def test_a_changed_schema_is_refused_and_the_stored_one_stays(store: EventStore) -> None:
    await store.register_event_types([opened_2])
    with pytest.raises(EventTypeSchemaChanged):
        await store.register_event_types([EventTypeRegistration("opened", 1, generations={1: OPENED_2})])
    assert store.event_types.schema("opened", 1) == OPENED


async def test_definitions_are_there_after_a_restart(open_kernel: Callable[[], Awaitable[Kernel]]) -> None:
    store = await (await open_kernel()).event_stores.ensure("bank")
    tombstone = EventTypeRegistration("erased", 1, tombstone=True)
    await store.register_event_types([opened_2, tombstone])
    await store.register_event_types([EventTypeRegistration("opened", 3, "{}")], validate=False)
    before = store.event_types.all()
    reopened = await (await open_kernel()).event_stores.get("bank")
    assert reopened.event_types.all() == before
    assert reopened.event_types.get("erased").tombstone
    assert reopened.event_types.get("opened").migrations == (RENAMED,)
    revision = reopened.event_types.changes.revision
    await reopened.register_event_types([opened_2, tombstone])
    assert reopened.event_types.changes.revision == revision
