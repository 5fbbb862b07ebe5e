"""Values to content and back (events.md 16)."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, HttpUrl, field_validator
from pydantic.dataclasses import dataclass as pydantic_dataclass

from chronicle.errors import SerializationError, UnsupportedTypeError
from chronicle.serialization import Serializer
from tests.unit.serialization.kinds import AccountId, Cents, Color, OrderId, Rights, Word

GUID = UUID("0A0B0C0D-0000-0000-0000-00000000ABCD")


@dataclass
class Line:
    unit_price: Decimal
    note: str | None = None


class Address(BaseModel):
    street_name: str
    since: date | None = None


@pytest.fixture
def serializer() -> Serializer:
    return Serializer()


def holder(annotation: Any) -> type:
    return msgspec.defstruct("Holder", [("member", annotation)], eq=True)


def member_on_the_wire(serializer: Serializer, annotation: Any, value: Any) -> Any:
    text = serializer.to_json(holder(annotation)(value))
    return json.loads(text, parse_float=Decimal).get("member")


@pytest.mark.parametrize(
    ("annotation", "value", "wire"),
    [
        (str, "Blåbær 🚀", "Blåbær 🚀"),
        (bool, True, True),
        (int, 2**63 - 1, 2**63 - 1),
        (float, 1.5, Decimal("1.5")),
        (Decimal, Decimal("12.50"), Decimal("12.50")),
        (UUID, GUID, "0a0b0c0d-0000-0000-0000-00000000abcd"),
        (bytes, b"\xff\xfe\x00", "//4A"),
        (datetime, datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), "2024-01-02T03:04:05+00:00"),
        (
            datetime,
            datetime(2024, 1, 2, 3, 4, 5, 60, timezone(timedelta(hours=-2))),
            "2024-01-02T03:04:05.000060-02:00",
        ),
        (date, date(2024, 1, 2), "2024-01-02"),
        (time, time(12, 30), "12:30:00"),
        (timedelta, timedelta(hours=1, seconds=2), "01:00:02"),
        (timedelta, timedelta(days=3, microseconds=1_500_000), "3.00:00:01.5000000"),
        (timedelta, -timedelta(days=1, minutes=1), "-1.00:01:00"),
        (Color, Color.GREEN, 2),
        (Rights, Rights.READ | Rights.WRITE, 3),
        (Word, Word.YES, "yes"),
        (Literal["a", "b"], "b", "b"),
        (AccountId, AccountId("a-1"), "a-1"),
        (Cents, Cents(7), 7),
        (OrderId, OrderId(int=1), "00000000-0000-0000-0000-000000000001"),
        (list[timedelta], [timedelta(1)], ["1.00:00:00"]),
        (tuple[int, ...], (1, 2), [1, 2]),
        (set[Color], {Color.RED}, [1]),
        (frozenset[AccountId], frozenset({AccountId("x")}), ["x"]),
        (Sequence[Line], [Line(Decimal("1.0"))], [{"unitPrice": Decimal("1.0")}]),
        (dict[str, Line], {"snake_key": Line(Decimal(1), "n")}, {"snake_key": {"unitPrice": 1, "note": "n"}}),
        (Mapping[AccountId, int], {AccountId("k"): 1}, {"k": 1}),
        (dict[UUID, timedelta], {GUID: timedelta(0)}, {str(GUID): "00:00:00"}),
        (list[int | None], [1, None], [1, None]),
        (list[Line | None], [None, Line(Decimal(2))], [None, {"unitPrice": 2}]),
        (Address, Address(street_name="Main"), {"streetName": "Main"}),
        (HttpUrl, HttpUrl("https://example.com/a"), "https://example.com/a"),
        (dict[str, Any], {"any_key": [1, "x", None, {"y": True}]}, {"any_key": [1, "x", None, {"y": True}]}),
        (Any, {"a": 1.5}, {"a": Decimal("1.5")}),
        (int | None, None, None),
        (Any, None, None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_value_has_its_form_on_the_wire_and_comes_back(
    serializer: Serializer, annotation: Any, value: Any, wire: Any
) -> None:
    type_ = holder(annotation)

    assert member_on_the_wire(serializer, annotation, value) == wire
    assert serializer.from_json(type_, serializer.to_json(type_(value))) == type_(value)


def test_a_decimal_is_a_number_without_loss(serializer: Serializer) -> None:
    exact = Decimal("12345678901234567890.12345678901234567890")

    text = serializer.to_json(Line(exact))

    assert text == '{"unitPrice":12345678901234567890.12345678901234567890}'
    assert serializer.from_json(Line, text).unit_price == exact


def test_a_naive_moment_is_taken_as_utc(serializer: Serializer) -> None:
    assert member_on_the_wire(serializer, datetime, datetime(2024, 1, 2)) == "2024-01-02T00:00:00+00:00"
    assert serializer.from_json(datetime, '"2024-01-02T00:00:00"') == datetime(2024, 1, 2, tzinfo=UTC)


def test_an_offset_that_the_wire_cannot_carry_becomes_utc(serializer: Serializer) -> None:
    local_mean_time = datetime(1900, 1, 1, tzinfo=ZoneInfo("Europe/Amsterdam"))
    far_east = datetime(2024, 1, 1, 20, tzinfo=timezone(timedelta(hours=15)))

    assert serializer.to_json(local_mean_time) == json.dumps(local_mean_time.astimezone(UTC).isoformat())
    assert serializer.to_json(far_east) == '"2024-01-01T05:00:00+00:00"'


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        (datetime, '"9999-12-31T23:59:59.9999999+00:00"', datetime.max.replace(tzinfo=UTC)),
        (datetime, '"2024-01-15T12:30:00.1Z"', datetime(2024, 1, 15, 12, 30, 0, 100_000, UTC)),
        (date, '"2024-01-15T12:00:00"', date(2024, 1, 15)),
        (time, '"0001-01-01T12:30:00"', time(12, 30)),
        (time, '"12:30:00.1234567"', time(12, 30, 0, 123_456)),
        (timedelta, '"1.02:03:04.0000005"', timedelta(days=1, hours=2, minutes=3, seconds=4)),
        (Color, '"GREEN"', Color.GREEN),
        (Decimal, '"1.5"', Decimal("1.5")),
        (float, "1", 1.0),
    ],
    ids=str,
)
def test_the_forms_that_other_clients_and_read_models_use_are_read_too(
    serializer: Serializer, type_: type, text: str, value: object
) -> None:
    assert serializer.from_json(type_, text) == value


def test_members_that_are_none_are_left_out_and_come_back_as_none(serializer: Serializer) -> None:
    class Event(BaseModel):
        name: str
        note: str | None
        nickname: str | None = "none given"

    event = Event(name="a", note=None, nickname=None)

    assert serializer.to_json(event) == '{"name":"a"}'
    assert serializer.from_json(Event, '{"name":"a"}') == event


def test_other_absent_members_take_their_default(serializer: Serializer) -> None:
    @dataclass
    class Event:
        name: str
        tags: list[str] = field(default_factory=lambda: ["new"])
        waited: timedelta = timedelta(1)

    assert serializer.from_json(Event, '{"name":"a"}') == Event("a")


def test_unknown_members_are_ignored_even_by_a_model_that_forbids_them(serializer: Serializer) -> None:
    class Strict(BaseModel):
        model_config = ConfigDict(extra="forbid")
        name: str

    assert serializer.from_json(Strict, '{"name":"a","other":{"deep":1}}') == Strict(name="a")


def test_bytes_are_read_as_text_is(serializer: Serializer) -> None:
    assert serializer.from_json(Line, b'{"unitPrice":1}') == Line(Decimal(1))


def test_a_strict_model_is_given_values_not_texts(serializer: Serializer) -> None:
    class Strict(BaseModel):
        model_config = ConfigDict(strict=True)
        when: AwareDatetime
        id: UUID
        color: Color
        price: Decimal
        parts: tuple[int, ...]

    event = Strict(
        when=datetime(2024, 1, 1, tzinfo=UTC), id=GUID, color=Color.RED, price=Decimal("1.1"), parts=(1,)
    )

    assert serializer.from_json(Strict, serializer.to_json(event)) == event


def test_a_models_own_validation_runs_on_reading(serializer: Serializer) -> None:
    class Deposited(BaseModel):
        the_amount: int = Field(gt=0)
        owner: str

        @field_validator("owner")
        @classmethod
        def upper(cls, owner: str) -> str:
            return owner.upper()

    assert serializer.from_json(Deposited, '{"theAmount":1,"owner":"a"}').owner == "A"
    with pytest.raises(SerializationError, match=r"fit .*Deposited: .*greater than 0 - at `\$\.the_amount`"):
        serializer.from_json(Deposited, '{"theAmount":-1,"owner":"a"}')


def test_a_pydantic_dataclass_is_validated_under_its_aliases(serializer: Serializer) -> None:
    @pydantic_dataclass
    class Event:
        the_amount: int = Field(alias="amount", gt=0)

    event = Event(amount=3)

    assert serializer.to_json(event) == '{"amount":3}'
    assert serializer.from_json(Event, '{"amount":3}') == event
    with pytest.raises(SerializationError, match="greater than 0"):
        serializer.from_json(Event, '{"amount":0}')


def test_a_dataclass_checks_itself_on_reading(serializer: Serializer) -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Positive:
        amount: int

        def __post_init__(self) -> None:
            if self.amount < 0:
                raise ValueError("must not be negative")

    assert serializer.from_json(Positive, '{"amount":1}') == Positive(amount=1)
    with pytest.raises(SerializationError, match=r"Positive: must not be negative"):
        serializer.from_json(Positive, '{"amount":-1}')


class Node(BaseModel):
    name: str
    parent: "Node | None" = None
    children: list["Node"] = []


@dataclass
class Link:
    waited: timedelta
    next_link: "Link | None" = None


@pytest.mark.parametrize(
    "value",
    [
        Node(name="a", parent=Node(name="p"), children=[Node(name="c", children=[Node(name="d")])]),
        Link(timedelta(1), Link(timedelta(2), Link(timedelta(3)))),
    ],
    ids=["model", "dataclass"],
)
def test_a_class_inside_itself_comes_back(serializer: Serializer, value: object) -> None:
    assert serializer.from_json(type(value), serializer.to_json(value)) == value
    assert serializer.from_json(Link, '{"waited":"00:00:00","nextLink":null}') == Link(timedelta(0))


class Order(BaseModel):
    order_lines: list[Line]
    ship_to: Address
    first: Link | None = None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Order: "),
        ("[]", "Order: Expected `object`, got `array`"),
        ("null", "Order: Expected `object`, got `null`"),
        ('{"orderLines":[]}', "Order: Object missing required field `shipTo`"),
        (
            '{"orderLines":[{"unitPrice":1},{"unitPrice":true}],"shipTo":{"streetName":"x"}}',
            r"Order: .* - at `\$\.orderLines\[1\]\.unitPrice`",
        ),
        (
            '{"orderLines":[],"shipTo":{"streetName":"x","since":"tomorrow"}}',
            r"Order: .*tomorrow.* - at `\$\.shipTo\.since`",
        ),
        (
            '{"orderLines":[],"shipTo":{"streetName":"x"},"first":{"waited":"00:00:00","nextLink":{"waited":"no"}}}',
            r"Order: 'no' is no duration .* - at `\$\.first\.nextLink\.waited`",
        ),
        (
            '{"orderLines":[],"shipTo":{"streetName":"x"},"first":{"waited":"00:00:00","nextLink":{"waited":1}}}',
            r"Order: Expected `str`, got `int` - at `\$\.first\.nextLink\.waited`",
        ),
    ],
)
def test_content_that_does_not_fit_is_refused_naming_class_and_place(
    serializer: Serializer, text: str, reason: str
) -> None:
    with pytest.raises(SerializationError, match=reason):
        serializer.from_json(Order, text)


@pytest.mark.parametrize("value", [9, '"PURPLE"'])
def test_a_number_or_name_that_no_enum_member_has_is_refused(serializer: Serializer, value: object) -> None:
    with pytest.raises(SerializationError, match=r"not a valid Color - at `\$\.member`"):
        serializer.from_json(holder(Color), f'{{"member":{value}}}')


@pytest.mark.parametrize(
    ("annotation", "value", "reason"),
    [
        (float, float("nan"), "nan cannot be written"),
        (float, float("inf"), "inf cannot be written"),
        (Decimal, Decimal("NaN"), "NaN cannot be written"),
        (list[Decimal], [Decimal("Infinity")], "Infinity cannot be written"),
        (Any, {"deep": [float("nan")]}, "nan cannot be written"),
        (time, time(1, tzinfo=UTC), "offset"),
        (timedelta, "no duration", "str"),
        (dict[str, Any], {"deep": complex(1)}, "complex"),
    ],
    ids=str,
)
def test_a_value_that_cannot_be_written_is_refused_naming_class_and_place(
    serializer: Serializer, annotation: Any, value: Any, reason: str
) -> None:
    with pytest.raises(SerializationError, match=rf"Holder cannot be written .*{reason}.* - at `\$\.member`"):
        serializer.to_json(holder(annotation)(value))


def test_text_that_is_no_unicode_is_refused(serializer: Serializer) -> None:
    with pytest.raises(SerializationError, match="Holder cannot be written"):
        serializer.to_json(holder(str)("\ud800"))


def test_values_of_unknown_classes_follow_the_same_rules_inside_any(serializer: Serializer) -> None:
    value = {"line": Line(Decimal("1.0")), "waited": timedelta(1), "moment": datetime(2024, 1, 1)}

    assert serializer.to_json(value) == (
        '{"line":{"unitPrice":1.0},"waited":"1.00:00:00","moment":"2024-01-01T00:00:00+00:00"}'
    )


def test_a_class_that_content_cannot_hold_is_refused(serializer: Serializer) -> None:
    with pytest.raises(UnsupportedTypeError, match="complex"):
        serializer.to_json(complex(1))


def test_a_subclass_in_a_members_place_is_written_as_the_member_says(serializer: Serializer) -> None:
    @dataclass
    class Special(Line):
        extra: int = 1

    assert member_on_the_wire(serializer, Line, Special(Decimal(1))) == {"unitPrice": 1}


def test_pydantic_is_not_imported_for_those_who_do_not_use_it() -> None:
    program = """
import sys
from dataclasses import dataclass
from chronicle.serialization import Serializer, json_schema
@dataclass
class Event:
    name: str
serializer = Serializer()
assert serializer.from_json(Event, serializer.to_json(Event("a"))) == Event("a")
json_schema(Event)
print([name for name in sys.modules if name.startswith("pydantic")])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
