"""Migrations as an application declares them (client-surface.md 1.7)."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, Field

from chronicle.errors import DeclarationError, UnknownEventTypeError
from chronicle.events.event_types import event_type
from chronicle.events.migrations import MigrationBuilder, Migrations, is_migration, migration, migration_of
from chronicle.serialization import Serializer
from chronicle.serialization.naming import as_declared

SERIALIZER = Serializer()


@event_type("person-named")
@dataclass
class Before:
    full_name: str


@event_type("person-named", generation=2)
class After(BaseModel):
    first_name: str
    last_name: str = Field(alias="surname")


@event_type("person-left")
@dataclass
class Left:
    reason: str


class Splits:
    def upcast(self, to: MigrationBuilder) -> None:
        to.split("full_name", "first_name", separator=" ", part=0)

    def downcast(self, to: MigrationBuilder) -> None:
        to.combine(["first_name", "last_name"], "full_name", separator=" ")


@pytest.mark.row("S140")
@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda to: to.rename("full_name", "first_name"), {"firstName": {"$rename": "fullName"}}),
        (lambda to: to.default("first_name", "x"), {"firstName": {"$defaultValue": "x"}}),
        (lambda to: to.default("rate", Decimal("1.5")), {"rate": {"$defaultValue": 1.5}}),
        (lambda to: to.default("tags", ["a"]), {"tags": {"$defaultValue": ["a"]}}),
        (lambda to: to.default("nick", None), {"nick": {"$defaultValue": None}}),
        (
            lambda to: to.split("full_name", "first_name", separator=" ", part=1),
            {"firstName": {"$split": {"source": "fullName", "separator": " ", "part": 1}}},
        ),
        (
            lambda to: to.combine(["a_b", "c"], "full_name", separator="-"),
            {"fullName": {"$combine": {"sources": ["aB", "c"], "separator": "-"}}},
        ),
        (lambda to: to.expression("first_name", "fullName"), {"firstName": "fullName"}),
        (lambda to: to, {}),
    ],
)
def test_each_operation_has_its_json(
    build: Callable[[MigrationBuilder], object], expected: dict[str, Any]
) -> None:
    builder = MigrationBuilder()
    build(builder)
    assert json.loads(builder.to_json(SERIALIZER)) == expected


def test_names_are_those_of_the_naming_policy_and_of_the_classes_where_they_are_known() -> None:
    builder = MigrationBuilder().combine(["first_name", "last_name"], "full_name", separator=" ")
    sources = {"sources": ["first_name", "last_name"], "separator": " "}
    assert json.loads(builder.to_json(Serializer(as_declared))) == {"full_name": {"$combine": sources}}
    known = json.loads(builder.to_json(SERIALIZER, source=After, target=Before))
    assert known["fullName"]["$combine"]["sources"] == ["firstName", "surname"]


def test_a_declared_class_stays_itself_and_says_between_which_generations_it_leads() -> None:
    declared = migration(After, from_=1, to=2)(Splits)
    declaration = migration_of(declared)
    assert declared is Splits
    assert is_migration(declared)
    assert (declaration.event_type_id, declaration.from_generation, declaration.to_generation) == (
        "person-named",
        1,
        2,
    )
    assert declaration.event_types == (After,)
    assert "$split" in declaration.upcast.to_json(SERIALIZER)
    assert "$combine" in declaration.downcast.to_json(SERIALIZER)


@pytest.mark.parametrize(
    "arguments",
    [
        ((After,), {"from_": Before, "to": After}),
        (("person-named",), {"from_": 1}),
        (("person-named",), {}),
        ((Before,), {"to": 2}),
    ],
)
def test_generations_may_be_given_as_classes_or_left_out(arguments: tuple[Any, dict[str, Any]]) -> None:
    class Copied(Splits): ...

    positional, named = arguments
    declaration = migration_of(migration(*positional, **named)(Copied))
    assert str(declaration) == "person-named 1 to 2"


@pytest.mark.row("S139", "E104")
@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ({"from_": 1, "to": 3}, "leads from generation 1 to 3"),
        ({"from_": 2, "to": 1}, "leads from generation 2 to 1"),
        ({"from_": 1, "to": 1}, "leads from generation 1 to 1"),
        ({"from_": Left, "to": After}, "'person-left'. A migration stays within one event type"),
        ({"from_": 0}, "0 is no generation"),
        ({"from_": "1"}, "'1' is no generation"),
    ],
)
def test_generations_that_are_not_neighbours_of_one_event_type_are_refused(
    named: dict[str, Any], reason: str
) -> None:
    class Copied(Splits): ...

    with pytest.raises(DeclarationError, match=reason):
        migration(After, **named)(Copied)
    assert not is_migration(Copied)


class MakesTwice:
    def upcast(self, to: MigrationBuilder) -> None:
        to.rename("full_name", "first_name").default("first_name", "x")


class CombinesOne:
    def upcast(self, to: MigrationBuilder) -> None:
        to.combine("full_name", "first_name", separator=" ")


class SplitsBackwards:
    def upcast(self, to: MigrationBuilder) -> None:
        to.split("full_name", "first_name", separator=" ", part=-1)


class NamesNothing:
    def upcast(self, to: MigrationBuilder) -> None:
        to.rename("", "first_name")


class TakesNothing:
    def upcast(self) -> None: ...


class NeedsMore:
    def __init__(self, more: int) -> None: ...

    def upcast(self, to: MigrationBuilder) -> None: ...


class DoesNothing: ...


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (MakesTwice, "upcast: The property 'first_name' is made twice"),
        (CombinesOne, "combine several properties"),
        (SplitsBackwards, "-1 is no part of a text"),
        (NamesNothing, "'' is no name of a property"),
        (TakesNothing, "upcast could not be called"),
        (NeedsMore, "could not be called"),
        (DoesNothing, "neither upcast nor downcast"),
    ],
)
def test_what_cannot_work_is_refused_where_it_is_declared(target: type, reason: str) -> None:
    with pytest.raises(DeclarationError, match=reason):
        migration(After)(target)


def test_only_classes_can_be_migrations_of_event_types() -> None:
    with pytest.raises(DeclarationError, match="belongs above a class"):
        migration(After)(lambda: None)  # type: ignore[arg-type]
    with pytest.raises(UnknownEventTypeError):
        migration(Splits)(Splits)
    with pytest.raises(DeclarationError, match="is no migration"):
        migration_of(DoesNothing)


def test_migrations_of_an_event_type_come_in_order_and_each_once() -> None:
    class First(Splits): ...

    class Second(Splits): ...

    second, first = migration("person-named", from_=2)(Second), migration("person-named")(First)
    migrations = Migrations([second, first, second])
    assert [one.target for one in migrations.of("person-named")] == [first, second]
    assert migrations.ids == ("person-named",)
    assert migrations.of("person-left") == ()
