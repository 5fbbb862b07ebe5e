"""Unique values: who may have which, as the kernel enforces it (events.md 7.2, 7.4)."""

import asyncio
from typing import Any

import pytest

from chronicle.kernel.constraints import (
    ConstraintScope,
    ConstraintType,
    ConstraintViolation,
    UniqueConstraint,
    UniqueProperties,
)
from chronicle.kernel.kernel import Kernel
from tests.integration.kernel.constraints.events import Event, Log, open_store

EMAIL = UniqueConstraint(
    "email",
    (UniqueProperties("registered", ("email",)), UniqueProperties("moved", ("newEmail",))),
    removed_with=("left", "banned"),
)
ACCEPTED: list[Any] = []


@pytest.fixture
async def log(kernel: Kernel) -> Log:
    return Log(await open_store(kernel, EMAIL))


def taken(event_type: str, member: str, value: str, number: int | None) -> ConstraintViolation:
    at = 2**64 - 1 if number is None else number
    return ConstraintViolation(
        event_type,
        ConstraintType.UNIQUE,
        "email",
        f"Event '{event_type}' on member '{member}' violated a unique constraint on sequence number {at}",
        number,
        {"PropertyName": member, "PropertyValue": value},
    )


@pytest.mark.row("E47", "E58", "E159")
async def test_a_value_belongs_to_one_source(log: Log) -> None:
    await log.append("other", "noted")
    assert await log.append("a", "registered", email="x@y") == ACCEPTED
    assert await log.append("b", "registered", email="x@y") == [taken("registered", "email", "x@y", 1)]
    assert await log.append("b", "registered", email="X@y") == ACCEPTED
    assert await log.tail() == 2


@pytest.mark.row("E48")
async def test_its_own_source_may_have_it_again(log: Log) -> None:
    await log.append("a", "registered", email="x")
    assert await log.append("a", "registered", email="x") == ACCEPTED
    assert await log.append("b", "registered", email="x") == [taken("registered", "email", "x", 1)]


@pytest.mark.row("E57")
async def test_values_are_the_same_whichever_event_type_and_property_has_them(log: Log) -> None:
    await log.append("a", "registered", email="x")
    assert await log.append("b", "moved", newEmail="x") == [taken("moved", "newEmail", "x", 0)]


@pytest.mark.row("E52")
async def test_a_source_that_takes_another_value_gives_its_old_one_free(log: Log) -> None:
    await log.append("a", "registered", email="x")
    await log.append("a", "moved", newEmail="y")
    assert await log.append("b", "registered", email="y") == [taken("registered", "email", "y", 1)]
    assert await log.append("b", "registered", email="x") == ACCEPTED
    assert await log.append("a", "moved", newEmail="x") == [taken("moved", "newEmail", "x", 2)]


@pytest.mark.row("E53", "E54", "E55")
@pytest.mark.parametrize("removal", ["left", "banned"])
async def test_each_removal_event_of_the_holder_releases_its_value(log: Log, removal: str) -> None:
    await log.append("a", "registered", email="x")
    await log.append("c", removal)
    assert await log.append("b", "registered", email="x")
    await log.append("a", removal)
    assert await log.append("b", "registered", email="x") == ACCEPTED
    assert await log.append("a", "registered", email="x") == [taken("registered", "email", "x", 3)]


@pytest.mark.row("E51")
async def test_null_is_no_value(log: Log) -> None:
    assert await log.append("a", "registered", email=None) == ACCEPTED
    assert await log.append("b", "registered") == ACCEPTED
    assert await log.append("a", "registered", email="") == ACCEPTED
    assert await log.append("b", "registered", email="") == [taken("registered", "email", "", 2)]


async def test_a_source_whose_value_becomes_null_gives_it_free(log: Log) -> None:
    for source in ("a", "b"):
        await log.append(source, "registered", email=source)
        await log.append(source, "moved", newEmail=None)
    assert await log.append("c", "registered", email="a") == ACCEPTED
    assert await log.append("d", "registered", email="b") == ACCEPTED


@pytest.mark.row("E59")
async def test_of_concurrent_appends_of_a_value_one_succeeds(log: Log) -> None:
    refused = await asyncio.gather(*(log.append(f"s{n}", "registered", email="x") for n in range(50)))
    assert refused.count([]) == 1
    assert await log.tail() == 0


async def test_appends_that_share_a_job_see_each_others_events(log: Log) -> None:
    refused = await asyncio.gather(
        log.append("a", "registered", email="x"),
        log.append("b", "registered", email="x"),
        log.append("a", "left"),
        log.append("b", "registered", email="x"),
        log.append("b", "moved", newEmail="y"),
        log.append("c", "registered", email="x"),
    )
    assert [len(violations) for violations in refused] == [0, 1, 0, 0, 0, 0]


