"""`@event_type`, and the registry of an application's event types (events.md 3)."""

from abc import ABC
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel, RootModel

from chronicle.errors import (
    DeclarationError,
    DuplicateEventTypeError,
    UnknownEventTypeError,
    UnsupportedTypeError,
)
from chronicle.events.event_types import EventTypes, event_type, event_type_of, is_event_type
from chronicle.serialization import as_declared


@event_type
class Opened(BaseModel):
    owner_name: str


@event_type("funds-deposited", tags=("money",))
@dataclass
class Deposited:
    amount: int


@event_type("funds-deposited", generation=2)
@dataclass(frozen=True, slots=True)
class DepositedWithCurrency:
    amount: Decimal
    currency: str


@event_type()
class Closed(msgspec.Struct):
    pass


class OpenedByBank(Opened):
    bank: str


class Text(RootModel[str]): ...


class NoEvent: ...


def test_without_an_id_the_class_name_is_the_id() -> None:
    for type_ in (Opened, Closed):
        declaration = event_type_of(type_)
        assert (declaration.id, declaration.generation, declaration.tags) == (type_.__name__, 1, ())


def test_id_generation_and_tags_are_those_given() -> None:
    declaration = event_type_of(Deposited)
    assert (declaration.id, declaration.generation, declaration.tags) == ("funds-deposited", 1, ("money",))
    assert declaration.type is Deposited
    assert str(event_type_of(DepositedWithCurrency)) == "funds-deposited+2"


def test_an_event_tells_its_type_as_its_class_does() -> None:
    assert event_type_of(Deposited(1)) is event_type_of(Deposited)
    assert event_type_of(Closed()) is event_type_of(Closed)
    assert event_type_of(Opened(owner_name="a")) is event_type_of(Opened)


def test_a_subclass_is_no_event_type_until_it_is_decorated() -> None:
    assert not is_event_type(OpenedByBank)
    with pytest.raises(
        UnknownEventTypeError, match=r"OpenedByBank is no event type, although its base .*Opened"
    ):
        event_type_of(OpenedByBank)

    decorated = event_type("opened-by-bank")(OpenedByBank)
    try:
        assert event_type_of(decorated).id == "opened-by-bank"
    finally:
        delattr(OpenedByBank, "__chronicle_event_type__")


@pytest.mark.parametrize(
    "thing",
    [NoEvent, NoEvent(), 42, "text", None, list[int]],
    ids=["class", "object", "number", "text", "none", "generic"],
)
def test_what_is_no_event_type_is_refused(thing: object) -> None:
    assert not is_event_type(thing)
    with pytest.raises(UnknownEventTypeError, match="Put @event_type above the class"):
        event_type_of(thing)


@pytest.mark.parametrize("target", [NoEvent, Text, int, type("Abstract", (ABC,), {})], ids=repr)
def test_a_class_that_is_no_model_is_refused_when_declared(target: type) -> None:
    with pytest.raises(
        DeclarationError, match=r"cannot be an event type.*write @event_type above @dataclass"
    ):
        event_type(target)


def test_the_wrong_order_of_decorators_is_refused_also_below_another_dataclass() -> None:
    with pytest.raises(DeclarationError, match="write @event_type above @dataclass, not below it"):

        @dataclass
        @event_type
        class Wrong(Deposited):
            currency: str


def test_a_dataclass_without_members_of_its_own_may_extend_another() -> None:
    @event_type
    class Same(Deposited): ...

    assert event_type_of(Same).id == "Same"


def test_a_function_is_refused_with_and_without_arguments() -> None:
    def function() -> None: ...

    with pytest.raises(DeclarationError, match="belongs above a class"):
        event_type(function)  # type: ignore[call-overload]
    with pytest.raises(DeclarationError, match="belongs above a class"):
        event_type("an-id")(function)  # type: ignore[arg-type]


def test_a_second_decorator_is_refused() -> None:
    with pytest.raises(DeclarationError, match="Deposited is an event type already"):
        event_type("other")(Deposited)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"id": ""}, "'' is no event type id"),
        ({"id": "  "}, "'  ' is no event type id"),
        ({"id": 3}, "3 is no event type id"),
        ({"generation": 0}, "0 is no generation"),
        ({"generation": -1}, "-1 is no generation"),
        ({"generation": "1"}, "'1' is no generation"),
        ({"generation": True}, "True is no generation"),
        ({"generation": 2**32 - 1}, "4294967295 is no generation"),
        ({"tags": "audit"}, "'audit' are no tags"),
        ({"tags": ("", "b")}, "are no tags"),
    ],
    ids=str,
)
def test_arguments_that_cannot_be_are_refused_when_declared(arguments: dict[str, Any], problem: str) -> None:
    @dataclass
    class Event:
        name: str

    with pytest.raises(DeclarationError, match=problem):
        event_type(**arguments)(Event)


@pytest.fixture
def registry() -> EventTypes:
    return EventTypes([Opened, DepositedWithCurrency, Deposited, Closed, Opened])


def test_types_are_found_by_class_id_and_generation(registry: EventTypes) -> None:
    assert registry.of(Opened(owner_name="a")) is registry.of(Opened) is event_type_of(Opened)
    assert registry.find("funds-deposited", 1) is event_type_of(Deposited)
    assert registry.find("funds-deposited", 3) is None
    assert [one.type for one in registry.generations("funds-deposited")] == [Deposited, DepositedWithCurrency]


@pytest.mark.row("E104")
def test_an_id_alone_finds_the_highest_generation(registry: EventTypes) -> None:
    assert registry.latest("funds-deposited") is event_type_of(DepositedWithCurrency)
    assert registry.latest("never-heard-of") is None


def test_each_class_counts_once_in_the_order_given(registry: EventTypes) -> None:
    assert [one.type for one in registry] == [Opened, DepositedWithCurrency, Deposited, Closed]
    assert len(registry) == 4
    assert registry.ids == ("Opened", "funds-deposited", "Closed")
    assert Opened in registry
    assert OpenedByBank not in registry


def test_schemas_follow_the_naming_policy(registry: EventTypes) -> None:
    kept = EventTypes([Opened], naming=as_declared)

    assert set(registry.schema_of(Opened)["properties"]) == {"ownerName"}
    assert set(kept.schema_of(Opened(owner_name="a"))["properties"]) == {"owner_name"}


def test_an_event_type_that_was_not_given_is_unknown() -> None:
    registry = EventTypes([Opened])

    for ask in (registry.of, registry.schema_of):
        with pytest.raises(UnknownEventTypeError, match=r"Deposited \('funds-deposited\+1'\) is not among"):
            ask(Deposited(1))
    with pytest.raises(UnknownEventTypeError, match="NoEvent is no event type"):
        registry.of(NoEvent())


def test_two_classes_with_one_id_and_generation_are_refused_naming_both() -> None:
    @event_type("funds-deposited")
    @dataclass
    class AlsoDeposited:
        amount: int

    with pytest.raises(
        DuplicateEventTypeError,
        match=r"\.Deposited and .*AlsoDeposited are both generation 1 .*'funds-deposited'",
    ):
        EventTypes([Deposited, AlsoDeposited])


def test_a_class_that_is_no_event_type_is_refused() -> None:
    with pytest.raises(UnknownEventTypeError, match="NoEvent"):
        EventTypes([NoEvent])


def test_a_member_that_content_cannot_hold_is_found_when_the_registry_is_made() -> None:
    @event_type
    @dataclass
    class Bad:
        number: complex

    with pytest.raises(UnsupportedTypeError, match=r"Bad\.number is of type complex"):
        EventTypes([Bad])
