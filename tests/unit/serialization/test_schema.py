"""JSON schemas in the shape of events.md 3.4."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Optional
from uuid import UUID

import msgspec
import pytest
from pydantic import AwareDatetime, BaseModel, Field, HttpUrl, RootModel

from chronicle.errors import UnsupportedTypeError
from chronicle.serialization import json_schema
from tests.unit.serialization.kinds import AccountId, Amount, Color, Level, OrderId, Rights, Word


@dataclass
class Line:
    unit_price: Decimal
    note: str | None = None


def schema_of_member(annotation: Any) -> Any:
    type_ = msgspec.defstruct("Holder", [("member", annotation)])
    return json_schema(type_)["properties"]["member"]


def test_a_model_is_an_object_with_title_properties_and_required() -> None:
    class Opened(BaseModel):
        account_owner: str
        balance: Decimal = Decimal(0)
        nickname: str | None

    assert json_schema(Opened) == {
        "title": "Opened",
        "type": "object",
        "properties": {
            "accountOwner": {"type": "string"},
            "balance": {"type": "number", "format": "decimal"},
            "nickname": {"type": ["string", "null"]},
        },
        "required": ["accountOwner"],
    }


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (bool, {"type": "boolean"}),
        (str, {"type": "string"}),
        (int, {"type": "integer", "format": "int64"}),
        (float, {"type": "number", "format": "double"}),
        (Decimal, {"type": "number", "format": "decimal"}),
        (UUID, {"type": "string", "format": "guid"}),
        (bytes, {"type": "string", "format": "byte-array"}),
        (datetime, {"type": "string", "format": "date-time-offset"}),
        (AwareDatetime, {"type": "string", "format": "date-time-offset"}),
        (date, {"type": "string", "format": "date"}),
        (time, {"type": "string", "format": "time"}),
        (timedelta, {"type": "string", "format": "duration"}),
        (HttpUrl, {"type": "string"}),
        (int | None, {"type": ["integer", "null"], "format": "int64?"}),
        (Optional[datetime], {"type": ["string", "null"], "format": "date-time-offset?"}),  # noqa: UP045
        (Annotated[int, "whatever"], {"type": "integer", "format": "int64"}),
        (Annotated[int | None, "whatever"], {"type": ["integer", "null"], "format": "int64?"}),
        (AccountId, {"type": "string"}),
        (OrderId, {"type": "string", "format": "guid"}),
        (Amount, {"type": "number", "format": "decimal"}),
        (Literal["a", "b"], {"type": "string"}),
        (Literal[1, 2, None], {"type": ["integer", "null"], "format": "int64?"}),
        (Color, {"type": "integer", "enum": [1, 2], "x-enumNames": ["RED", "GREEN"]}),
        (Level | None, {"type": ["integer", "null"], "enum": [0, 10], "x-enumNames": ["LOW", "HIGH"]}),
        (Word, {"type": "string"}),
        (Rights, {"type": "integer", "format": "int64"}),
        (Any, {}),
        (object, {}),
        (list[int], {"type": "array", "items": {"type": "integer", "format": "int64"}}),
        (list[AccountId] | None, {"type": ["array", "null"], "items": {"type": "string"}}),
        (Sequence[str], {"type": "array", "items": {"type": "string"}}),
        (set[UUID], {"type": "array", "items": {"type": "string", "format": "guid"}}),
        (frozenset[str], {"type": "array", "items": {"type": "string"}}),
        (tuple[str, ...], {"type": "array", "items": {"type": "string"}}),
        (tuple[float, float], {"type": "array", "items": {"type": "number", "format": "double"}}),
        (list, {"type": "array", "items": {}}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer", "format": "int64"}}),
        (Mapping[AccountId, str], {"type": "object", "additionalProperties": {"type": "string"}}),
        (dict, {"type": "object", "format": "dynamic"}),
        (dict[str, Any] | None, {"type": ["object", "null"], "format": "dynamic?"}),
    ],
    ids=str,
)
def test_a_type_has_its_json_type_and_format(annotation: Any, schema: dict[str, Any]) -> None:
    assert schema_of_member(annotation) == schema


def test_nested_classes_stand_inline_whatever_they_are() -> None:
    class Address(BaseModel):
        street_name: str

    line = {
        "type": "object",
        "properties": {
            "unitPrice": {"type": "number", "format": "decimal"},
            "note": {"type": ["string", "null"]},
        },
        "required": ["unitPrice"],
    }
    address = {"type": "object", "properties": {"streetName": {"type": "string"}}, "required": ["streetName"]}
    assert schema_of_member(list[Line])["items"] == line
    assert schema_of_member(Line | None) == {**line, "type": ["object", "null"]}
    assert schema_of_member(dict[str, Address])["additionalProperties"] == address


class Node(BaseModel):
    name: str
    parent: "Node | None" = None
    children: list["Node"] = []


@dataclass
class Leaf:
    branch: "Branch | None" = None


@dataclass
class Branch:
    leaves: list[Leaf] = field(default_factory=list)


@dataclass
class Tree:
    root_branch: Branch


def test_a_class_inside_itself_is_a_pointer_to_where_it_began() -> None:
    properties = json_schema(Node)["properties"]

    assert properties["parent"] == {"oneOf": [{"$ref": "#"}, {"type": "null"}]}
    assert properties["children"] == {"type": "array", "items": {"$ref": "#"}}


def test_the_pointer_leads_into_the_document_when_the_class_is_not_its_root() -> None:
    branch = json_schema(Tree)["properties"]["rootBranch"]
    leaf = branch["properties"]["leaves"]["items"]

    assert leaf["properties"]["branch"]["oneOf"][0] == {"$ref": "#/properties/rootBranch"}


def test_an_event_without_members_has_no_required_list() -> None:
    class Pinged(msgspec.Struct):
        pass

    assert json_schema(Pinged) == {"title": "Pinged", "type": "object", "properties": {}}


def test_excluded_and_computed_members_are_no_content() -> None:
    class Opened(BaseModel):
        owner: str
        secret: str = Field(default="", exclude=True)

    @dataclass
    class Derived:
        width: int
        area: int = field(init=False, default=0)

    assert set(json_schema(Opened)["properties"]) == {"owner"}
    assert set(json_schema(Derived)["properties"]) == {"width"}


class Text(RootModel[str]): ...


class Mixed(Enum):
    ONE = 1
    TWO = "two"


@pytest.mark.parametrize(
    ("annotation", "place"),
    [
        (complex, "Holder.member is of type complex"),
        (list[complex], r"Holder.member\[\] is of type complex"),
        (dict[str, complex], r"Holder.member\{\} is of type complex"),
        (dict[Line, int], r"Holder.member\{key\} is of type Line"),
        (int | str, r"Holder.member is of type int \| str"),
        (tuple[int, str], "Holder.member is of type tuple"),
        (Literal[1, "a"], "Holder.member is of type typing.Literal"),
        (Mixed, "Holder.member is of type Mixed"),
        (Text, "Holder.member is of type Text"),
        (None, "Holder.member is of type None"),
    ],
    ids=str,
)
def test_a_type_that_content_cannot_hold_is_refused_naming_the_place(annotation: Any, place: str) -> None:
    with pytest.raises(UnsupportedTypeError, match=place):
        schema_of_member(annotation)


def test_the_place_goes_through_nested_classes() -> None:
    @dataclass
    class Inner:
        bad_member: complex

    @dataclass
    class Outer:
        inner_list: list[Inner]

    with pytest.raises(UnsupportedTypeError, match=r"^Outer\.inner_list\[\]\.bad_member is of type complex"):
        json_schema(Outer)


def test_an_annotation_that_cannot_be_resolved_is_refused() -> None:
    @dataclass
    class Lost:
        member: "NowhereToBeFound"  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(UnsupportedTypeError, match=r"Lost cannot be resolved: .*NowhereToBeFound"):
        json_schema(Lost)
