"""Whatever the value contract can hold comes back as it was (events.md 16)."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from chronicle.serialization import Serializer
from chronicle.serialization.scalars import format_duration, parse_duration


class Color(Enum):
    RED = 1
    GREEN = 2


class AccountId(str): ...


@dataclass
class Part:
    name: str
    weight: float
    made_at: datetime | None


class Model(BaseModel):
    text: str
    flag: bool
    whole: int
    real: float
    exact: Decimal
    guid: UUID
    raw: bytes
    moment: datetime
    day: date
    hour: time
    waited: timedelta
    color: Color
    maybe_color: Color | None
    maybe_text: str | None = "default"
    the_parts: list[Part] = []
    by_name: dict[str, Part] = {}
    numbers: set[int] = set()
    guids: tuple[UUID, ...] = ()


@dataclass
class Data:
    account_id: AccountId
    text: str
    exact: Decimal
    moment: datetime
    waited: timedelta | None
    model: Model
    maybe: Model | None = None
    whatever: Any = None
    hours: list[time] = field(default_factory=list)


class Struct(msgspec.Struct):
    raw: bytes
    durations: dict[str, timedelta]
    data: Data
    days: frozenset[date]


# JSON texts are Unicode, which has no lone surrogates.
texts = st.text(st.characters(exclude_categories=["Cs"]))
# Moments within a day of the calendar's ends cannot be moved to every time zone. An hour that a clock shows
# twice is equal to no moment of another zone, not even to itself there.
moments = st.datetimes(
    datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.timezones() | st.just(UTC), allow_imaginary=False
).filter(lambda moment: moment.utcoffset() == moment.replace(fold=not moment.fold).utcoffset())
exact = st.decimals(allow_nan=False, allow_infinity=False)
real = st.floats(allow_nan=False, allow_infinity=False)
whole = st.integers(-(2**63), 2**63 - 1)
json_values = st.recursive(
    st.none() | st.booleans() | whole | real | texts,
    lambda values: st.lists(values) | st.dictionaries(texts, values),
    max_leaves=5,
)

parts = st.builds(Part, name=texts, weight=real, made_at=st.none() | moments)
models = st.builds(
    Model,
    text=texts,
    flag=st.booleans(),
    whole=whole,
    real=real,
    exact=exact,
    guid=st.uuids(),
    raw=st.binary(),
    moment=moments,
    day=st.dates(),
    hour=st.times(),
    waited=st.timedeltas(),
    color=st.sampled_from(Color),
    maybe_color=st.none() | st.sampled_from(Color),
    maybe_text=st.none() | texts,
    the_parts=st.lists(parts, max_size=3),
    by_name=st.dictionaries(texts, parts, max_size=3),
    numbers=st.sets(whole),
    guids=st.lists(st.uuids()).map(tuple),
)
data = st.builds(
    Data,
    account_id=texts.map(AccountId),
    text=texts,
    exact=exact,
    moment=moments,
    waited=st.none() | st.timedeltas(),
    model=models,
    maybe=st.none() | models,
    whatever=json_values,
    hours=st.lists(st.times(), max_size=3),
)
structs = st.builds(
    Struct,
    raw=st.binary(),
    durations=st.dictionaries(texts, st.timedeltas(), max_size=3),
    data=data,
    days=st.frozensets(st.dates()),
)

serializer = Serializer()

# Neither the clock nor a busy machine decides whether a test passes.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@unhurried
@given(structs)
def test_a_value_comes_back_as_it_was(value: Struct) -> None:
    again = serializer.from_json(Struct, serializer.to_json(value))

    assert again == value
    assert type(again.data.account_id) is AccountId


@unhurried
@given(models)
def test_content_reads_the_same_as_text_and_as_bytes(value: Model) -> None:
    text = serializer.to_json(value)

    assert serializer.from_json(Model, text) == serializer.from_json(Model, text.encode()) == value


@unhurried
@given(st.timedeltas())
def test_a_duration_comes_back_to_the_microsecond(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration
