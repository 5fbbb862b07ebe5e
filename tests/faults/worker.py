"""An application that appends until it is killed, and says on standard output what was acknowledged.

    WITNESS=file python -m tests.faults.worker DATABASE ROUND

A line per acknowledged event: event source, value, sequence number. The reactor adds a line per handled event
to the file WITNESS.
"""

import asyncio
import itertools
import os
import sys
from functools import cache
from pathlib import Path

from pydantic import BaseModel

from chronicle import Artifacts, ChronicleClient, EventContext, EventStore, event_type, reactor, reducer

SOURCES = [f"source-{number}" for number in range(8)]


@event_type("counted")
class Counted(BaseModel):
    value: str


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


ARTIFACTS = Artifacts(event_types=[Counted], reactors=[Witness], reducers=[Tallies])


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
            print(event_source_id, value, number, flush=True)


async def main() -> None:
    async with ChronicleClient(connection_string(Path(sys.argv[1]))) as client:
        store = await client.event_store("crash", artifacts=ARTIFACTS)
        async with asyncio.TaskGroup() as group:
            for event_source_id in SOURCES:
                group.create_task(append_for_ever(store, event_source_id, sys.argv[2]))


if __name__ == "__main__":
    asyncio.run(main())
