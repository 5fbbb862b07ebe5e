"""An application that appends until it is killed, and says on standard output what was acknowledged.

    WITNESS=file python -m tests.faults.worker DATABASE ROUND

A line per acknowledged event: `appended`, event source, value, sequence number. The reactor adds a line per
handled event to the file WITNESS.

In another event store events claim unique names, events are redacted, and more is seeded in every round:
`claimed`, name, event source; `redacted`, sequence number; `seeded`.

A third one publishes in its outbox, and the first is subscribed to that: `published`, value.
"""

import asyncio
import itertools
import os
import sys
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel

from chronicle import (
    Artifacts,
    ChronicleClient,
    EventContext,
    EventStore,
    Seeds,
    Unique,
    event_store_subscription,
    event_type,
    reactor,
    reducer,
    seeder,
)

SEEDS_PER_ROUND = 250
SOURCES = [f"source-{number}" for number in range(8)]


@event_type("counted")
class Counted(BaseModel):
    value: str


@event_type("claimed")
class Claimed(BaseModel):
    name: Annotated[str, Unique("name")]


@event_type("noted")
class Noted(BaseModel):
    text: str


class Tally(BaseModel):
    values: list[str]


@reducer(model=Tally)
class Tallies:
    def counted(self, event: Counted, current: Tally | None) -> Tally:
        return Tally(values=[*(current.values if current else ()), event.value])


@reactor(id="witness")
class Witness:
    async def counted(self, event: Counted, context: EventContext) -> None:
        os.write(witness_file(), f"{context.sequence_number}\n".encode())


@cache
def witness_file() -> int:
    return os.open(os.environ["WITNESS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)


@event_store_subscription("publisher", id="published", event_types=[Noted])
class Published:
    pass


ARTIFACTS = Artifacts(
    event_types=[Counted], reactors=[Witness], reducers=[Tallies], subscriptions=[Published]
)
PUBLISHED = Artifacts(event_types=[Noted])


def artifacts_with_rules(rounds: int) -> Artifacts:
    """Those of the other event store, with the seeds of so many rounds."""

    @seeder
    def notes(seeds: Seeds) -> None:
        seeds.for_source("seeded", [Noted(text=f"{number}") for number in range(rounds * SEEDS_PER_ROUND)])

    return Artifacts(event_types=[Claimed, Noted], seeders=[notes])


def connection_string(database: Path) -> str:
    return f"chronicle+embedded:///{database}"


async def append_for_ever(store: EventStore, event_source_id: str, round_: str) -> None:
    for count in itertools.count():
        value = f"{event_source_id}:{round_}:{count}"
        # Half of them in batches, so that a kill can fall into one.
        if count % 2:
            result = await store.event_log.append(event_source_id, Counted(value=value))
            acknowledged = [(value, result.sequence_number)]
        else:
            values = [f"{value}:{part}" for part in "abc"]
            many = await store.event_log.append_many(event_source_id, [Counted(value=v) for v in values])
            acknowledged = list(zip(values, many.sequence_numbers, strict=True))
        for value, number in acknowledged:
            say("appended", event_source_id, value, number)


async def claim_for_ever(store: EventStore, who: str, round_: str) -> None:
    # Others want the same names at the same time. A source of its own for each: it would give up the last.
    for count in itertools.count():
        name = f"{round_}:{count}"
        if (await store.event_log.try_append(f"{who}:{name}", Claimed(name=name))).is_success:
            say("claimed", name, f"{who}:{name}")


async def redact_for_ever(store: EventStore, round_: str) -> None:
    for count in itertools.count():
        result = await store.event_log.append("redacted", Noted(text=f"{round_}:{count}"))
        assert result.sequence_number is not None
        await store.event_log.redact(result.sequence_number, "gone")
        say("redacted", result.sequence_number)


async def publish_for_ever(client: ChronicleClient, round_: str) -> None:
    store = await client.event_store("publisher", artifacts=PUBLISHED)
    for count in itertools.count():
        await store.outbox.append(f"source-{count % 3}", Noted(text=f"{round_}:{count}"))
        say("published", f"{round_}:{count}")


async def work_with_rules(client: ChronicleClient, round_: str) -> None:
    # Seeded while the others append, so that a kill can fall between two batches.
    store = await client.event_store("rules", artifacts=artifacts_with_rules(int(round_) + 1))
    say("seeded")
    async with asyncio.TaskGroup() as group:
        for who in "ab":
            group.create_task(claim_for_ever(store, who, round_))
        group.create_task(redact_for_ever(store, round_))


def say(*words: object) -> None:
    print(*words, flush=True)


async def main() -> None:
    async with ChronicleClient(connection_string(Path(sys.argv[1]))) as client:
        store = await client.event_store("crash", artifacts=ARTIFACTS)
        async with asyncio.TaskGroup() as group:
            for event_source_id in SOURCES:
                group.create_task(append_for_ever(store, event_source_id, sys.argv[2]))
            group.create_task(work_with_rules(client, sys.argv[2]))
            group.create_task(publish_for_ever(client, sys.argv[2]))


if __name__ == "__main__":
    asyncio.run(main())
