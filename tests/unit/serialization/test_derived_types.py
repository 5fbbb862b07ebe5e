"""Values of any of several classes in one member (events.md 3.4)."""

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
import pytest
from pydantic import BaseModel, ConfigDict

from chronicle.compliance.markers import Pii
from chronicle.errors import SerializationError, UnsupportedTypeError
from chronicle.serialization import Serializer, derived_type, json_schema

CARD, CASH = "ce6f6b3e-6a3b-4f4e-9b0f-1f4f0a3d7c11", "3f1c2f35-4b1c-4f7e-8a61-31f4f5a0b7b2"


class Payment:
    """Whatever was paid with."""


@derived_type(CARD)
@dataclass
class CardPayment(Payment):
    card_number: str
    note: str | None = None


@derived_type(CASH)
class CashPayment(msgspec.Struct, Payment):
    amount: int


@dataclass
class Voucher(Payment):
    code: str


@dataclass
class BusinessCardPayment(CardPayment):
    company: str = ""


@dataclass
class Paid:
    payment: Payment
    tip: Payment | None = None
    parts: list[Payment] = field(default_factory=list)
    by_name: dict[str, Payment] = field(default_factory=dict)


PAID = Paid(
    CardPayment("4711"),
    tip=CashPayment(5),
    parts=[CashPayment(1), CardPayment("1", "n")],
    by_name={"x": CashPayment(2)},
)


def test_content_says_of_which_class_a_value_is_and_it_comes_back_as_that() -> None:
    serializer = Serializer()

    text = serializer.to_json(PAID)

    assert json.loads(text) == {
        "payment": {"_derivedTypeId": CARD, "cardNumber": "4711"},
        "tip": {"_derivedTypeId": CASH, "amount": 5},
        "parts": [
            {"_derivedTypeId": CASH, "amount": 1},
            {"_derivedTypeId": CARD, "cardNumber": "1", "note": "n"},
        ],
        "byName": {"x": {"_derivedTypeId": CASH, "amount": 2}},
    }
    assert serializer.from_json(Paid, text) == PAID
    assert serializer.from_json(Paid, serializer.to_json(Paid(CashPayment(1)))) == Paid(CashPayment(1))


def test_the_id_may_stand_anywhere_among_the_members() -> None:
    text = f'{{"payment":{{"amount":7,"unknown":[1],"_derivedTypeId":"{CASH}"}}}}'

    assert Serializer().from_json(Paid, text) == Paid(CashPayment(7))


def test_the_schema_is_open() -> None:
    assert json_schema(Paid)["properties"] == {
        "payment": {"type": "object"},
        "tip": {"type": ["object", "null"]},
        "parts": {"type": "array", "items": {"type": "object"}},
        "byName": {"type": "object", "additionalProperties": {"type": "object"}},
    }
    assert json_schema(Paid)["required"] == ["payment"]


def test_where_a_class_without_derived_types_is_declared_content_says_nothing() -> None:
    @dataclass
    class Refunded:
        card: CardPayment

    assert Serializer().to_json(Refunded(CardPayment("1"))) == '{"card":{"cardNumber":"1"}}'
    assert json_schema(Refunded)["properties"]["card"]["properties"].keys() == {"cardNumber", "note"}


def test_a_class_without_an_id_is_written_as_the_one_above_it_that_has_one() -> None:
    text = Serializer().to_json(Paid(BusinessCardPayment("1", company="ACME")))

    assert json.loads(text)["payment"] == {"_derivedTypeId": CARD, "cardNumber": "1"}


def test_a_class_that_is_no_derived_type_is_refused() -> None:
    with pytest.raises(
        SerializationError, match=r"Voucher is no derived type of Payment.* - at `\$\.payment`"
    ):
        Serializer().to_json(Paid(Voucher("x")))


@pytest.mark.parametrize(
    ("payment", "reason"),
    [
        ('{"amount":1}', "missing required field `_derivedTypeId`"),
        ('{"_derivedTypeId":"unknown"}', r"Invalid value 'unknown' - at `\$\.payment\._derivedTypeId`"),
        (
            f'{{"_derivedTypeId":"{CASH}","amount":"x"}}',
            r"Expected `int`, got `str` - at `\$\.payment\.amount`",
        ),
        ("null", "Expected `object`, got `null`"),
    ],
)
def test_content_that_is_of_no_known_class_is_refused_naming_the_place(payment: str, reason: str) -> None:
    with pytest.raises(SerializationError, match=reason):
        Serializer().from_json(Paid, f'{{"payment":{payment}}}')


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True)
    name: str = ""


