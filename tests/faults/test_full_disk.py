"""The disk is full: the appender is told, nothing is half-written, and once there is room it goes on."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import BaseModel

from chronicle import AppendError, Artifacts, ChronicleClient, EventStore, event_type

if sys.platform == "win32":
    pytest.skip("Windows has no limit on the size of files", allow_module_level=True)

import resource


@event_type("filled")
class Filled(BaseModel):
    filler: str = "x" * 2_000


ARTIFACTS = Artifacts(event_types=[Filled])


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """Writes beyond it fail, as they do on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def append_until_refused(store: EventStore) -> list[int]:
    numbers: list[int] = []
    while (many := await store.event_log.try_append_many("source", [Filled()] * 3)).is_success:
        numbers += many.sequence_numbers
    assert "disk" in many.errors[0]
    return numbers


@pytest.mark.row("E6")
async def test_a_full_disk_refuses_appends_and_loses_none(tmp_path: Path) -> None:
    connection_string = f"chronicle+embedded:///{tmp_path / 'full.db'}"
    async with ChronicleClient(connection_string) as client:
        store = await client.event_store("disk", artifacts=ARTIFACTS)
        with no_file_larger_than(1_000_000):
            stored = await append_until_refused(store)
            # Reading goes on, and so do further attempts.
            assert await store.event_log.tail() == stored[-1]
            with pytest.raises(AppendError):
                await store.event_log.append_many("source", [Filled()] * 3)

        result = await store.event_log.append("source", Filled())
        assert result.sequence_number == stored[-1] + 1, "what was refused took no number"

    async with ChronicleClient(connection_string) as client:
        store = await client.event_store("disk", artifacts=ARTIFACTS)
        numbers = [event.sequence_number async for event in store.event_log.read()]
        assert numbers == [*stored, stored[-1] + 1]
