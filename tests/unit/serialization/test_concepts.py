"""Types of their own for single values; in content they are the values (events.md 3.4)."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NewType
from uuid import UUID

import msgspec
import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from chronicle.errors import SerializationError, UnsupportedTypeError
from chronicle.serialization import Concept, Serializer, json_schema


class AccountId(Concept[str]): ...


class OrderId(Concept[UUID]): ...


class Amount(Concept[Decimal]): ...


class Confirmed(Concept[bool]): ...


class Birthday(Concept[date]): ...


class SeenAt(Concept[datetime]): ...


class Waited(Concept[timedelta]): ...


class SpecialId(AccountId): ...


Name = NewType("Name", str)


class FullName(Concept[Name]): ...


@dataclass
class Everything:
    account: AccountId
    order: OrderId
    amount: Amount
    confirmed: Confirmed
    birthday: Birthday
    seen_at: SeenAt
    waited: Waited
    special: SpecialId
    name: FullName
    maybe: AccountId | None
    several: list[Birthday]
    by_id: dict[OrderId, Waited]


EVERYTHING = Everything(
    account=AccountId("a-1"),
    order=OrderId(UUID(int=1)),
    amount=Amount(Decimal("1.50")),
    confirmed=Confirmed(True),
    birthday=Birthday(date(2000, 1, 2)),
    seen_at=SeenAt(datetime(2024, 1, 2, tzinfo=UTC)),
    waited=Waited(timedelta(hours=1)),
    special=SpecialId("s"),
    name=FullName(Name("Alice")),
    maybe=None,
    several=[Birthday(date(2000, 1, 2))],
    by_id={OrderId(UUID(int=2)): Waited(timedelta(0))},
)


def test_a_concept_is_what_it_holds_on_the_wire_and_itself_again_when_read() -> None:
    serializer = Serializer()

    text = serializer.to_json(EVERYTHING)

    assert text == (
        '{"account":"a-1","order":"00000000-0000-0000-0000-000000000001","amount":1.50,"confirmed":true,'
        '"birthday":"2000-01-02","seenAt":"2024-01-02T00:00:00+00:00","waited":"01:00:00","special":"s",'
        '"name":"Alice","several":["2000-01-02"],'
        '"byId":{"00000000-0000-0000-0000-000000000002":"00:00:00"}}'
    )
    assert serializer.from_json(Everything, text) == EVERYTHING


def test_the_schema_is_that_of_what_it_holds() -> None:
    properties = json_schema(Everything)["properties"]

    assert properties["account"] == properties["special"] == properties["name"] == {"type": "string"}
    assert properties["order"] == {"type": "string", "format": "guid"}
    assert properties["confirmed"] == {"type": "boolean"}
    assert properties["birthday"] == {"type": "string", "format": "date"}
    assert properties["maybe"] == {"type": ["string", "null"]}
    assert properties["several"] == {"type": "array", "items": {"type": "string", "format": "date"}}


def test_a_concept_where_anything_may_stand_is_written_as_what_it_holds() -> None:
    assert Serializer().to_json({"id": AccountId("x"), "day": Birthday(date(2000, 1, 2))}) == (
        '{"id":"x","day":"2000-01-02"}'
    )


def test_a_pydantic_model_takes_the_concept_and_what_it_holds() -> None:
    class Opened(BaseModel):
        model_config = ConfigDict(frozen=True)
        account: AccountId
        since: Birthday | None = None

    opened = Opened.model_validate({"account": "a-1", "since": "2000-01-02"})
    serializer = Serializer()

    assert opened == Opened(account=AccountId("a-1"), since=Birthday(date(2000, 1, 2)))
    assert opened.model_dump(mode="json") == {"account": "a-1", "since": "2000-01-02"}
    assert serializer.from_json(Opened, serializer.to_json(opened)) == opened
    with pytest.raises(ValidationError):
        Opened.model_validate({"account": 5})


def test_concepts_are_equal_when_type_and_value_are_and_cannot_change() -> None:
    assert AccountId("x") == AccountId("x")
    assert hash(AccountId("x")) == hash(AccountId("x"))
    assert AccountId("x") != SpecialId("x")
    assert str(AccountId("x")) == "x"
    with pytest.raises(AttributeError):
        AccountId("x").value = "y"  # type: ignore[misc]  # that it cannot be is the point


def test_content_that_the_concept_cannot_hold_is_refused_naming_the_place() -> None:
    with pytest.raises(SerializationError, match=r"Holder: .* - at `\$\.member"):
        Serializer().from_json(msgspec.defstruct("Holder", [("member", Birthday)]), '{"member":"tomorrow"}')


class Lines(Concept[list[str]]): ...


class Nothing(Concept): ...  # type: ignore[type-arg]  # what it holds is missing on purpose


class Doubled(Concept[AccountId]): ...


@pytest.mark.parametrize("annotation", [Lines, Nothing, Doubled])
def test_a_concept_holds_a_single_value(annotation: Any) -> None:
    with pytest.raises(UnsupportedTypeError, match=r"^Holder\.member is of type "):
        json_schema(msgspec.defstruct("Holder", [("member", annotation)]))
