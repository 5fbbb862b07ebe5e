"""Registration: in order, until it succeeds, with an outcome that can be waited for (connection.md 5.5)."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from chronicle.errors import KernelError, NotConnectedError, RegistrationError
from chronicle.events.event_types import EventTypes, event_type
from chronicle.events.migrations import MigrationBuilder, Migrations, migration
from chronicle.registration import (
    Registration,
    Step,
    register_event_types_request,
    registration_delay,
)

LONG = timedelta(seconds=30)
SHORT = timedelta(milliseconds=10)


class Kernel:
    """Keeps what is done, and fails as often as told."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.failures: dict[str, list[Exception]] = {}

    def step(self, what: str) -> Step:
        async def register(connection_id: str) -> None:
            self.do(what)

        return Step(what, register)

    async def start(self, connection_id: str) -> None:
        self.do(f"start {connection_id}")

    async def stop(self, timeout: float) -> None:
        self.done.append("stop")

    def do(self, what: str) -> None:
        self.done.append(what)
        if failures := self.failures.get(what):
            raise failures.pop(0)


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


def make(kernel: Kernel, delay: Callable[[int], float] = lambda failures: 0) -> Registration:
    return Registration("Event store 'bank'", [kernel.step("a"), kernel.step("b")], kernel, delay=delay)


@pytest.mark.row("C115", "S23")
async def test_steps_run_in_order_and_observers_last(kernel: Kernel) -> None:
    registration = make(kernel)
    await registration.connected("id-1")
    assert kernel.done == ["stop", "a", "b", "start id-1"]
    outcome = await registration.wait(LONG)
    assert outcome.is_success
    assert outcome.registered == ("a", "b", "observers")


async def test_what_comes_afterwards_runs_when_the_observers_have_started(kernel: Kernel) -> None:
    registration = Registration("bank", [kernel.step("a")], kernel, afterwards=[kernel.step("seeds")])
    await registration.connected("id-1")
    assert kernel.done == ["stop", "a", "start id-1", "seeds"]
    assert registration.outcome.registered == ("a", "observers", "seeds")


async def test_before_the_first_run_there_is_no_outcome(kernel: Kernel) -> None:
    outcome = make(kernel).outcome
    assert not outcome.has_run
    assert not outcome.is_success


@pytest.mark.row("S22", "S154", "C117")
async def test_a_refusal_is_tried_again_from_the_beginning_after_a_growing_delay(kernel: Kernel) -> None:
    delays: list[int] = []

    def delay(failures: int) -> float:
        delays.append(failures)
        return 0

    kernel.failures = {
        "b": [KernelError("no"), KernelError("no")],
        "start id": [RegistrationError("not yet")],
    }
    registration = make(kernel, delay)
    await registration.connected("id")
    assert delays == [1, 2, 3]
    assert kernel.done == [*["stop", "a", "b"] * 3, "start id", "stop", "a", "b", "start id"]
    assert registration.outcome.is_success


@pytest.mark.row("S28", "C119", "C120")
async def test_waiting_ends_with_the_refusal_and_what_was_registered(kernel: Kernel) -> None:
    kernel.failures = {"b": [KernelError("schema changed")] * 2}
    registration = make(kernel, lambda failures: 3600)
    running = asyncio.create_task(registration.connected("id"))
    outcome = await registration.wait(LONG)
    running.cancel()
    assert outcome.has_run
    assert not outcome.is_success
    assert outcome.registered == ("a",)
    assert "registering b failed. schema changed" in str(outcome.failure)
    assert isinstance(outcome.failure and outcome.failure.__cause__, KernelError)


