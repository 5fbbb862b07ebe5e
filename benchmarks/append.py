"""Appending durable events: one at a time, many in flight, a hundred at once; embedded, and over gRPC."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count

from benchmarks import timing
from benchmarks.harness import (
    CALLS_PER_SECOND,
    EVENTS_PER_SECOND,
    MICROSECONDS,
    Area,
    Contestant,
    Figures,
    Settings,
    excess_at_most,
    ratio_at_least,
)
from benchmarks.ours import Appender, embedded, opened, served
from benchmarks.peers.eventsourcing_peer import EventSourcing
from benchmarks.peers.grpc_echo import running_echo
from benchmarks.peers.raw_sqlite import RawSqlite
from benchmarks.peers.umadb_peer import running_umadb
from benchmarks.workload import event_source, order
from chronicle.contracts import bcl_pb2, event_sequences_pb2

RAW_ONE, RAW_HUNDRED = "raw SQLite, one at a time", "raw SQLite, 100 at once"
ES_ONE, ES_THREADS, ES_HUNDRED = (
    "eventsourcing, one at a time",
    "eventsourcing, 8 threads",
    "eventsourcing, 100 at once",
)
UMADB_ONE, UMADB_CALLERS, UMADB_HUNDRED = "umadb, one at a time", "umadb, 16 callers", "umadb, 100 at once"
ONE, ONE_MEDIAN = "append embedded, one at a time", "append embedded, one at a time, p50"
MANY, MANY_DATACLASS = "append embedded, 64 in flight", "append embedded, 64 in flight, dataclass"
HUNDRED = "append_many of 100, embedded"

ECHO_MEDIAN, ECHO_MANY = "gRPC echo, one at a time, p50", "gRPC echo, 64 in flight"
REMOTE_ONE, REMOTE_MEDIAN = "append over gRPC, one at a time", "append over gRPC, one at a time, p50"
REMOTE_MANY, REMOTE_HUNDRED = "append over gRPC, 64 in flight", "append_many of 100, over gRPC"


@asynccontextmanager
async def _embedded(settings: Settings) -> AsyncIterator[Sequence[Contestant]]:
    folder, seconds, numbers = settings.folder, settings.seconds, count()
    raw, library = RawSqlite(folder / "raw.db"), EventSourcing(folder / "eventsourcing.db")
    try:
        async with running_umadb(folder) as umadb, opened(embedded(folder / "append.db")) as store:
            appender = Appender(store)
            one_caller, callers = umadb.one_event(), [umadb.one_event() for _ in range(16)]
            hundred_to_umadb = umadb.hundred_events()

            async def raw_sqlite() -> Figures:
                return {
                    RAW_ONE: await timing.blocking(raw.append, seconds, numbers),
                    RAW_HUNDRED: await timing.blocking(raw.append_hundred, seconds, numbers),
                }

            async def eventsourcing() -> Figures:
                threads = [library.one_event() for _ in range(8)]
                return {
                    ES_ONE: await timing.blocking(library.one_event(), seconds, numbers),
                    ES_THREADS: await timing.in_threads(threads, seconds, numbers),
                    ES_HUNDRED: await timing.blocking(library.hundred_events, seconds, numbers),
                }

            async def rust() -> Figures:
                return {
                    UMADB_ONE: await timing.blocking(one_caller, seconds, numbers),
                    UMADB_CALLERS: await timing.in_threads(callers, seconds, numbers),
                    UMADB_HUNDRED: await timing.blocking(hundred_to_umadb, seconds, numbers),
                }

            async def chronicle() -> Figures:
                alone = await timing.one_at_a_time(appender.one, seconds, numbers)
                many = await timing.in_flight(appender.one, seconds, numbers)
                dataclass = await timing.in_flight(appender.one_dataclass, seconds, numbers)
                hundreds = await timing.one_at_a_time(appender.hundred, seconds, numbers)
                return {
                    ONE: alone.rate,
                    ONE_MEDIAN: alone.median,
                    MANY: many,
                    MANY_DATACLASS: dataclass,
                    HUNDRED: hundreds.rate * 100,
                }

            rate = EVENTS_PER_SECOND
            yield [
                Contestant("raw SQLite", {RAW_ONE: rate, RAW_HUNDRED: rate}, raw_sqlite),
                Contestant(
                    "eventsourcing", {ES_ONE: rate, ES_THREADS: rate, ES_HUNDRED: rate}, eventsourcing
                ),
                Contestant("umadb", {UMADB_ONE: rate, UMADB_CALLERS: rate, UMADB_HUNDRED: rate}, rust),
                Contestant(
                    "Chronicle",
                    {ONE: rate, ONE_MEDIAN: MICROSECONDS, MANY: rate, MANY_DATACLASS: rate, HUNDRED: rate},
                    chronicle,
                ),
            ]
    finally:
        raw.close()
        library.close()


@asynccontextmanager
async def _remote(settings: Settings) -> AsyncIterator[Sequence[Contestant]]:
    folder, seconds, numbers = settings.folder, settings.seconds, count()
    async with (
        running_echo(folder, _message_size()) as echo,
        opened(embedded(folder / "beside.db")) as embedded_store,
        served(folder) as connection_string,
        opened(connection_string) as remote_store,
    ):
        beside, appender = Appender(embedded_store), Appender(remote_store)

        async def bare() -> Figures:
            return {
                ECHO_MEDIAN: (await timing.one_at_a_time(echo, seconds, numbers)).median,
                ECHO_MANY: await timing.in_flight(echo, seconds, numbers),
            }

        async def in_process() -> Figures:
            return {ONE_MEDIAN: (await timing.one_at_a_time(beside.one, seconds, numbers)).median}

        async def remote() -> Figures:
            alone = await timing.one_at_a_time(appender.one, seconds, numbers)
            return {
                REMOTE_ONE: alone.rate,
                REMOTE_MEDIAN: alone.median,
                REMOTE_MANY: await timing.in_flight(appender.one, seconds, numbers),
                REMOTE_HUNDRED: (await timing.one_at_a_time(appender.hundred, seconds, numbers)).rate * 100,
            }

        rate = EVENTS_PER_SECOND
        yield [
            Contestant("bare echo", {ECHO_MEDIAN: MICROSECONDS, ECHO_MANY: CALLS_PER_SECOND}, bare),
            Contestant("Chronicle, embedded", {ONE_MEDIAN: MICROSECONDS}, in_process),
            Contestant(
                "Chronicle over gRPC",
                {REMOTE_ONE: rate, REMOTE_MEDIAN: MICROSECONDS, REMOTE_MANY: rate, REMOTE_HUNDRED: rate},
                remote,
            ),
        ]


def _message_size() -> int:
    """The bytes of one append on the wire, so that the echo carries as much."""
    request = event_sequences_pb2.AppendRequest(
        EventStore="shop",
        Namespace="Default",
        EventSequenceId="event-log",
        EventSourceId=event_source(1),
        EventType=event_sequences_pb2.EventType(Id="order-placed", Generation=1),
        Content=order(1).model_dump_json(),
        CorrelationId=bcl_pb2.Guid(lo=2**63, hi=2**63),
    )
    # Causation, identity and concurrency scope beside these: about as much as they take.
    return request.ByteSize() + 150


EMBEDDED = Area(
    "append",
    _embedded,
    (
        ratio_at_least(4.0, MANY, ES_THREADS),
        ratio_at_least(0.9, MANY, UMADB_CALLERS),
        ratio_at_least(0.8, ONE, ES_ONE),
        ratio_at_least(0.7, HUNDRED, ES_HUNDRED),
    ),
)

REMOTE = Area(
    "grpc",
    _remote,
    (
        ratio_at_least(0.5, REMOTE_MANY, ECHO_MANY),
        excess_at_most(200.0, REMOTE_MEDIAN, ECHO_MEDIAN, ONE_MEDIAN),
    ),
)
