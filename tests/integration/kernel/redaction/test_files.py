"""What was redacted is gone from the files: the database and its log are searched for it."""

import random
from collections.abc import Iterable
from pathlib import Path

import pytest
from pydantic import BaseModel

from chronicle import Artifacts, ChronicleClient, EventStore, event_type, reducer
from tests.waiting import eventually

KEPT = "KEPT"


@event_type("noted")
class Noted(BaseModel):
    text: str


class Notes(BaseModel):
    texts: list[str]


@reducer(model=Notes, id="notes")
class NotesReducer:
    def noted(self, event: Noted, current: Notes | None) -> Notes:
        return Notes(texts=[*(current.texts if current else ()), event.text])


EVENTS = Artifacts(event_types=[Noted])


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "notes.db"


def connection_string(database: Path) -> str:
    return f"chronicle+embedded:///{database}"


def secret(number: int) -> str:
    return f"secret-{number:05d};"


def found(database: Path, texts: Iterable[str]) -> list[str]:
    """Which of the texts stand in any file of the database."""
    everything = b"".join(path.read_bytes() for path in sorted(database.parent.iterdir()))
    return [text for text in texts if text.encode() in everything]


async def gone(database: Path, texts: Iterable[str]) -> None:
    """Waits until none of the texts is in the files any more."""
    texts = list(texts)

    async def look() -> bool:
        return not found(database, texts)

    await eventually(look)


async def note(store: EventStore, texts: dict[int, str]) -> None:
    """Appends a note under each number, which must be the next one."""
    for number, text in texts.items():
        assert (
            await store.event_log.append(f"source-{number % 7}", Noted(text=text))
        ).sequence_number == number


def texts_of_all_sizes(count: int) -> dict[int, str]:
    """Secrets among other text: some fit a page many times, some fill several pages."""
    chance = random.Random(16371)
    sizes = (0, 10, 200, 1_000, 3_900, 20_000)
    return {
        number: f"{KEPT if number % 2 else 'lost'} {secret(number)}"
        + "x" * chance.choice(sizes)
        + secret(number)
        for number in range(count)
    }


async def test_given_events_of_all_sizes_when_some_are_redacted_then_only_the_others_are_in_the_files(
    database: Path,
) -> None:
    texts = texts_of_all_sizes(120)
    lost, kept = ([secret(number) for number in texts if number % 2 == odd] for odd in (0, 1))
    async with ChronicleClient(connection_string(database)) as client:
        store = await client.event_store("notes", artifacts=EVENTS)
        await note(store, texts)
        assert found(database, [*lost, *kept]) == [*lost, *kept]
        for number in range(0, len(texts), 2):
            await store.event_log.redact(number, "gone")
        await gone(database, lost)
        assert found(database, kept) == kept
    assert found(database, [*lost, *kept]) == kept


async def test_given_a_source_when_redacted_then_its_texts_are_gone(database: Path) -> None:
    texts = texts_of_all_sizes(70)
    lost = [secret(number) for number in texts if number % 7 == 3]
    kept = [secret(number) for number in texts if number % 7 != 3]
    async with ChronicleClient(connection_string(database)) as client:
        store = await client.event_store("notes", artifacts=EVENTS)
        await note(store, texts)
        await store.event_log.redact_for("source-3", "left")
        await gone(database, lost)
        assert found(database, kept) == kept


async def test_given_a_revised_event_when_redacted_then_neither_content_is_in_the_files(
    database: Path,
) -> None:
    async with ChronicleClient(connection_string(database)) as client:
        store = await client.event_store("notes", artifacts=EVENTS)
        await note(store, {0: secret(0)})
        await store.event_log.revise(0, Noted(text=secret(1)))
        await store.event_log.revise(0, Noted(text=secret(2)))

        async def is_revised() -> bool:
            return [one.event for one in await store.event_log.events_from(0)] == [Noted(text=secret(2))]

        await eventually(is_revised)
        # A revision takes nothing away.
        assert found(database, map(secret, range(3))) == list(map(secret, range(3)))
        await store.event_log.redact(0, "gone")
        await gone(database, map(secret, range(3)))


async def test_given_a_read_model_with_it_when_redacted_then_it_is_gone_from_there_as_well(
    database: Path,
) -> None:
    artifacts = Artifacts(event_types=[Noted], reducers=[NotesReducer])
    async with ChronicleClient(connection_string(database)) as client:
        store = await client.event_store("notes", artifacts=artifacts)
        for number in range(3):
            await store.event_log.append("a", Noted(text=secret(number)))

        async def texts() -> list[str]:
            notes = await store.read_models.get(Notes, "a")
            return notes.texts if notes else []

        async def has_all() -> bool:
            return len(await texts()) == 3

        await eventually(has_all)
        await store.event_log.redact(1, "gone")
        await gone(database, [secret(1)])
        assert await texts() == [secret(0), secret(2)]


async def test_given_a_kernel_that_stops_at_once_when_it_is_opened_again_then_it_is_done(
    database: Path,
) -> None:
    async with ChronicleClient(connection_string(database)) as client:
        store = await client.event_store("notes", artifacts=EVENTS)
        await note(store, {0: secret(0), 1: secret(1)})
        await store.event_log.redact(0, "gone")
    async with ChronicleClient(connection_string(database)):
        # Nobody opens the event store.
        await gone(database, [secret(0)])
    assert found(database, [secret(1)]) == [secret(1)]
