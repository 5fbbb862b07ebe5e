"""Reading personal data: as it was, as text, and after its subject was erased (events.md 13.3)."""

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from pydantic import AnyUrl, BaseModel, Field

from chronicle import Pii, SerializationError
from chronicle.read_models.reading import InstanceReader
from chronicle.serialization import Serializer

serializer = Serializer()


class Color(IntEnum):
    RED = 1
    NONE = 0


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


@Pii()
class Code(str):
    pass


@Pii()
class GuidCode(UUID):
    pass


@Pii()
@dataclass
class Everything:
    text: str
    whole: int
    real: float
    exact: Decimal
    flag: bool
    guid: UUID
    raw: bytes
    moment: datetime
    day: date
    hour: time
    waited: timedelta
    color: Color
    size: Size
    word: Literal["a", "b"]
    code: Code
    guid_code: GuidCode
    items: list[int]
    names: dict[str, int]


EVERYTHING = Everything(
    "Åse",
    12,
    1.5,
    Decimal("12.50"),
    True,
    UUID(int=7),
    b"raw",
    datetime(2024, 2, 29, tzinfo=UTC),
    date(2024, 2, 29),
    time(12, 30),
    timedelta(days=1, seconds=1),
    Color.RED,
    Size.LARGE,
    "b",
    Code("x"),
    GuidCode(int=7),
    [1, 2],
    {"a": 1},
)


def test_personal_values_come_back_as_they_were() -> None:
    assert serializer.from_json(Everything, serializer.to_json(EVERYTHING)) == EVERYTHING


def test_they_come_back_from_the_texts_that_they_were_encrypted_as() -> None:
    content = json.loads(serializer.to_json(EVERYTHING))
    texts = {
        name: value if isinstance(value, str | list | dict) else json.dumps(value)
        for name, value in content.items()
    }

    assert serializer.from_json(Everything, json.dumps(texts)) == EVERYTHING


def test_what_was_erased_is_empty() -> None:
    names: dict[str, Any] = json.loads(serializer.to_json(EVERYTHING))
    content = {**dict.fromkeys(names, ""), "items": [], "names": {}}

    erased = serializer.from_json(Everything, json.dumps(content))

    assert erased == Everything(
        "",
        0,
        0.0,
        Decimal(0),
        False,
        UUID(int=0),
        b"",
        datetime(1, 1, 1, tzinfo=UTC),
        date.min,
        time.min,
        timedelta(0),
        Color.NONE,
        Size.SMALL,
        "a",
        Code(""),
        GuidCode(int=0),
        [],
        {},
    )
    assert type(erased.code) is Code
    assert type(erased.guid_code) is GuidCode


def test_what_was_erased_is_none_or_its_default_where_it_may_be() -> None:
    @dataclass
    class Person:
        age: Annotated[int | None, Pii()]
        born: Annotated[date, Pii()] | None = date(2000, 1, 1)
        height: Annotated[int, Pii()] = 180
        size: Annotated[Size, Pii()] = Size.LARGE
        scores: list[Annotated[int, Pii()]] = field(default_factory=list)

    erased = serializer.from_json(
        Person, '{"age": "", "born": "", "height": "", "size": "", "scores": ["", 3, "4"]}'
    )

    assert erased == Person(None, None, 180, Size.LARGE, [0, 3, 4])
    assert serializer.from_json(Person, "{}") == Person(None, None)
    assert serializer.from_json(Person, '{"age": null}') == Person(None, None)


def test_a_pydantic_model_does_not_check_what_was_erased() -> None:
    class Person(BaseModel):
        name: Annotated[str, Pii(), Field(min_length=1)]
        site: Annotated[AnyUrl, Pii()] | None = None
        visits: int = Field(default=1, gt=0)

    erased = serializer.from_json(Person, '{"name": "", "site": "", "visits": 2}')

    assert (erased.name, erased.site, erased.visits) == ("", None, 2)
    with pytest.raises(SerializationError):
        serializer.from_json(Person, '{"name": "Alice", "visits": 0}')
    with pytest.raises(SerializationError):
        serializer.from_json(Person, '{"visits": 2}')


def test_inside_a_model_with_an_alias_too() -> None:
    class Inner(BaseModel):
        mail: Annotated[str, Pii(), Field(alias="e-mail", pattern=".+@.+")]

    class Outer(BaseModel):
        inner: Inner
        many: list[Inner] = []

    erased = serializer.from_json(Outer, '{"inner": {"e-mail": ""}, "many": [{"e-mail": "a@b"}]}')

    assert erased.inner.mail == ""
    assert erased.many[0].mail == "a@b"


def test_a_struct_is_read_alike() -> None:
    class Person(msgspec.Struct):
        name: Annotated[str, Pii()]
        age: Annotated[int, Pii()] = 3

    assert serializer.from_json(Person, '{"name": "", "age": ""}') == Person("", 3)
    assert serializer.from_json(Person, '{"name": "A", "age": "41"}') == Person("A", 41)


@pytest.mark.parametrize("text", ['{"age": "x"}', '{"age": [1]}', '{"age": {}}', '{"age": 1.5}'])
def test_what_does_not_fit_is_refused_as_ever(text: str) -> None:
    @dataclass
    class Person:
        age: Annotated[int, Pii()]
        name: Annotated[str, Pii()] = ""

    if text == '{"age": {}}':
        assert serializer.from_json(Person, text) == Person(0)
    else:
        with pytest.raises(SerializationError, match="age"):
            serializer.from_json(Person, text)


def test_a_personal_class_inside_itself_is_read_as_deep_as_it_goes() -> None:
    erased = serializer.from_json(Node, '{"level": "", "child": {"level": "", "child": {"level": 2}}}')

    assert erased == Node(0, Node(0, Node(2)))


@dataclass
class Node:
    level: Annotated[int, Pii()]
    child: "Node | None" = None


def test_a_read_model_lacks_its_personal_collections_before_they_are_written_to() -> None:
    @dataclass
    class Person:
        name: Annotated[str, Pii()]
        phones: Annotated[list[str], Pii()]

    assert InstanceReader(serializer).read(Person, '{"name": "Alice"}') == Person("Alice", [])


def test_members_that_are_not_personal_are_not_read_leniently() -> None:
    @dataclass
    class Plain:
        age: int
        extra: Any = None

    with pytest.raises(SerializationError):
        serializer.from_json(Plain, '{"age": ""}')
