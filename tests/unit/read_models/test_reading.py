"""Instances in all the forms in which a kernel returns them (projections-and-read-models.md 3.7)."""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum

import pytest

from chronicle.errors import SerializationError
from chronicle.read_models.reading import InstanceReader
from chronicle.serialization import Serializer, as_declared


class Mood(Enum):
    CALM = 0
    ANGRY = 1


@dataclass
class Account:
    owner: str
    balance: Decimal = Decimal(0)
    nick_name: str | None = None


@dataclass
class Diary:
    tags: list[str]
    counts: dict[str, int]
    notes: list[str] | None


@dataclass
class Moment:
    mood: Mood
    day: date
    hour: time
    at: datetime | None = None


@pytest.fixture
def reader() -> InstanceReader:
    return InstanceReader(Serializer())


@pytest.mark.row("S122")
@pytest.mark.parametrize("text", ["", "null"])
def test_an_unknown_key_is_none(reader: InstanceReader, text: str) -> None:
    assert reader.read(Account, text) is None


def test_members_are_read_by_their_names_in_content(reader: InstanceReader) -> None:
    assert reader.read(Account, '{"owner":"Ann","balance":10.20,"nickName":"A"}') == Account(
        "Ann", Decimal("10.20"), "A"
    )
    declared = InstanceReader(Serializer(as_declared))
    assert declared.read(Account, '{"owner":"Ann","nick_name":"A"}') == Account("Ann", nick_name="A")


def test_what_the_kernel_keeps_for_itself_is_ignored(reader: InstanceReader) -> None:
    text = (
        '{"owner":"Ann","__lastHandledEventSequenceNumber":18446744073709551615,"__subject":"x","other":[1]}'
    )
    assert reader.read(Account, text) == Account("Ann")


@pytest.mark.row("S199")
def test_collections_that_were_never_written_are_empty_or_none(reader: InstanceReader) -> None:
    assert reader.read(Diary, "{}") == Diary(tags=[], counts={}, notes=None)
    assert reader.read(Diary, '{"tags":["a"]}') == Diary(tags=["a"], counts={}, notes=None)
    assert reader.read(Diary, '{"tags":["counts"],"counts":{"a":1},"notes":[]}') == Diary(
        ["counts"], {"a": 1}, []
    )


@pytest.mark.row("P228")
@pytest.mark.parametrize("mood", ["1", '"ANGRY"'])
@pytest.mark.parametrize("day", ["2024-01-15", "2024-01-15T12:00:00"])
@pytest.mark.parametrize("hour", ["12:30:00", "0001-01-01T12:30:00"])
def test_enum_dates_and_times_are_read_in_both_forms(
    reader: InstanceReader, mood: str, day: str, hour: str
) -> None:
    moment = reader.read(Moment, f'{{"mood":{mood},"day":"{day}","hour":"{hour}"}}')
    assert moment == Moment(Mood.ANGRY, date(2024, 1, 15), time(12, 30))


@pytest.mark.parametrize("text", ["[", "[]", '{"balance":1}', "{}"])
def test_what_does_not_fit_says_so(reader: InstanceReader, text: str) -> None:
    with pytest.raises(SerializationError, match="Account"):
        reader.read(Account, text)
    with pytest.raises(SerializationError, match="Diary"):
        reader.read(Diary, '{"tags":1}')
