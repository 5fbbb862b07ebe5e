"""The small values of the wire: sequence numbers and their sentinels, guids, timestamps, well-known names.

Everything here is shared by the client and the embedded kernel and knows nothing of either.
Sources: events.md 2 (sequence numbers), contract README (guids, timestamps).
"""

import os
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID

# Sequence numbers are uint64; the three highest values are words, not numbers.
UNAVAILABLE: Final = 2**64 - 1
"""No value: an empty sequence's tail, a rejected append's number, a scope that checks nothing."""
MAX: Final = 2**64 - 2
"""A concurrency scope that was not set; the open end of a range."""
BEFORE_FIRST: Final = 2**64 - 3
"""No matching event may exist yet."""

EVENT_LOG: Final = "event-log"
SYSTEM_SEQUENCE: Final = "system"
OUTBOX: Final = "outbox"
INBOX: Final = "inbox"

DEFAULT_NAMESPACE: Final = "Default"
NOT_SET: Final = "[NotSet]"

DEFAULT_SOURCE_TYPE: Final = "Default"
ALL_STREAM_TYPE: Final = "All"
DEFAULT_STREAM_ID: Final = "Default"

EVENT_REDACTED: Final = "EventRedacted"
"""The type that an event has once it was redacted; no event store registers it (events.md 10.1)."""

EVENT_SOURCE_ID_KEY: Final = "$eventSourceId"
"""The key expression that partitions an observer by event source."""

GRPC_OPTIONS: Final = (
    # 100 MiB, as the .NET client (client-surface.md 3.1).
    ("grpc.max_send_message_length", 104_857_600),
    ("grpc.max_receive_message_length", 104_857_600),
    # Without all three a peer that hangs is noticed after a minute or never: a bandwidth probe's ping has a
    # timeout of its own. More pings than these and some servers answer with GOAWAY.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
)
"""What both ends of a connection are set to; they have to agree on how often either may ping."""

NO_GUID: Final = UUID(int=0)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICKS_PER_SECOND: Final = 10_000_000
_MICROSECOND: Final = timedelta(microseconds=1)


def inbox_of(event_store: str) -> str:
    """The event sequence of what came from another event store (events.md 2)."""
    return f"{INBOX}-{event_store}"


def is_actual(number: int) -> bool:
    """Whether a sequence number names an event, rather than being one of the three sentinels."""
    return 0 <= number < BEFORE_FIRST


def uuid7() -> UUID:
    """A new time-ordered id (RFC 9562, version 7).

    Time order matters: a random 16-byte index column halves batch appends.
    """
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10))
    value = (milliseconds & (2**48 - 1)) << 80 | random
    value &= ~(0xF << 76)
    value |= 0x7 << 76
    value &= ~(0x3 << 62)
    value |= 0x2 << 62
    return UUID(int=value)


def guid_halves(value: UUID) -> tuple[int, int]:
    """The `lo` and `hi` of a `bcl.Guid`."""
    return halves_from_guid_bytes(value.bytes)


def guid_from_halves(lo: int, hi: int) -> UUID:
    """The guid that a `bcl.Guid` with these halves stands for."""
    return UUID(bytes=guid_bytes_from_halves(lo, hi))


# Most calls and events share their correlation id with the one before.
@lru_cache(maxsize=1024)
def halves_from_guid_bytes(value: bytes) -> tuple[int, int]:
    """The halves of a `bcl.Guid` from `UUID.bytes`: .NET's byte order, each half little-endian."""
    first = value[3::-1] + value[5:3:-1] + value[7:5:-1]
    return int.from_bytes(first, "little"), int.from_bytes(value[8:], "little")


@lru_cache(maxsize=1024)
def guid_bytes_from_halves(lo: int, hi: int) -> bytes:
    """`UUID.bytes` of that guid, without making a `UUID`: the kernel does this once per event."""
    little = (hi << 64 | lo).to_bytes(16, "little")
    return little[3::-1] + little[5:3:-1] + little[7:5:-1] + little[8:]


def now_ticks() -> int:
    """The time now, in ticks."""
    return time.time_ns() // 100


def to_ticks(moment: datetime) -> int:
    """Ticks (100 ns since the Unix epoch, UTC) of a moment; a naive one is taken as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND * 10


def from_ticks(ticks: int) -> datetime:
    """The moment, in UTC, of a number of ticks; Python keeps microseconds, so the last digit is dropped."""
    return _EPOCH + timedelta(microseconds=ticks // 10)


@lru_cache(maxsize=1024)
def _format_second(second: int) -> str:
    return (_EPOCH + timedelta(seconds=second)).replace(tzinfo=None).isoformat()


def format_ticks(ticks: int) -> str:
    """Ticks in .NET's round-trip form, `2024-01-15T12:30:00.0000000+00:00`."""
    second, fraction = divmod(ticks, _TICKS_PER_SECOND)
    return f"{_format_second(second)}.{fraction:07d}+00:00"


def format_timestamp(moment: datetime) -> str:
    """A moment in .NET's round-trip form, keeping its offset; a naive one is taken as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    text = moment.isoformat(timespec="microseconds")
    return f"{text[:26]}0{text[26:]}"


def parse_timestamp(text: str) -> datetime:
    """The moment that a wire timestamp names; `Z`, any offset and 0 to 7 fraction digits are accepted.

    Raises `ValueError` for a text that is no ISO 8601 date and time.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
