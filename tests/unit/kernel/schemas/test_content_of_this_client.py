"""What this client writes passes the kernel under the schema that it registers, and stays as it is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel, HttpUrl

from chronicle.kernel.schemas import Schema, ShapingError, content_of, text_of
from chronicle.serialization import Concept, Serializer, derived_type, json_schema
from chronicle.serialization.geometry import LineString, Point, Polygon
from tests.unit.serialization.kinds import AccountId, Amount, Cents, Color, Level, OrderId, Rights, Word


class Birthday(Concept[date]): ...


@dataclass
class Line:
    unit_price: Decimal
    note: str | None = None
    made_at: datetime | None = None


class Node(BaseModel):
    name: str
    parent: "Node | None" = None
    children: list["Node"] = []
    sizes: dict[str, "Node"] = {}


class Payment: ...


@derived_type("card")
@dataclass
class CardPayment(Payment):
    number: str
    parts: list[Payment] = field(default_factory=list)


GUID = UUID("0A0B0C0D-0000-0000-0000-00000000ABCD")
OSLO, BERGEN, TROMSO = Point(10.75, 59.91), Point(5.32, 60.39), Point(18.96, 69.65)
RING = (OSLO, BERGEN, TROMSO, OSLO)

VALUES: list[tuple[Any, Any]] = [
    (bool, True),
    (str, "Blåbær 🚀 \x01"),
    (int, -(2**63)),
    (int, 2**63 - 1),
    (float, 1.5),
    (float, 3.0),
    (float, -1.7976931348623157e308),
    (float, 5e-324),
    (Decimal, Decimal("12.50")),
    (Decimal, Decimal("1E+2")),
    (Decimal, Decimal("-1234567890.12345678901234567890123456789")),
    (UUID, GUID),
    (bytes, b"\xff\xfe\x00"),
    (bytes, b""),
    (datetime, datetime(2024, 2, 29, 3, 4, 5, tzinfo=UTC)),
    (datetime, datetime(2024, 1, 2, 3, 4, 5, 60, timezone(timedelta(hours=-14)))),
    (datetime, datetime(2024, 1, 2)),
    (datetime, datetime.min.replace(tzinfo=UTC)),
    (datetime, datetime.max.replace(tzinfo=UTC)),
    (AwareDatetime, datetime(2024, 1, 2, tzinfo=UTC)),
    (date, date.min),
    (date, date(2024, 1, 2)),
    (time, time(12, 30)),
    (time, time.max),
    (timedelta, timedelta(days=3, microseconds=1_500_000)),
    (timedelta, -timedelta(days=10_675_198, microseconds=1)),
    (Color, Color.GREEN),
    (Level, Level.LOW),
    (Word, Word.YES),
    (Rights, Rights.READ | Rights.WRITE),
    (Literal["a", "b"], "b"),
    (Literal[1, 2], 2),
    (AccountId, AccountId("a-1")),
    (Cents, Cents(7)),
    (OrderId, OrderId(int=1)),
    (Amount, Amount(Decimal("0.1"))),
    (Birthday, Birthday(date(2000, 1, 2))),
    (HttpUrl, HttpUrl("https://example.com/a")),
    (Line, Line(Decimal("0.10"), "n", datetime(2024, 1, 2, tzinfo=UTC))),
    (Line, Line(Decimal(1))),
    (Node, Node(name="a", parent=Node(name="b"), children=[Node(name="c")], sizes={"d": Node(name="e")})),
    (Payment, CardPayment("1", [CardPayment("2")])),
    (Point, OSLO),
    (LineString, LineString((OSLO, BERGEN))),
    (Polygon, Polygon(RING, (RING,))),
    (list[int], [1, 2]),
    (list[int | None], [1, None]),
    (list[Line | None], [None, Line(Decimal(2))]),
    (list[list[Decimal]], [[Decimal("0.1")], []]),
    (tuple[UUID, ...], (GUID,)),
    (set[Color], {Color.RED}),
    (frozenset[AccountId], frozenset({AccountId("x")})),
    (Sequence[timedelta], [timedelta(1)]),
    (list[Payment], [CardPayment("1")]),
    (list[Point], [OSLO, BERGEN]),
    (dict[str, Line], {"snake_key": Line(Decimal(1), "n")}),
    (Mapping[UUID, timedelta], {GUID: timedelta(0)}),
    (dict[str, Any], {"any": [1, 2**63, "x", None, {"y": True, "z": None}, 1.5, Decimal("0.10")]}),
    (dict, {}),
    (list, [1, None, {"a": None}]),
    (Any, {"a": [1.5, None]}),
    (Any, 5),
    (object, "text"),
]


def check(type_: Any, value: object) -> None:
    """Shaping may write a number in another way, but never another number."""
    text = Serializer().to_json(value)
    schema = Schema.of(json.dumps(json_schema(type_)))
    content = content_of(text)

    assert schema.validate(content) == []
    assert json.loads(text_of(schema.shape(content))) == json.loads(text)


@pytest.mark.parametrize(("annotation", "value"), VALUES, ids=str)
def test_a_value_of_every_type_passes_unchanged(annotation: Any, value: Any) -> None:
    required: Any = msgspec.defstruct("Required", [("some_member", annotation)])
    optional: Any = msgspec.defstruct("Optional", [("some_member", annotation | None, None)])
    nested: Any = msgspec.defstruct("Nested", [("inner", list[required]), ("other", required | None, None)])

    check(required, required(value))
    check(optional, optional(value))
    check(optional, optional())
    check(nested, nested([required(value)], required(value)))
    check(nested, nested([]))


@dataclass
class Extremes:
    exact: Decimal
    real: float
    waited: timedelta
    hour: time
    moment: datetime
    raw: bytes
    whole: int
    words: dict[str, str]


@settings(deadline=None)
@given(
    st.builds(
        Extremes,
        exact=st.decimals(-(2**96) + 1, 2**96 - 1, allow_nan=False),
        real=st.floats(allow_nan=False, allow_infinity=False),
        waited=st.timedeltas(-timedelta(days=10_675_199), timedelta(days=10_675_199)),
        hour=st.times(),
        moment=st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.timezones()),
        raw=st.binary(),
        whole=st.integers(-(2**63), 2**63 - 1),
        words=st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"])),
            st.text(st.characters(exclude_categories=["Cs"])),
        ),
    )
)
def test_all_that_the_wire_can_hold_passes_unchanged(value: Extremes) -> None:
    check(Extremes, value)


@pytest.mark.parametrize(
    ("annotation", "text"),
    [(int, 2**63), (Cents, -(2**63) - 1), (Decimal, 2**96), (timedelta, '"10675200.00:00:00"')],
    ids=str,
)
def test_what_python_can_hold_and_the_wire_cannot_is_refused_with_its_place(
    annotation: Any, text: Any
) -> None:
    type_: Any = msgspec.defstruct("Holder", [("member", annotation)])
    schema = Schema.of(json.dumps(json_schema(type_)))

    with pytest.raises(ShapingError, match=r"^Property 'member' cannot be read as "):
        schema.shape(content_of(f'{{"member":{text}}}'))