@pytest.mark.row("S155", "C120")
async def test_waiting_for_what_never_runs_times_out_and_says_where_it_hangs(kernel: Kernel) -> None:
    kernel.failures = {"a": [NotConnectedError("No Chronicle kernel answers.")]}
    registration = make(kernel, lambda failures: 3600)
    with pytest.raises(RegistrationError, match=r"within 0\.01 s"):
        await registration.wait(SHORT)
    running = asyncio.create_task(registration.connected("id"))
    # A kernel that does not answer has refused nothing.
    with pytest.raises(RegistrationError, match="No Chronicle kernel answers"):
        await registration.wait(SHORT)
    running.cancel()
    assert not registration.outcome.has_run


async def test_any_failure_ends_in_an_outcome_not_in_a_hang(kernel: Kernel) -> None:
    kernel.failures = {"a": [ZeroDivisionError("a fault of ours")]}
    registration = make(kernel, lambda failures: 3600)
    running = asyncio.create_task(registration.connected("id"))
    assert "a fault of ours" in str((await registration.wait(LONG)).failure)
    running.cancel()


@pytest.mark.row("S25")
async def test_a_reconnect_registers_everything_under_the_new_id(kernel: Kernel) -> None:
    registration = make(kernel)
    await registration.connected("id-1")
    await registration.disconnected()
    assert kernel.done[-1] == "stop"
    await registration.connected("id-2")
    assert kernel.done[-4:] == ["stop", "a", "b", "start id-2"]


@pytest.mark.row("S154", "C117")
def test_delays_double_up_to_a_minute() -> None:
    for failures, ceiling in [(1, 1), (2, 2), (4, 8), (7, 60), (10_000, 60)]:
        assert ceiling / 2 <= registration_delay(failures) <= ceiling


@pytest.mark.row("E104")
def test_all_generations_of_an_event_type_are_one_registration_with_the_latest_on_top() -> None:
    @event_type("opened")
    @dataclass
    class First:
        owner: str

    @event_type("opened", generation=2)
    @dataclass
    class Second:
        owner: str
        since: int

    @event_type("closed")
    @dataclass
    class Closed:
        reason: str

    request = register_event_types_request(EventTypes([Second, Closed, First]), "bank")
    opened, closed = request.Types
    assert request.EventStore == "bank"
    assert request.DisableValidation is False
    assert (opened.Type.Id, opened.Type.Generation) == ("opened", 2)
    assert [one.Generation for one in opened.Generations] == [1, 2]
    assert opened.Schema == opened.Generations[1].Schema
    assert set(json.loads(opened.Generations[0].Schema)["properties"]) == {"owner"}
    assert (closed.Type.Id, [one.Generation for one in closed.Generations]) == ("closed", [1])


def test_a_class_may_be_renamed_without_a_change_of_what_is_registered() -> None:
    @event_type("opened")
    @dataclass
    class Before:
        owner: str

    @event_type("opened")
    @dataclass
    class After:
        owner: str

    before, after = (register_event_types_request(EventTypes([one]), "bank") for one in (Before, After))
    assert before == after


@pytest.mark.row("E104")
def test_migrations_are_registered_with_their_event_type_and_the_generations_that_only_they_know() -> None:
    @event_type("opened", generation=3)
    @dataclass
    class Opened:
        held_by: str

    @migration(Opened, from_=2)
    class Held:
        def upcast(self, to: MigrationBuilder) -> None:
            to.rename("owned_by", "held_by")

    @migration("opened", from_=1)
    class Owned:
        def downcast(self, to: MigrationBuilder) -> None:
            to.default("since", 2020)

    (opened,) = register_event_types_request(EventTypes([Opened]), "bank", Migrations([Held, Owned])).Types
    assert opened.Type.Generation == 3
    assert [one.Schema == "{}" for one in opened.Generations] == [True, True, False]
    first, second = opened.Migrations
    assert (first.FromGeneration, first.ToGeneration) == (1, 2)
    assert (first.UpcastJmesPath, json.loads(first.DowncastJmesPath)) == (
        "{}",
        {"since": {"$defaultValue": 2020}},
    )
    assert json.loads(second.UpcastJmesPath) == {"heldBy": {"$rename": "ownedBy"}}