@pytest.mark.row("E153")
async def test_sequences_and_namespaces_are_apart(log: Log) -> None:
    await log.append("a", "registered", email="x")
    for other in (Log(log.store, "north"), Log(log.store, sequence="second")):
        assert await other.append("b", "registered", email="x") == ACCEPTED
        assert await other.append("c", "registered", email="x") == [taken("registered", "email", "x", 0)]


async def test_what_was_refused_holds_nothing(log: Log) -> None:
    await log.append("a", "registered", email="x")
    await log.append_many(Event("b", "registered", {"email": "y"}), Event("b", "registered", {"email": "x"}))
    assert await log.append("c", "registered", email="y") == ACCEPTED


class TestBatches:
    @pytest.mark.row("E60")
    async def test_a_value_that_two_sources_want_belongs_to_the_first(self, log: Log) -> None:
        refused = await log.append_many(
            Event("a", "registered", {"email": "x"}), Event("b", "moved", {"newEmail": "x"})
        )
        assert refused == [taken("moved", "newEmail", "x", None)]
        assert await log.tail() is None

    @pytest.mark.row("E61")
    async def test_wherever_in_the_batch_they_are(self, log: Log) -> None:
        events = [Event(source, "registered", {"email": email}) for source, email in ("ax", "by", "cy")]
        assert await log.append_many(*events) == [taken("registered", "email", "y", None)]
        assert await log.tail() is None

    @pytest.mark.row("E62", "E158")
    async def test_all_violations_are_told_in_order_and_nothing_is_stored(self, log: Log) -> None:
        await log.append_many(
            Event("a", "registered", {"email": "x"}), Event("b", "registered", {"email": "y"})
        )
        refused = await log.append_many(
            Event("c", "registered", {"email": "y"}),
            Event("c", "registered", {"email": "free"}),
            Event("c", "moved", {"newEmail": "x"}),
        )
        assert refused == [taken("registered", "email", "y", 1), taken("moved", "newEmail", "x", 0)]
        assert await log.tail() == 1

    @pytest.mark.row("E63")
    async def test_distinct_values_are_held_by_their_own_events(self, log: Log) -> None:
        await log.append_many(*(Event(source, "registered", {"email": source}) for source in "abc"))
        for number, source in enumerate("abc"):
            refused = await log.append("d", "registered", email=source)
            assert refused == [taken("registered", "email", source, number)]

    @pytest.mark.row("E64")
    async def test_what_is_released_or_left_in_a_batch_is_free_only_after_it(self, log: Log) -> None:
        await log.append("a", "registered", email="x")
        for release in (Event("a", "left"), Event("a", "moved", {"newEmail": "y"})):
            refused = await log.append_many(release, Event("b", "registered", {"email": "x"}))
            assert refused == [taken("registered", "email", "x", 0)]
        # Claimed and left again within the batch: the index never knew of it.
        refused = await log.append_many(
            Event("c", "registered", {"email": "z"}),
            Event("c", "left"),
            Event("d", "registered", {"email": "z"}),
        )
        assert refused == [taken("registered", "email", "z", None)]

    async def test_who_has_given_a_value_up_does_not_stand_in_its_own_way(self, log: Log) -> None:
        await log.append_many(Event("a", "registered", {"email": "x"}), Event("a", "left"))
        refused = await log.append_many(
            Event("b", "registered", {"email": "x"}), Event("a", "registered", {"email": "x"})
        )
        assert refused == [taken("registered", "email", "x", None)]

    async def test_a_source_may_change_its_mind_in_a_batch(self, log: Log) -> None:
        assert not await log.append_many(
            Event("a", "registered", {"email": "x"}),
            Event("a", "moved", {"newEmail": "y"}),
            Event("a", "moved", {"newEmail": "x"}),
        )
        assert await log.append("b", "registered", email="y") == ACCEPTED
        assert await log.append("b", "registered", email="x") == [taken("registered", "email", "x", 2)]


