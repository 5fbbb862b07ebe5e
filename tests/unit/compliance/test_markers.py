"""Marks for personal data: what schemas say of them (events.md 13.1), and whom an event is about."""

from dataclasses import dataclass
from typing import Annotated, Any, NewType
from uuid import UUID

import pytest
from pydantic import BaseModel, Field

from chronicle import DeclarationError, Pii, Subject, UnsupportedTypeError, event_type
from chronicle.events.event_types import EventTypes, subject_member
from chronicle.serialization import json_schema


def mark(details: str = "") -> dict[str, Any]:
    return {"compliance": [{"metadataType": "PII", "details": details}]}


TEXT = {"type": "string"}


@Pii("identifies")
class NationalId(str):
    pass


class SwedishId(NationalId):
    pass


Phone = Annotated[str, Pii("to call")]
Email = NewType("Email", Phone)


@dataclass
class Address:
    street: str
    city: str | None = None


@Pii("where")
@dataclass
class Home:
    street: str
    rooms: list[str]


@dataclass
class Scalars:
    name: Annotated[str, Pii("to greet")]
    age: Annotated[int | None, Pii()] = None
    nick: Annotated[str, Pii("short")] | None = None
    id: NationalId | None = None
    other_id: Annotated[SwedishId | None, Pii()] = None
    own_reason: Annotated[NationalId | None, Pii("mine")] = None
    phone: Phone = ""
    email: Email | None = None
    city: str = ""


def properties(type_: type) -> dict[str, Any]:
    found: dict[str, Any] = json_schema(type_)["properties"]
    return found


def test_marks_stand_on_values() -> None:
    assert properties(Scalars) == {
        "name": TEXT | mark("to greet"),
        "age": {"type": ["integer", "null"], "format": "int64?"} | mark(),
        "nick": {"type": ["string", "null"]} | mark("short"),
        "id": {"type": ["string", "null"]} | mark("identifies"),
        "otherId": {"type": ["string", "null"]} | mark("identifies"),
        "ownReason": {"type": ["string", "null"]} | mark("mine"),
        "phone": TEXT | mark("to call"),
        "email": {"type": ["string", "null"]} | mark("to call"),
        "city": TEXT,
    }


def test_pydantic_fields_keep_their_marks() -> None:
    class Model(BaseModel):
        name: Annotated[str, Pii("a"), Field(min_length=1)]
        nick: Annotated[str, Pii("b")] | None = None
        phone: Phone = Field(default="")
        notes: list[Annotated[str, Pii("c")]] = []

    assert properties(Model) == {
        "name": TEXT | mark("a"),
        "nick": {"type": ["string", "null"]} | mark("b"),
        "phone": TEXT | mark("to call"),
        "notes": {"type": "array", "items": TEXT | mark("c")},
    }


def test_a_list_is_marked_as_a_whole_and_its_items_each() -> None:
    @dataclass
    class Lists:
        notes: Annotated[list[str], Pii("all")]
        phones: list[Phone]
        ids: list[NationalId]

    assert properties(Lists) == {
        "notes": {"type": "array", "items": TEXT} | mark("all"),
        "phones": {"type": "array", "items": TEXT | mark("to call")},
        "ids": {"type": "array", "items": TEXT | mark("identifies")},
    }


def test_a_class_with_members_has_its_mark_on_each_of_them() -> None:
    @dataclass
    class Nested:
        address: Annotated[Address, Pii("post")]
        home: Home
        homes: list[Home]

    home = {
        "type": "object",
        "properties": {
            "street": TEXT | mark("where"),
            "rooms": {"type": "array", "items": TEXT} | mark("where"),
        },
        "required": ["street", "rooms"],
    }
    assert properties(Nested) == {
        "address": {
            "type": "object",
            "properties": {
                "street": TEXT | mark("post"),
                "city": {"type": ["string", "null"]} | mark("post"),
            },
            "required": ["street"],
        },
        "home": home,
        "homes": {"type": "array", "items": home},
    }


def test_a_dictionary_with_anything_personal_in_it_is_marked_as_a_whole() -> None:
    @dataclass
    class Dictionaries:
        free: Annotated[dict[str, Any], Pii("free")]
        phones: dict[str, Phone]
        homes: dict[str, Home]

    found = properties(Dictionaries)

    assert found["free"] == {"type": "object", "format": "dynamic"} | mark("free")
    assert found["phones"]["compliance"] == mark("to call")["compliance"]
    assert found["homes"]["compliance"] == mark("where")["compliance"]


def test_a_class_inside_itself_is_personal_as_deep_as_it_goes() -> None:
    found = json_schema(Person)

    assert found["properties"] == {
        "name": TEXT | mark("why"),
        "parent": {"oneOf": [{"$ref": "#"}, {"type": "null"}]},
        "spouse": {
            "type": ["object", "null"],
            "properties": {
                "name": TEXT | mark("why"),
                "parent": {"oneOf": [{"$ref": "#/properties/spouse"}, {"type": "null"}]},
                "spouse": {"oneOf": [{"$ref": "#/properties/spouse"}, {"type": "null"}]},
                "age": {"type": "integer", "format": "int64"} | mark("all of it"),
            },
            "required": ["name"],
        },
        "age": {"type": "integer", "format": "int64"},
    }


@dataclass
class Person:
    name: Annotated[str, Pii("why")]
    parent: "Person | None" = None
    spouse: Annotated["Person | None", Pii("all of it")] = None
    age: int = 0


def test_an_event_that_is_personal_as_a_whole_has_all_its_members_marked() -> None:
    @event_type
    @Pii("all")
    @dataclass
    class Registered:
        name: str
        age: int = 0

    assert properties(Registered) == {
        "name": TEXT | mark("all"),
        "age": {"type": "integer", "format": "int64"} | mark("all"),
    }


def test_personal_data_needs_a_type() -> None:
    @dataclass
    class Anything:
        what: Annotated[Any, Pii()]

    with pytest.raises(UnsupportedTypeError, match=r"Anything\.what .* personal data needs a type"):
        json_schema(Anything)


@event_type
class Admitted(BaseModel):
    patient: Annotated[UUID | None, Subject()] = None
    ward: str = ""


@event_type
@dataclass
class Discharged:
    patient: Annotated[str, Subject()] | None = None


@event_type
class Visited(BaseModel):
    ward: str


def test_the_subject_is_what_the_marked_member_says() -> None:
    types = EventTypes([Admitted, Discharged, Visited])
    patient = UUID(int=1)

    assert types.subject_of(Admitted(patient=patient)) == str(patient)
    assert types.subject_of(Admitted()) is None
    assert types.subject_of(Discharged(patient="alice")) == "alice"
    assert types.subject_of(Visited(ward="A")) is None


def test_an_event_has_one_subject() -> None:
    @event_type
    @dataclass
    class Married:
        one: Annotated[str, Subject()]
        other: Annotated[str, Subject()]

    with pytest.raises(DeclarationError, match="one and other"):
        subject_member(Married)