@derived_type("circle")
class Circle(Shape):
    radius: float


@derived_type("group")
class Group(Shape):
    shapes: list[Shape]
    background: Shape | None = None


class Drawing(BaseModel):
    first: Shape
    others: list[Shape] = []


def test_derived_types_may_hold_others_of_their_family() -> None:
    serializer = Serializer()
    inner = Group(shapes=[Circle(radius=2), Group(shapes=[])])
    drawing = Drawing(first=Group(name="g", shapes=[inner], background=Circle(radius=1.5)), others=[inner])
    group = Group(shapes=[Circle(radius=1)])

    assert serializer.from_json(Drawing, serializer.to_json(drawing)) == drawing
    # Content of the class itself, at the root, says nothing of its class.
    assert serializer.from_json(Group, serializer.to_json(group)) == group
    assert json_schema(Group)["properties"]["shapes"] == {"type": "array", "items": {"type": "object"}}


def test_an_abstract_class_has_derived_types_too() -> None:
    class Animal(ABC):
        @abstractmethod
        def sound(self) -> str: ...

    @derived_type("dog")
    @dataclass(frozen=True, slots=True)
    class Dog(Animal):
        name: str

        def sound(self) -> str:
            return "woof"

    holder: Any = msgspec.defstruct("Holder", [("member", Animal)], eq=True)
    serializer = Serializer()

    text = serializer.to_json(holder(Dog("Rex")))

    assert text == '{"member":{"_derivedTypeId":"dog","name":"Rex"}}'
    assert serializer.from_json(holder, text) == holder(Dog("Rex"))


def test_a_class_that_a_decorator_made_anew_is_one_class() -> None:
    class Vehicle: ...

    @dataclass(slots=True)
    @derived_type("car")
    class Car(Vehicle):
        wheels: int

    holder: Any = msgspec.defstruct("Holder", [("member", Vehicle)])
    serializer = Serializer()

    assert serializer.from_json(holder, serializer.to_json(holder(Car(4)))).member == Car(4)


def test_a_class_with_an_id_may_have_derived_types_itself() -> None:
    @derived_type("base")
    @dataclass
    class Base:
        a: int

    @derived_type("more")
    @dataclass
    class More(Base):
        b: int

    holder: Any = msgspec.defstruct("Holder", [("member", list[Base])], eq=True)
    serializer = Serializer()
    value = holder([Base(1), More(1, 2)])

    assert serializer.from_json(holder, serializer.to_json(value)) == value


def test_two_derived_types_of_a_class_with_the_same_id_are_refused() -> None:
    class Top: ...

    @derived_type("same")
    class One(Top): ...

    @derived_type("same")
    class Two(Top): ...

    with pytest.raises(
        UnsupportedTypeError, match=r"One and .*Two are both the derived type 'same' of .*Top"
    ):
        json_schema(msgspec.defstruct("Holder", [("member", Top)]))
    assert One.__base__ is Two.__base__


def test_an_empty_id_is_refused() -> None:
    with pytest.raises(ValueError, match="not empty"):
        derived_type("")


class Contact:
    """Some way to reach a person."""


@derived_type("phone")
@dataclass
class Phone(Contact):
    number: Annotated[str, Pii("to call")]


@dataclass
class Person:
    contact: Contact


@dataclass
class MarkedPerson:
    contact: Annotated[Contact, Pii("to reach the person")]
    other: Annotated[Contact | None, Pii()] = None


def test_personal_data_in_a_derived_type_must_be_marked_where_it_is_held() -> None:
    with pytest.raises(
        UnsupportedTypeError, match=r"Person\.contact may be a Phone, which holds personal data"
    ):
        json_schema(Person)


def test_a_member_marked_as_a_whole_comes_back_and_may_be_erased() -> None:
    serializer = Serializer()
    person = MarkedPerson(Phone("123"), Phone("4"))

    assert json_schema(MarkedPerson)["properties"]["contact"] == {
        "type": "object",
        "compliance": [{"metadataType": "PII", "details": "to reach the person"}],
    }
    assert serializer.from_json(MarkedPerson, serializer.to_json(person)) == person
    assert serializer.from_json(
        MarkedPerson, '{"contact":{"_derivedTypeId":"phone","number":""},"other":{}}'
    ) == MarkedPerson(Phone(""))