class TestSeveralProperties:
    @pytest.fixture
    async def log(self, kernel: Kernel) -> Log:
        place = UniqueProperties("registered", ("address.street", "address.number"))
        return Log(await open_store(kernel, UniqueConstraint("place", (place,))))

    @pytest.mark.row("E49", "E50", "S41")
    async def test_all_of_them_together_are_the_value(self, log: Log) -> None:
        await log.append("a", "registered", address={"street": "High", "number": 1})
        assert await log.append("b", "registered", address={"street": "High", "number": 2}) == ACCEPTED
        assert await log.append("c", "registered", address={"street": "Low", "number": 1}) == ACCEPTED
        refused = await log.append("d", "registered", address={"street": "High", "number": 1})
        assert [one.number for one in refused] == [0, 0]
        assert [dict(one.details) for one in refused] == [
            {"PropertyName": "address.street", "PropertyValue": "High"},
            {"PropertyName": "address.number", "PropertyValue": "1"},
        ]

    @pytest.mark.row("E159")
    async def test_those_without_a_value_are_left_out(self, log: Log) -> None:
        await log.append("a", "registered", address={"street": "High"})
        (refused,) = await log.append("b", "registered", address={"street": "High", "number": None})
        assert refused.details["PropertyName"] == "address.street"
        # A path that leads nowhere has no value either.
        nowhere: list[Any] = [None, "High", []]
        for address in nowhere:
            assert await log.append("c", "registered", address=address) == ACCEPTED


@pytest.mark.row("E56")
async def test_casing_is_ignored_when_the_constraint_says_so(kernel: Kernel) -> None:
    ignoring = UniqueConstraint("email", (UniqueProperties("registered", ("email",)),), ignore_casing=True)
    log = Log(await open_store(kernel, ignoring))
    await log.append("a", "registered", email="Ada@Example.org")
    assert await log.append("b", "registered", email="aDA@example.ORG") == [
        taken("registered", "email", "aDA@example.ORG", 0)
    ]


class TestScopes:
    async def scoped(self, kernel: Kernel, **dimensions: str) -> Log:
        constraint = UniqueConstraint(
            "email",
            (UniqueProperties("registered", ("email",)),),
            removed_with=("left",),
            scope=ConstraintScope(**dimensions),
        )
        return Log(await open_store(kernel, constraint))

    @pytest.mark.row("E65", "S40")
    async def test_a_value_is_unique_among_events_of_its_source_type(self, kernel: Kernel) -> None:
        log = await self.scoped(kernel, event_source_type="_scoped_")

        def registered(source: str, source_type: str, stream_id: str = "Default") -> Event:
            return Event(source, "registered", {"email": "x"}, source_type=source_type, stream_id=stream_id)

        assert await log.append_many(registered("a", "Person"), registered("b", "Company")) == ACCEPTED
        assert await log.append_many(registered("c", "Person", "s")) == [taken("registered", "email", "x", 0)]
        assert await log.append_many(registered("c", "Robot")) == ACCEPTED

    @pytest.mark.row("E154")
    async def test_streams_are_apart_and_so_are_their_removals(self, kernel: Kernel) -> None:
        log = await self.scoped(kernel, event_stream_type="_scoped_", event_stream_id="_scoped_")

        def in_stream(event_type: str, source: str, stream_id: str) -> Event:
            content = {"email": "x"} if event_type == "registered" else {}
            return Event(source, event_type, content, stream_type="Years", stream_id=stream_id)

        await log.append_many(in_stream("registered", "a", "1"))
        assert await log.append_many(in_stream("registered", "b", "2")) == ACCEPTED
        await log.append_many(in_stream("left", "a", "2"))
        assert await log.append_many(in_stream("registered", "c", "1")) == [
            taken("registered", "email", "x", 0)
        ]
        await log.append_many(in_stream("left", "a", "1"))
        assert await log.append_many(in_stream("registered", "c", "1")) == ACCEPTED


async def test_several_constraints_are_all_reported(kernel: Kernel) -> None:
    phone = UniqueConstraint("phone", (UniqueProperties("registered", ("phone",)),))
    log = Log(await open_store(kernel, EMAIL, phone))
    await log.append("a", "registered", email="x", phone="1")
    refused = await log.append("b", "registered", email="x", phone="1")
    assert [one.constraint_name for one in refused] == ["email", "phone"]


async def test_who_holds_a_value_is_found_among_any_number_of_events(log: Log) -> None:
    await log.append("a", "registered", email="x")
    await log.append_many(*(Event("a", "noted") for _ in range(1_500)))
    for _ in range(2):
        assert await log.append("b", "registered", email="x") == [taken("registered", "email", "x", 0)]
    await log.append("a", "moved", newEmail="y")
    assert await log.append("b", "registered", email="x") == ACCEPTED


async def test_an_event_type_that_is_covered_and_releases_takes_its_value(kernel: Kernel) -> None:
    both = UniqueConstraint(
        "email", (UniqueProperties("registered", ("email",)),), removed_with=("registered",)
    )
    log = Log(await open_store(kernel, both))
    await log.append("a", "registered", email="x")
    assert await log.append("b", "registered", email="x")
    await log.append("a", "registered", email="y")
    assert await log.append("b", "registered", email="x") == ACCEPTED
