"""The kernel's reaction to requests: in their order, once, and whatever stops it (events.md 10)."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chronicle.kernel.event_types import EventTypeRegistration
from chronicle.kernel.identities import SYSTEM
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.namespace import Namespace
from chronicle.kernel.observation import (
    ClientStream,
    ObservedEventType,
    Observer,
    ObserverDefinition,
    ObserverOwner,
    ObserverType,
    Subscription,
    Targets,
)
from chronicle.kernel.redaction import (
    OBSERVER_ID,
    RedactEvent,
    RedactEventSource,
    ReviseEvent,
    append_of,
    changes,
)
from chronicle.kernel.redaction.requests import EventTypeReference, Request
from chronicle.kernel.sequences import Append
from chronicle.kernel.storage import redaction as storage
from chronicle.kernel.storage.events import EventFilter, RevisedEvent, StoredEvent
from chronicle.values import EVENT_LOG, EVENT_REDACTED, NO_GUID, SYSTEM_SEQUENCE
from tests.integration.kernel.conftest import OpenKernel
from tests.integration.kernel.observation.conftest import AT_ONCE
from tests.integration.kernel.observation.scripted import event
from tests.waiting import eventually

STORE = "bank"


async def namespace_of(kernel: Kernel, name: str = "Default") -> Namespace:
    store = await kernel.event_stores.ensure(STORE)
    await store.event_types.register([EventTypeRegistration("happened", 1)], validate=False)
    return await store.namespace(name)


async def append(namespace: Namespace, *contents: str, sequence: str = EVENT_LOG) -> None:
    events = [event("source", content=content) for content in contents]
    outcome = await namespace.event_sequence(sequence).append(Append(events, (SYSTEM,)))
    assert outcome.is_success, outcome.errors


async def ask(namespace: Namespace, request: Request) -> None:
    request_append = append_of(request, correlation_id=NO_GUID.bytes, causation=b"", caused_by=(SYSTEM,))
    outcome = await namespace.event_sequence(SYSTEM_SEQUENCE).append(request_append)
    assert outcome.is_success, outcome.errors


async def redact(namespace: Namespace, number: int) -> None:
    await ask(namespace, RedactEvent(EVENT_LOG, number, "gone"))


async def revise(namespace: Namespace, number: int, content: str) -> None:
    await ask(namespace, ReviseEvent(EVENT_LOG, number, EventTypeReference("happened"), content))


async def become(namespace: Namespace, is_so: Callable[[StoredEvent], bool], number: int = 0) -> StoredEvent:
    """Waits until an event is as it should be, and gives it."""
    log = namespace.event_sequence(EVENT_LOG)

    async def look() -> bool:
        return is_so((await log.read(first=number, last=number))[0])

    await eventually(look)
    return (await log.read(first=number, last=number))[0]


def is_redacted(event: StoredEvent) -> bool:
    return event.event_type == EVENT_REDACTED


async def reactor_of(namespace: Namespace) -> Observer:
    return await namespace.observers.get(OBSERVER_ID)


async def is_through(namespace: Namespace) -> None:
    """Waits until the kernel has nothing left to do."""
    reactor = await reactor_of(namespace)

    async def look() -> bool:
        tail = await namespace.event_sequence(SYSTEM_SEQUENCE).tail()
        return tail is None or reactor.state.next_number > tail

    await eventually(look)


async def subscribe(namespace: Namespace, observer_id: str) -> Observer:
    """A reactor that was subscribed, and has gone."""
    definition = ObserverDefinition(
        observer_id,
        ObserverType.REACTOR,
        ObserverOwner.CLIENT,
        EVENT_LOG,
        (ObservedEventType("happened"),),
    )
    await namespace.store.observer_definitions.set(definition)
    observer = await namespace.observers.get(observer_id)
    stream, targets = ClientStream("client"), Targets()
    await observer.join(stream, Subscription(definition, targets, targets))
    observer.leave(stream)
    return observer


async def test_it_is_an_observer_like_others(kernel: Kernel) -> None:
    namespace = await namespace_of(kernel)
    await append(namespace, "{}")
    await redact(namespace, 0)
    await become(namespace, is_redacted)
    await is_through(namespace)
    definition = await namespace.store.observer_definitions.find(OBSERVER_ID)
    assert definition is not None
    assert definition.owner is ObserverOwner.KERNEL
    assert not definition.is_replayable
    reactor = await reactor_of(namespace)
    assert reactor.is_subscribed
    assert reactor.state.handled_count == 1


async def test_requests_that_wait_are_done_when_the_kernel_is_opened_again(
    open_kernel: OpenKernel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    namespace = await namespace_of(await open_kernel(), "tenant")
    await append(namespace, '{"n":1}', '{"n":2}')
    with monkeypatch.context() as patch:
        patch.setattr(storage, "event", full)
        await revise(namespace, 0, '{"n":3}')
        await redact(namespace, 1)
        reactor = await reactor_of(namespace)

        async def has_failed() -> bool:
            return len(reactor.state.failed) == 1

        await eventually(has_failed)
        kernel = await open_kernel()
        store = await kernel.event_stores.get(STORE)
        # It was opened for what is left to do there, and for nothing else.
        assert list(store._namespaces) == ["tenant"]
    assert "is full" in caplog.text
    await (await open_kernel()).close()
    namespace = await namespace_of(await open_kernel(), "tenant")
    assert (await become(namespace, lambda event: event.content == '{"n":3}')).number == 0
    await become(namespace, is_redacted, 1)


async def test_a_disk_that_was_full_is_tried_again_without_limit(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    left = 15
    find = storage.event

    def full_for_a_while(*arguments: Any) -> StoredEvent | None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise sqlite3.OperationalError("database or disk is full")
        return find(*arguments)

    async with await Kernel.open(observation=AT_ONCE) as kernel:
        namespace = await namespace_of(kernel)
        await append(namespace, "{}")
        monkeypatch.setattr(storage, "event", full_for_a_while)
        await redact(namespace, 0)
        await become(namespace, is_redacted)
        await is_through(namespace)
        assert not (await reactor_of(namespace)).state.failed


async def test_a_request_that_comes_again_changes_nothing(open_kernel: OpenKernel, tmp_path: Path) -> None:
    namespace = await namespace_of(await open_kernel())
    await append(namespace, '{"n":1}', '{"n":2}')
    await subscribe(namespace, "observer")
    await revise(namespace, 0, '{"n":3}')
    await redact(namespace, 1)
    await is_through(namespace)
    log = namespace.event_sequence(EVENT_LOG)
    before = await log.read()
    await (await open_kernel()).close()
    # As if the kernel had been killed after the changes, and before it could store where it is.
    with sqlite3.connect(tmp_path / "events.db") as connection:
        connection.execute("DELETE FROM partition_replays")
        connection.execute("UPDATE observer_states SET next_number = 0")
    connection.close()
    namespace = await namespace_of(await open_kernel())
    await is_through(namespace)
    after = await namespace.event_sequence(EVENT_LOG).read()
    assert after == before
    assert isinstance(after[0], RevisedEvent)
    assert len(after[0].revisions) == 1
    assert not (await namespace.observers.get("observer")).state.replays


async def test_what_has_to_be_replayed_is_noted_for_observers_that_nobody_is_subscribed_to(
    open_kernel: OpenKernel,
) -> None:
    namespace = await namespace_of(await open_kernel())
    await append(namespace, "{}")
    observer = await subscribe(namespace, "observer")
    await redact(namespace, 0)
    await is_through(namespace)
    assert observer.state.replays == {"source": 1}
    namespace = await namespace_of(await open_kernel())
    assert (await namespace.observers.get("observer")).state.replays == {"source": 1}


async def test_what_was_asked_for_and_not_granted_is_not_kept(kernel: Kernel) -> None:
    namespace = await namespace_of(kernel)
    await append(namespace, '{"n":1}')
    await ask(namespace, ReviseEvent(EVENT_LOG, 7, EventTypeReference("happened"), '{"n":"unknown"}'))
    await ask(namespace, ReviseEvent(EVENT_LOG, 0, EventTypeReference("other"), '{"n":"other"}'))
    await revise(namespace, 0, '{"n":2}')
    await is_through(namespace)
    requests = await namespace.event_sequence(SYSTEM_SEQUENCE).read(EventFilter(event_source_id=EVENT_LOG))
    assert [json.loads(one.content)["content"] for one in requests] == ["", "", '{"n":2}']
    await redact(namespace, 0)
    await revise(namespace, 0, '{"n":3}')
    await is_through(namespace)
    requests = await namespace.event_sequence(SYSTEM_SEQUENCE).read(EventFilter(event_source_id=EVENT_LOG))
    assert {json.loads(one.content).get("content", "") for one in requests} == {""}


async def test_a_source_with_many_events_is_redacted_a_few_at_a_time(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MOST_CHANGED", 3)
    namespace = await namespace_of(kernel)
    await namespace.store.event_types.register([EventTypeRegistration("ended", 1)], validate=False)
    kinds = ["happened", "ended", "ended", "happened", "ended", "ended", "ended", "ended", "happened"]
    log = namespace.event_sequence(EVENT_LOG)
    for kind in kinds:
        events = [event("source", type_=kind), event("other", type_=kind)]
        assert (await log.append(Append(events, (SYSTEM,)))).is_success
    types = (EventTypeReference("happened"),)
    await ask(namespace, RedactEventSource(EVENT_LOG, "source", types, "gone"))
    await is_through(namespace)
    of_source, of_other = [
        [one.event_type for one in await log.read(EventFilter(event_source_id=source))]
        for source in ("source", "other")
    ]
    assert of_source == [EVENT_REDACTED if kind == "happened" else kind for kind in kinds]
    assert of_other == kinds
    await ask(namespace, RedactEventSource(EVENT_LOG, "source", (), "gone"))
    await is_through(namespace)
    found = await log.read(EventFilter(event_source_id="source"))
    assert {one.event_type for one in found} == {EVENT_REDACTED}
    assert json.loads(found[1].content)["originalEventType"] == "ended"


@pytest.mark.parametrize(
    "content", ["{}", '{"sequence":"event-log","sequenceNumber":"x","reason":"r"}', '{"sequence":1}']
)
async def test_a_request_that_cannot_be_read_is_passed_over(
    kernel: Kernel, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    namespace = await namespace_of(kernel)
    # As content that does not fit is not appended, it has to have got there before it was checked.
    await append(namespace, "{}")
    await redact(namespace, 99)
    await is_through(namespace)
    number = await namespace.event_sequence(SYSTEM_SEQUENCE).tail()
    parameters = (content, number)
    job = "UPDATE events SET content = ? WHERE event_type = 'EventRedactionRequested' AND number = ?"
    await namespace._database.write(lambda connection: connection.execute(job, parameters).rowcount)
    found = (await namespace.event_sequence(SYSTEM_SEQUENCE).read(first=number or 0))[0]
    assert found.content == content
    await namespace._event_sequences_reactor._do(found)
    assert "is passed over" in caplog.text
    await redact(namespace, 0)
    await become(namespace, is_redacted)


async def test_a_revision_is_by_the_one_who_acted_first(kernel: Kernel) -> None:
    namespace = await namespace_of(kernel)
    await append(namespace, "{}")
    alice = SYSTEM._replace(subject="alice", user_name="alice")
    revision = ReviseEvent(EVENT_LOG, 0, EventTypeReference("happened"), '{"n":1}')
    request = append_of(revision, correlation_id=NO_GUID.bytes, causation=b"", caused_by=(alice, SYSTEM))
    await namespace.event_sequence(SYSTEM_SEQUENCE).append(request)
    event = await become(namespace, lambda event: event.content == '{"n":1}')
    assert isinstance(event, RevisedEvent)
    (revised,) = event.revisions
    assert namespace.identities.chain_of(revised.caused_by) == (alice,)


async def test_other_generations_of_an_event_go_with_it(kernel: Kernel) -> None:
    namespace = await namespace_of(kernel)
    await append(namespace, '{"n":2}')
    sql = [
        "UPDATE events SET generation = 2, hash = 'second' WHERE event_type = 'happened'",
        "INSERT INTO event_generations SELECT event_sequence_id, number, 1, '{\"n\":1}', 'first' FROM events "
        "WHERE event_type = 'happened'",
    ]
    await namespace._database.write(lambda connection: [connection.execute(one).rowcount for one in sql])
    await redact(namespace, 0)
    event = await become(namespace, is_redacted)
    assert type(event) is StoredEvent
    assert (event.generation, event.hash) == (1, "first")
    assert json.loads(event.content)["originalEventType"] == "happened"
