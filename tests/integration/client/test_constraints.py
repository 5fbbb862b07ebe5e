"""Constraints from their declaration to the refusal that an application sees."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import pytest

from chronicle import (
    Artifacts,
    ChronicleClient,
    ConstraintBuilder,
    ConstraintType,
    ConstraintViolationError,
    EventFor,
    EventStore,
    Unique,
    constraint,
    event_type,
    removes_constraint,
    unique_event_type,
)


@event_type("user-registered")
@unique_event_type("registration")
@dataclass
class UserRegistered:
    email_address: Annotated[str, Unique("email", message="{PropertyValue} is taken.", ignore_casing=True)]
    city: str = ""
    street: str = ""


@event_type("user-moved")
@dataclass
class UserMoved:
    city: str
    street: str


@event_type("user-left")
@removes_constraint("email", "registration")
@dataclass
class UserLeft:
    reason: str = ""


@constraint
def address(c: ConstraintBuilder) -> None:
    c.unique().on(UserMoved, "city", "street")


USERS = Artifacts(event_types=[UserRegistered, UserLeft], constraints=[address])


@pytest.fixture
async def store() -> AsyncIterator[EventStore]:
    async with ChronicleClient("chronicle+embedded://:memory:") as client:
        yield await client.event_store("users", artifacts=USERS)


async def test_constraints_are_registered_with_the_rest(store: EventStore) -> None:
    assert store.registration.registered == ("event store", "event types", "constraints", "observers")


@pytest.mark.row("S42", "E75")
async def test_a_refusal_has_the_message_that_was_declared(store: EventStore) -> None:
    await store.event_log.append("a", UserRegistered("Ada@example.org"))
    with pytest.raises(ConstraintViolationError, match=r"aDA@example\.org is taken") as raised:
        await store.event_log.append("b", UserRegistered("aDA@example.org"))
    (violation,) = raised.value.violations
    assert violation.constraint_type is ConstraintType.UNIQUE
    assert (violation.constraint_name, violation.sequence_number) == ("email", 0)
    assert violation.details == {"PropertyName": "emailAddress", "PropertyValue": "aDA@example.org"}


@pytest.mark.row("S35", "S36")
async def test_so_has_that_of_a_batch_of_which_nothing_is_stored(store: EventStore) -> None:
    events = [EventFor(source, UserRegistered("ada@example.org")) for source in "ab"]
    result = await store.event_log.try_append_many(events)
    assert [one.message for one in result.constraint_violations] == ["ada@example.org is taken."]
    assert await store.event_log.tail() is None


@pytest.mark.row("S37", "S39")
async def test_what_a_mark_removes_is_free(store: EventStore) -> None:
    log = store.event_log
    await log.append("a", UserRegistered("ada"))
    again = await log.try_append("a", UserRegistered("ada"))
    assert [one.constraint_type for one in again.constraint_violations] == [ConstraintType.UNIQUE_EVENT_TYPE]
    await log.append("a", UserLeft())
    await log.append("b", UserRegistered("ada"))
    await log.append("a", UserRegistered("other"))


@pytest.mark.row("S41")
async def test_members_that_a_function_names_are_unique_together(store: EventStore) -> None:
    log = store.event_log
    await log.append("a", UserMoved("London", "High Street"))
    await log.append("b", UserMoved("London", "Low Street"))
    refused = await log.try_append("c", UserMoved("London", "High Street"))
    assert [one.details["PropertyName"] for one in refused.constraint_violations] == ["city", "street"]


async def test_a_unit_of_work_tells_of_them(store: EventStore) -> None:
    await store.event_log.append("a", UserRegistered("ada"))
    unit = store.begin_unit_of_work()
    unit.append("b", UserRegistered("ada"))
    with pytest.raises(ConstraintViolationError, match="ada is taken"):
        await unit.commit()
