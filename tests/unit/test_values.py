"""The small values of the wire."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chronicle import values

# From the contract: the guid, and the two halves that .NET's byte order gives.
GUIDS = [
    ("00112233-4455-6677-8899-aabbccddeeff", 0x6677445500112233, 0xFFEEDDCCBBAA9988),
    ("12345678-2345-3456-4567-56789a6789ab", 0x3456234512345678, 0xAB89679A78566745),
]


@pytest.mark.parametrize(("text", "lo", "hi"), GUIDS)
def test_a_guid_has_the_halves_that_dotnet_gives_it(text: str, lo: int, hi: int) -> None:
    assert values.guid_halves(UUID(text)) == (lo, hi)
    assert values.guid_from_halves(lo, hi) == UUID(text)


@given(st.uuids())
def test_the_ways_to_convert_a_guid_agree(guid: UUID) -> None:
    lo, hi = values.guid_halves(guid)
    assert values.guid_from_halves(lo, hi) == guid
    assert values.guid_bytes_from_halves(lo, hi) == guid.bytes
    assert values.halves_from_guid_bytes(guid.bytes) == (lo, hi)


def test_new_ids_are_version_seven_and_ordered_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = []
    for millisecond in range(1_700_000_000_000, 1_700_000_000_010):
        monkeypatch.setattr("time.time_ns", lambda millisecond=millisecond: millisecond * 1_000_000)
        ids.append(values.uuid7())
    assert [id_.version for id_ in ids] == [7] * 10
    assert ids == sorted(ids)


@pytest.mark.parametrize("number", [values.UNAVAILABLE, values.MAX, values.BEFORE_FIRST])
def test_the_sentinels_name_no_event(number: int) -> None:
    assert not values.is_actual(number)


@pytest.mark.parametrize("number", [0, 1, values.BEFORE_FIRST - 1])
def test_every_other_number_names_an_event(number: int) -> None:
    assert values.is_actual(number)


def test_a_timestamp_is_written_in_dotnets_round_trip_form() -> None:
    moment = datetime(2024, 1, 15, 12, 30, tzinfo=timezone(timedelta(hours=2)))
    assert values.format_timestamp(moment) == "2024-01-15T12:30:00.0000000+02:00"
    assert values.format_ticks(values.to_ticks(moment)) == "2024-01-15T10:30:00.0000000+00:00"


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-15T12:30:00.1234567+02:00",
        "2024-01-15T10:30:00.123456Z",
        "2024-01-15T10:30:00.123456",
    ],
)
def test_a_timestamp_is_read_with_any_offset_and_up_to_seven_digits(text: str) -> None:
    assert values.parse_timestamp(text) == datetime(2024, 1, 15, 10, 30, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "", "2024-13-01T00:00:00Z"])
def test_a_text_that_is_no_timestamp_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        values.parse_timestamp(text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_moments_survive_ticks_and_text(moment: datetime) -> None:
    assert values.from_ticks(values.to_ticks(moment)) == moment
    assert values.parse_timestamp(values.format_ticks(values.to_ticks(moment))) == moment
    assert values.parse_timestamp(values.format_timestamp(moment)) == moment
