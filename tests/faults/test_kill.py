"""The process is killed while it appends, again and again. What was acknowledged is there, exactly once."""

import asyncio
import os
import random
import signal
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from chronicle import ChronicleClient, EventRedacted, EventSequence, EventStore
from tests.faults.worker import (
    ARTIFACTS,
    PUBLISHED,
    SEEDS_PER_ROUND,
    SOURCES,
    Claimed,
    Noted,
    Tally,
    artifacts_with_rules,
    connection_string,
)
from tests.waiting import eventually

ROUNDS = 8


@dataclass
class Acknowledged:
    """What workers said before they were killed."""

    events: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Event source and value by number."""
    claims: dict[str, str] = field(default_factory=dict)
    """Event source by name."""
    redactions: set[int] = field(default_factory=set)
    published: list[str] = field(default_factory=list)

    def take(self, line: str) -> None:
        match line.split():
            case ["appended", event_source_id, value, number]:
                assert int(number) not in self.events, "a number was given twice"
                self.events[int(number)] = (event_source_id, value)
            case ["claimed", name, event_source_id]:
                assert name not in self.claims, "a name was given twice"
                self.claims[name] = event_source_id
            case ["redacted", number]:
                self.redactions.add(int(number))
            case ["published", value]:
                self.published.append(value)


async def run_and_kill(database: Path, round_: int, acknowledged: Acknowledged, lines: int) -> None:
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.worker", str(database), str(round_)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert worker.stdout is not None
    try:
        async for line in worker.stdout:
            # A line that the kill cut short was never said.
            if not line.endswith(b"\n"):
                break
            acknowledged.take(line.decode())
            lines -= 1
            if lines == 0:
                os.kill(worker.pid, signal.SIGKILL)
    finally:
        if worker.returncode is None and lines > 0:
            worker.kill()
        await worker.wait()
    assert lines <= 0, "the worker ended before it was killed"


async def check_reducers_went_on(store: EventStore, values_by_source: dict[str, list[str]]) -> None:
    async def caught_up() -> bool:
        tallies = [await store.read_models.get(Tally, source) for source in SOURCES]
        return [tally and tally.values for tally in tallies] == [values_by_source[s] for s in SOURCES]

    await eventually(caught_up)


async def check_rules_hold(store: EventStore, acknowledged: Acknowledged) -> None:
    """Names are unique, and known to be taken; seeds are there once; what was to be redacted is."""

    async def redacted() -> set[int]:
        events = store.event_log.read(event_source_id="redacted")
        return {event.sequence_number async for event in events if isinstance(event.event, EventRedacted)}

    await eventually(redacted, acknowledged.redactions.issubset)
    claims, seeds = {}, []
    async for event in store.event_log.read():
        if isinstance(event.event, Claimed):
            assert event.event.name not in claims, "two have the same name"
            claims[event.event.name] = event.event_source_id
        elif isinstance(event.event, Noted) and event.event_source_id == "seeded":
            seeds.append(event.event.text)
    assert acknowledged.claims.items() <= claims.items()
    assert seeds == [str(number) for number in range(ROUNDS * SEEDS_PER_ROUND)]
    for name in claims:
        assert not (await store.event_log.try_append("another", Claimed(name=name))).is_success
    assert (await store.event_log.try_append("another", Claimed(name="free"))).is_success


async def check_all_was_forwarded(store: EventStore, publisher: EventStore, published: list[str]) -> None:
    """The inbox is as the outbox is, which has all that was acknowledged."""

    async def texts(sequence: EventSequence) -> list[str]:
        return [event.event.text async for event in sequence.read() if isinstance(event.event, Noted)]

    outbox = await texts(publisher.outbox)
    assert set(published) <= set(outbox)
    inbox = store.inbox(publisher.name)
    assert await eventually(partial(texts, inbox), lambda found: len(found) >= len(outbox)) == outbox


async def test_a_killed_process_loses_nothing_that_it_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, witness = tmp_path / "crash.db", tmp_path / "witness.txt"
    monkeypatch.setenv("WITNESS", str(witness))
    acknowledged = Acknowledged()
    chance = random.Random(16371)
    for round_ in range(ROUNDS):
        await run_and_kill(database, round_, acknowledged, lines=chance.randint(20, 400))

    async with ChronicleClient(connection_string(database)) as client:
        store = await client.event_store("crash", artifacts=ARTIFACTS)
        events = [event async for event in store.event_log.read()]

        assert [event.sequence_number for event in events] == list(range(len(events))), (
            "numbers have no holes"
        )
        stored = {event.sequence_number: (event.event_source_id, event.event.value) for event in events}
        assert {number: stored[number] for number in acknowledged.events} == acknowledged.events
        values = [value for _, value in stored.values()]
        assert len(set(values)) == len(values), "an event was stored twice"
        batches = {value.rpartition(":")[0] for value in values if value.count(":") == 3}
        assert all(f"{batch}:{part}" in values for batch in batches for part in "abc"), "a batch was torn"

        await check_reducers_went_on(
            store, {s: [value for source, value in stored.values() if source == s] for s in SOURCES}
        )

        async def every_event_was_handled() -> bool:
            return {int(line) for line in witness.read_text().split()} == set(stored)

        await eventually(every_event_was_handled)

        rules = await client.event_store("rules", artifacts=artifacts_with_rules(ROUNDS))
        await check_rules_hold(rules, acknowledged)

        publisher = await client.event_store("publisher", artifacts=PUBLISHED)
        await check_all_was_forwarded(store, publisher, acknowledged.published)
