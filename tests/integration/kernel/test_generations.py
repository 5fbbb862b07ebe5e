"""Events in several generations: stored, read, delivered, and given new ones later (events.md 3.6)."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Sequence
from functools import partial

import pytest

from chronicle.kernel.event_store import EventStore
from chronicle.kernel.event_types import EventTypeMigration, EventTypeRegistration, rewriting
from chronicle.kernel.identities import SYSTEM
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.sequences import Append, EventSequence, EventToAppend
from chronicle.kernel.storage import event_stores, events, generations
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.events import GenerationalEvent, StoredEvent
from chronicle.kernel.storage.generations import GenerationContent
from tests.integration.kernel.conftest import OpenKernel

SCHEMAS = {
    number: json.dumps({"properties": {name: {"type": "string"}}})
    for number, name in enumerate(("a", "b", "c"), 1)
}


def step(lower: int, source: str, target: str) -> EventTypeMigration:
    upcast, downcast = {target: {"$rename": source}}, {source: {"$rename": target}}
    return EventTypeMigration(lower, lower + 1, json.dumps(upcast), json.dumps(downcast))


STEPS = (step(1, "a", "b"), step(2, "b", "c"))


def grown(latest: int) -> EventTypeRegistration:
    """The event type with so many generations; they have the properties `a`, `b`, `c`."""
    return EventTypeRegistration(
        "grown",
        latest,
        SCHEMAS[latest],
        generations={number: SCHEMAS[number] for number in range(1, latest + 1)},
        migrations=STEPS[: latest - 1],
    )


def appended(content: str, *, event_type: str = "grown", generation: int = 1) -> EventToAppend:
    return EventToAppend(
        "source", "Default", "All", "Default", event_type, generation, 0, bytes(16), b"", None, None, content
    )


def stored(number: int, generation: int, content: str, hash_: str = "") -> StoredEvent:
    return StoredEvent(
        number,
        "source",
        "Default",
        "All",
        "Default",
        "grown",
        generation,
        0,
        bytes(16),
        b"",
        "[]",
        None,
        None,
        content,
        hash_,
    )


def all_of(event: StoredEvent) -> dict[int, str]:
    """The content of an event by generation."""
    others = event.others if isinstance(event, GenerationalEvent) else ()
    return {event.generation: event.content, **{other.generation: other.content for other in others}}


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    """A database with an event sequence that has the row id 1."""
    database = await Database.open(None)
    await database.write(prepare)
    yield database
    await database.close()


def insert_and_read(connection: sqlite3.Connection, inserted: Sequence[StoredEvent]) -> list[StoredEvent]:
    events.insert(connection, 1, inserted)
    return list(events.read(connection, 1))


def prepare(connection: sqlite3.Connection) -> None:
    store = event_stores.ensure_event_store(connection, "bank")
    namespace = event_stores.ensure_namespace(connection, store.id, "Default")
    assert events.ensure_sequence(connection, namespace.id, "event-log") == 1


async def test_an_event_is_read_in_its_highest_generation_with_the_others_and_their_hashes(
    database: Database,
) -> None:
    first = GenerationContent(1, "{1}", "#1")
    third = GenerationContent(3, "{3}", "#3")
    event = GenerationalEvent.of(stored(1, 2, "{2}", "#2"), (first, third))
    plain, read = await database.write(partial(insert_and_read, inserted=[stored(0, 1, "{}"), event]))
    assert type(plain) is StoredEvent
    assert isinstance(read, GenerationalEvent)
    assert (read.generation, read.content, read.hash) == (3, "{3}", "#3")
    assert sorted(read.others) == [(1, "{1}", "#1"), (2, "{2}", "#2")]
    assert read.in_highest() is read


async def test_a_changed_event_keeps_its_generations() -> None:
    event = GenerationalEvent.of(stored(0, 1, "{1}"), (GenerationContent(2, "{2}", ""),))
    changed = event._replace(content="{}")
    assert type(changed) is GenerationalEvent
    assert changed.others == event.others


async def test_other_generations_of_events_of_the_first_are_not_looked_for(database: Database) -> None:
    asked: list[str] = []

    def read_traced(connection: sqlite3.Connection) -> None:
        insert_and_read(connection, [stored(0, 1, "{}")])
        connection.set_trace_callback(asked.append)
        events.read(connection, 1)
        connection.set_trace_callback(None)

    await database.write(read_traced)
    assert asked
    assert not [query for query in asked if "event_generations" in query]


async def test_removed_generations_are_gone(database: Database) -> None:
    event = GenerationalEvent.of(stored(0, 1, "{1}"), (GenerationContent(2, "{2}", ""),))
    await database.write(partial(insert_and_read, inserted=[event]))
    await database.write(partial(generations.remove, sequence=1, number=0))
    (read,) = await database.read(partial(events.read, sequence=1))
    assert all_of(read) == {2: "{2}"}


async def append(sequence: EventSequence, *content: EventToAppend) -> None:
    outcome = await sequence.append(Append(content, (SYSTEM,)))
    assert outcome.errors == ()


async def sequence_of(
    store: EventStore, namespace: str = "Default", name: str = "event-log"
) -> EventSequence:
    return (await store.namespace(namespace)).event_sequence(name)


@pytest.mark.row("E99")
async def test_stored_events_are_given_a_generation_that_comes_later(kernel: Kernel) -> None:
    store = await kernel.event_stores.ensure("bank")
    await store.register_event_types([grown(1), EventTypeRegistration("other", 1)])
    log = await sequence_of(store)
    await append(log, appended('{"a":"x"}'), appended("{}", event_type="other"))
    (before, _) = await log.read()
    await store.register_event_types([grown(2)])
    await store.rewriting.finished()
    read, other = await log.read()
    assert all_of(read) == {1: '{"a":"x"}', 2: '{"b":"x"}'}
    assert (read.generation, read.hash) == (2, "")
    assert isinstance(read, GenerationalEvent)
    assert read.others[0].hash == before.hash
    assert type(other) is StoredEvent


async def test_an_append_that_waits_while_a_generation_comes_is_stored_in_it(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await kernel.event_stores.ensure("bank")
    await store.register_event_types([grown(1)])
    log = await sequence_of(store)
    create = log._create
    registered = asyncio.Event()

    async def create_later() -> None:
        await registered.wait()
        await create()

    monkeypatch.setattr(log, "_create", create_later)
    appending = asyncio.create_task(append(log, appended('{"a":"x"}')))
    await store.register_event_types([grown(2)])
    await store.rewriting.finished()
    registered.set()
    await appending
    (read,) = await log.read()
    assert all_of(read) == {1: '{"a":"x"}', 2: '{"b":"x"}'}


async def test_a_generation_that_is_stored_stays_as_it_was_appended(kernel: Kernel) -> None:
    store = await kernel.event_stores.ensure("bank")
    await store.register_event_types([grown(1)])
    log = await sequence_of(store)
    await append(log, appended('{"a":"x"}'))
    # The way back to generation 1 would lose the value.
    lossy = EventTypeMigration(1, 2, STEPS[0].upcast, '{"a":{"$defaultValue":"lost"}}')
    await store.register_event_types(
        [EventTypeRegistration("grown", 2, SCHEMAS[2], generations={2: SCHEMAS[2]}, migrations=(lossy,))]
    )
    await store.register_event_types([grown(3)])
    await store.rewriting.finished()
    (read,) = await log.read()
    assert all_of(read) == {1: '{"a":"x"}', 2: '{"b":"x"}', 3: '{"c":"x"}'}


async def test_many_events_are_rewritten_in_several_jobs(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewriting, "MOST_CHANGED", 2)
    monkeypatch.setattr(rewriting, "RANGE", 3)
    store = await kernel.event_stores.ensure("bank")
    await store.register_event_types([grown(1), EventTypeRegistration("other", 1)])
    log = await sequence_of(store)
    types = ["grown", "grown", "grown", "other", "other", "other", "other", "grown"]
    await append(log, *[appended('{"a":"x"}' if one == "grown" else "{}", event_type=one) for one in types])
    await store.register_event_types([grown(2)])
    await store.rewriting.finished()
    assert [event.generation for event in await log.read()] == [2, 2, 2, 1, 1, 1, 1, 2]


async def test_only_the_event_log_of_the_default_namespace_is_rewritten(kernel: Kernel) -> None:
    store = await kernel.event_stores.ensure("bank")
    await store.register_event_types([grown(1)])
    elsewhere = [await sequence_of(store, name="private"), await sequence_of(store, "tenant")]
    for sequence in elsewhere:
        await append(sequence, appended('{"a":"x"}'))
    await store.register_event_types([grown(2)])
    await store.rewriting.finished()
    assert [(await sequence.read())[0].generation for sequence in elsewhere] == [1, 1]


async def test_an_event_that_does_not_go_through_stays_and_the_others_do_not_wait_for_it(
    kernel: Kernel, caplog: pytest.LogCaptureFixture
) -> None:
    store = await kernel.event_stores.ensure("bank")
    await store.register_event_types([EventTypeRegistration("grown", 1)])
    log = await sequence_of(store)
    await append(log, appended('{"a":5}'), appended('{"a":"x"}'))
    split = '{"b":{"$split":{"source":"a","separator":" ","part":0}}}'
    second = EventTypeRegistration(
        "grown", 2, generations={1: "{}", 2: SCHEMAS[2]}, migrations=(EventTypeMigration(1, 2, split, "{}"),)
    )
    await store.register_event_types([second])
    await store.rewriting.finished()
    assert [event.generation for event in await log.read()] == [1, 2]
    assert "1 events of type 'grown' stay in their generation" in caplog.text
    assert "The first is number 0" in caplog.text


async def test_what_keeps_its_generation_is_not_quoted_in_the_log(
    kernel: Kernel, caplog: pytest.LogCaptureFixture
) -> None:
    store = await kernel.event_stores.ensure("bank")
    await store.register_event_types([EventTypeRegistration("grown", 1)])
    await append(await sequence_of(store), appended('{"born":"Alice was born in May"}'))
    dated = json.dumps({"properties": {"born": {"type": "string", "format": "date"}}})
    second = EventTypeRegistration(
        "grown", 2, generations={1: "{}", 2: dated}, migrations=(EventTypeMigration(1, 2, "{}", "{}"),)
    )
    await store.register_event_types([second])
    await store.rewriting.finished()
    assert "1 events of type 'grown' stay in their generation" in caplog.text
    assert "Alice" not in caplog.text


def marked(*names: str) -> str:
    """A schema with a text, a date and an integer, those of these names marked as personal."""
    mark = {"compliance": [{"metadataType": "PII", "details": ""}]}
    kinds: dict[str, dict[str, object]] = {
        "name": {"type": "string"},
        "born": {"type": "string", "format": "date"},
        "age": {"type": "integer", "format": "int32"},
    }
    return json.dumps({"properties": {n: kind | (mark if n in names else {}) for n, kind in kinds.items()}})


@pytest.mark.parametrize("generation", [1, 2])
async def test_what_a_later_generation_marks_is_encrypted_in_all_and_readable_in_all(
    kernel: Kernel, generation: int
) -> None:
    store = await kernel.event_stores.ensure("bank")
    schemas = {1: marked(), 2: marked("name", "born", "age")}
    await store.register_event_types(
        [
            EventTypeRegistration(
                "grown", 2, generations=schemas, migrations=(EventTypeMigration(1, 2, "{}", "{}"),)
            )
        ]
    )
    log, content = await sequence_of(store), {"name": "Alice", "born": "1984-02-29", "age": 41}
    await append(log, appended(json.dumps(content), generation=generation))
    (event,) = found = await log.read()
    assert isinstance(event, GenerationalEvent)
    for text in (event.content, *(other.content for other in event.others)):
        assert set(json.loads(text)) == set(content)
        assert "Alice" not in text
        assert "1984" not in text
    compliance = (await store.namespace("Default")).compliance
    released = await compliance.release_events(found, store.event_types)
    assert released.contents is not None
    assert json.loads(released.contents[0]) == content
    (readable,) = released.events
    assert isinstance(readable, GenerationalEvent)
    assert [json.loads(other.content) for other in readable.others] == [content]


async def test_a_later_mark_makes_nothing_fail_in_a_generation_without_it(kernel: Kernel) -> None:
    store = await kernel.event_stores.ensure("bank")
    await store.register_event_types(
        [
            EventTypeRegistration(
                "grown",
                2,
                generations={1: marked(), 2: marked("name")},
                migrations=(EventTypeMigration(1, 2, "{}", "{}"),),
            )
        ]
    )
    undeclared = '{"name":"Alice","born":"1984-02-29","age":41,"other":"x"}'
    log = await sequence_of(store)
    await append(log, appended(undeclared, generation=1))
    outcome = await log.append(Append([appended(undeclared, generation=2)], (SYSTEM,)))
    assert "'other'" in outcome.errors[0]


async def test_rewriting_that_was_interrupted_goes_on_with_the_next_start(
    open_kernel: OpenKernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = await open_kernel()
    store = await kernel.event_stores.ensure("bank")
    await store.register_event_types([grown(1)])
    await append(await sequence_of(store), appended('{"a":"x"}'))
    monkeypatch.setattr(rewriting.Rewriting, "start", lambda _: None)
    await store.register_event_types([grown(2)])
    monkeypatch.undo()
    store = await (await open_kernel()).event_stores.get("bank")
    await store.rewriting.finished()
    (read,) = await (await sequence_of(store)).read()
    assert all_of(read) == {1: '{"a":"x"}', 2: '{"b":"x"}'}


async def test_what_was_rewritten_is_not_looked_at_again(open_kernel: OpenKernel) -> None:
    store = await (await open_kernel()).event_stores.ensure("bank")
    for latest in (1, 2):
        await store.register_event_types([grown(latest)])
        await store.rewriting.finished()
    assert await store._database.read(generations.event_stores_to_rewrite) == frozenset()


async def test_a_schema_that_says_nothing_leaves_the_stored_one_as_it_is(kernel: Kernel) -> None:
    store = await kernel.event_stores.ensure("bank")
    await store.register_event_types([grown(1)])
    only_latest = EventTypeRegistration(
        "grown", 2, SCHEMAS[2], generations={1: "{}", 2: SCHEMAS[2]}, migrations=STEPS[:1]
    )
    await store.register_event_types([only_latest])
    assert store.event_types.schema("grown", 1) == SCHEMAS[1]
