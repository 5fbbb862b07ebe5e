"""Tenants: what happens in one namespace, event store or sequence is nothing to others (events.md 1, 2)."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import pytest
from pydantic import BaseModel

from chronicle import (
    Artifacts,
    ChronicleClient,
    ConcurrencyScope,
    ConstraintViolationError,
    EventContext,
    EventRedacted,
    EventStore,
    Identity,
    Pii,
    Seeds,
    StreamCompletedError,
    Unique,
    UnitOfWorkError,
    event_type,
    identity,
    reactor,
    reducer,
)
from chronicle.event_sequences.event_sequence import EventSequence
from chronicle.values import INBOX, OUTBOX, SYSTEM_SEQUENCE
from tests.waiting import eventually


@event_type("member-joined")
class MemberJoined(BaseModel):
    email: Annotated[str, Unique("email"), Pii("to write to them")]


@event_type("member-seen")
class MemberSeen(BaseModel):
    where: str = "here"


class Visits(BaseModel):
    number: int


@reducer(model=Visits, id="visits")
class VisitsReducer:
    def seen(self, event: MemberSeen, current: Visits | None) -> Visits:
        return Visits(number=1 + (current.number if current else 0))


Tenants = tuple[EventStore, EventStore]
OpenTenants = Callable[[Artifacts], Awaitable[Tenants]]

CLUB = Artifacts(event_types=[MemberJoined, MemberSeen], reducers=[VisitsReducer])
ADA, SEEN = MemberJoined(email="ada@example.org"), MemberSeen()


@pytest.fixture(params=["namespaces", "event stores"])
def open_tenants(request: pytest.FixtureRequest, client: ChronicleClient, store_name: str) -> OpenTenants:
    """Opens two places: namespaces of one event store, or event stores."""

    async def opened(artifacts: Artifacts) -> Tenants:
        if request.param == "namespaces":
            other = await client.event_store(store_name, "north", artifacts)
        else:
            other = await client.event_store(f"{store_name}-north", artifacts=artifacts)
        return await client.event_store(store_name, artifacts=artifacts), other

    return opened


@pytest.fixture
async def tenants(open_tenants: OpenTenants) -> Tenants:
    """Two places with the same artifacts."""
    return await open_tenants(CLUB)


async def test_events_have_numbers_of_their_own_and_are_not_seen_elsewhere(tenants: Tenants) -> None:
    south, north = (tenant.event_log for tenant in tenants)
    assert [(await log.append("ada", SEEN)).sequence_number for log in (south, south, north)] == [0, 1, 0]
    assert [await log.tail() for log in (south, north)] == [1, 0]
    assert [len(await log.events_for("ada")) for log in (south, north)] == [2, 1]
    await south.append("bob", SEEN)
    assert await south.has_events_for("bob")
    assert not await north.has_events_for("bob")
    assert [event.event_source_id async for event in north.read()] == ["ada"]
    assert [(await log.query()).total_count for log in (south, north)] == [3, 1]
    (context,) = [event.context for event in await north.events_from(0)]
    assert (context.event_store, context.namespace) == (tenants[1].name, tenants[1].namespace)


async def test_a_scope_is_not_broken_by_events_of_others(tenants: Tenants) -> None:
    south, north = (tenant.event_log for tenant in tenants)
    await north.append("ada", SEEN)
    none_yet = ConcurrencyScope.expect_none()
    assert (await south.append("ada", SEEN, concurrency=none_yet)).sequence_number == 0


async def test_values_are_unique_within_their_place(tenants: Tenants) -> None:
    for tenant in tenants:
        await tenant.event_log.append("ada", ADA)
        with pytest.raises(ConstraintViolationError):
            await tenant.event_log.append("impostor", ADA)


async def test_streams_are_completed_where_they_are(tenants: Tenants) -> None:
    south, north = (tenant.event_log for tenant in tenants)
    await south.complete_stream("year", "2025")
    with pytest.raises(ConstraintViolationError):
        await south.append("ada", SEEN, stream_type="year", stream_id="2025")
    await north.append("ada", SEEN, stream_type="year", stream_id="2025")
    await north.complete_stream("year", "2025")
    with pytest.raises(StreamCompletedError):
        await north.complete_stream("year", "2025")


async def test_redactions_and_revisions_stay_where_they_were_asked_for(tenants: Tenants) -> None:
    for tenant in tenants:
        await tenant.event_log.append_many("ada", [SEEN, SEEN])
    south, north = (tenant.event_log for tenant in tenants)
    await south.redact_for("ada", "gone")
    await north.revise(0, MemberSeen(where="there"))

    async def events(log: EventSequence) -> list[object]:
        return [event.event for event in await log.events_from(0)]

    await eventually(
        lambda: events(south), lambda found: all(isinstance(each, EventRedacted) for each in found)
    )
    await eventually(lambda: events(north), lambda found: found == [MemberSeen(where="there"), SEEN])
    for tenant in tenants:
        requests = await tenant.event_sequence(SYSTEM_SEQUENCE).events_for("event-log")
        assert len(requests) == 1


async def test_who_acted_is_known_where_they_acted(tenants: Tenants) -> None:
    south, north = tenants
    ada = Identity("ada-1", "Ada", "ada")
    for tenant in tenants:
        with identity(ada):
            await tenant.event_log.append("ada", SEEN)
    await north.identities.rename("ada-1", "Lady Lovelace")
    names = [(await tenant.event_log.events_from(0))[0].context.caused_by.name for tenant in (south, north)]
    assert names == ["Ada", "Lady Lovelace"]


async def test_handlers_are_given_events_of_their_place_and_models_keep_apart(
    open_tenants: OpenTenants,
) -> None:
    handled: list[tuple[str, str, int]] = []

    @reactor(id="greeter")
    def greet(event: MemberSeen, context: EventContext) -> None:
        handled.append((context.event_store, context.namespace, context.sequence_number))

    south, north = await open_tenants(CLUB + Artifacts(reactors=[greet]))
    for tenant, times in ((south, 2), (north, 1)):
        result = await tenant.event_log.append_many("ada", [SEEN] * times)
        assert (await tenant.event_log.wait_for_observers(result)).is_success
    assert sorted(handled) == sorted(
        [(south.name, south.namespace, 0), (south.name, south.namespace, 1), (north.name, north.namespace, 0)]
    )
    assert [await tenant.read_models.get(Visits, "ada") for tenant in (south, north)] == [
        Visits(number=2),
        Visits(number=1),
    ]
    assert [await tenant.read_models.all(Visits) for tenant in (south, north)] == [
        [Visits(number=2)],
        [Visits(number=1)],
    ]


async def test_a_unit_of_work_takes_nothing_for_another_place(tenants: Tenants) -> None:
    south, north = tenants
    async with south.unit_of_work() as unit:
        unit.append("ada", SEEN)
        with pytest.raises(UnitOfWorkError, match=north.namespace):
            north.event_log.transactional.append("ada", SEEN)
    assert [await tenant.event_log.tail() for tenant in tenants] == [0, None]


async def test_keys_are_deleted_in_their_namespace(client: ChronicleClient, store_name: str) -> None:
    subject = f"ada-of-{store_name}"
    tenants = [await client.event_store(store_name, namespace, CLUB) for namespace in ("south", "north")]
    for tenant in tenants:
        await tenant.event_log.append(subject, ADA)
    await tenants[0].compliance.delete_key(subject)
    emails = [(await tenant.event_log.events_for(subject))[0].event.email for tenant in tenants]
    assert emails == ["", "ada@example.org"]


async def test_what_is_seeded_for_one_namespace_is_not_in_others(
    client: ChronicleClient, store_name: str
) -> None:
    south, north = [await client.event_store(store_name, name, CLUB) for name in ("south", "north")]

    def fill(seeds: Seeds) -> None:
        seeds.for_namespace("north").for_source("ada", [SEEN])

    await south.seed(fill)
    assert [await tenant.event_log.tail() for tenant in (south, north)] == [None, 0]


@pytest.mark.parametrize("sequence", ["audit", OUTBOX, INBOX, f"{INBOX}-elsewhere", "any name / at all"])
async def test_a_sequence_of_any_name_has_all_that_the_event_log_has_for_itself(
    client: ChronicleClient, store_name: str, sequence: str
) -> None:
    store = await client.event_store(store_name, artifacts=CLUB)
    await store.event_log.append("ada", ADA)
    other = store.event_sequence(sequence)
    assert (await other.append("grace", ADA)).sequence_number == 0
    with pytest.raises(ConstraintViolationError):
        await other.append("impostor", ADA)
    async with store.unit_of_work():
        other.transactional.append("grace", SEEN)
    assert [event.event async for event in other.read()] == [ADA, SEEN]
    assert await store.event_log.tail() == 0
    await other.redact(1, "gone")
    await eventually(lambda: other.events_from(1), lambda events: isinstance(events[0].event, EventRedacted))


async def test_the_outbox_and_the_inboxes_are_sequences_by_their_names(
    client: ChronicleClient, store_name: str
) -> None:
    store = await client.event_store(store_name, artifacts=CLUB)
    assert await store.event_sequence_ids() == ["event-log", "outbox", "system"]
    assert (store.outbox.id, store.inbox("library").id) == ("outbox", "inbox-library")
    await store.outbox.append("ada", SEEN)
    await store.inbox("library").append("ada", SEEN)
    assert await store.event_log.tail() is None
    assert await store.event_sequence("outbox").tail() == 0
    assert await store.event_sequence("inbox-library").tail() == 0
    assert await store.event_sequence_ids() == ["event-log", "inbox-library", "outbox", "system"]


async def test_reducers_and_reactors_may_observe_any_sequence(
    client: ChronicleClient, store_name: str
) -> None:
    @reducer(model=Visits, id="of-the-outbox", event_sequence=OUTBOX)
    class OfTheOutbox:
        def seen(self, event: MemberSeen, current: Visits | None) -> Visits:
            return Visits(number=100)

    artifacts = Artifacts(event_types=[MemberSeen], reducers=[OfTheOutbox])
    store = await client.event_store(store_name, artifacts=artifacts)
    outbox = store.event_sequence(OUTBOX)
    await store.event_log.append("bob", SEEN)
    await outbox.wait_for_observers(await outbox.append("ada", SEEN))
    assert await store.read_models.get(Visits, "ada") == Visits(number=100)
    assert await store.read_models.get(Visits, "bob") is None
