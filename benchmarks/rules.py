"""What the rules of events cost an append: the same event without any, and with one of each kind.

All append 64 at a time. Windows are cut into slices that take turns, so that what else the machine does falls
on all alike.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Annotated

from benchmarks import timing
from benchmarks.harness import EVENTS_PER_SECOND, Area, Contestant, Figures, Settings, ratio_at_least
from benchmarks.ours import STORE, Appender, OrderPlaced, embedded
from benchmarks.workload import Order, event_source, order_fields
from chronicle import Artifacts, ChronicleClient, ConcurrencyScope, EventStore, Pii, Unique, event_type
from chronicle.contracts import events_pb2 as pb
from chronicle.contracts.events_pb2_grpc import EventTypesStub

SLICES = 5
SUBJECTS = 50
"""Whose keys there are; all are made beforehand, for making one is no part of an append in the long run."""

UNCHECKED = "append, 64 in flight, the schema says nothing"
PLAIN = "append, 64 in flight, no rule but the schema of ten fields"
UNIQUE = "append, 64 in flight, a unique value"
SCOPE = "append, 64 in flight, a concurrency scope"
PERSONAL = "append, 64 in flight, a property is personal"

_Append = Callable[[int], Awaitable[object]]


@event_type("order-reserved")
class OrderReserved(Order):
    """The event with an order id that no other event source may have."""

    order_id: Annotated[str, Unique()]


@event_type("order-entrusted")
class OrderEntrusted(Order):
    """The event with a customer whose name is encrypted."""

    customer_id: Annotated[str, Pii("to deliver the order")]


class _WithScopes:
    """Appends on condition that the event source has no event since the last one appended here."""

    def __init__(self, store: EventStore) -> None:
        self._log = store.event_log
        self._newest: dict[str, int | None] = {}

    async def one(self, number: int) -> None:
        source = event_source(number)
        scope = ConcurrencyScope.at(self._newest.get(source)).for_source()
        result = await self._log.append(source, OrderPlaced(**order_fields(number)), concurrency=scope)
        self._newest[source] = result.sequence_number


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Sequence[Contestant]]:
    async with AsyncExitStack() as stack:

        async def store_for(name: str, type_: type[Order], *, is_checked: bool = True) -> EventStore:
            path = settings.folder / f"{name}.db"
            return await stack.enter_async_context(_opened(path, type_, is_checked=is_checked))

        unchecked = await store_for("unchecked", OrderPlaced, is_checked=False)
        plain, compared = await store_for("plain", OrderPlaced), await store_for("scope", OrderPlaced)
        reserved = await store_for("unique", OrderReserved)
        entrusted = await store_for("personal", OrderEntrusted)

        async def unique(number: int) -> None:
            event = OrderReserved(**order_fields(number))
            await reserved.event_log.append(event_source(number), event)

        async def personal(number: int) -> None:
            event, subject = OrderEntrusted(**order_fields(number)), f"customer-{number % SUBJECTS}"
            await entrusted.event_log.append(event_source(number), event, subject=subject)

        for number in range(SUBJECTS):
            await personal(number)
        appends: dict[str, _Append] = {
            UNCHECKED: Appender(unchecked).one,
            PLAIN: Appender(plain).one,
            UNIQUE: unique,
            SCOPE: _WithScopes(compared).one,
            PERSONAL: personal,
        }
        numbers = count()

        async def measure() -> Figures:
            return await _in_turns(appends, settings.seconds, numbers)

        yield [Contestant("Chronicle", dict.fromkeys(appends, EVENTS_PER_SECOND), measure)]


async def _in_turns(appends: Mapping[str, _Append], seconds: float, numbers: Iterator[int]) -> Figures:
    """The mean rate of each over its slices, which have the same length."""
    rates = dict.fromkeys(appends, 0.0)
    for _ in range(SLICES):
        for name, append in appends.items():
            rates[name] += await timing.in_flight(append, seconds / SLICES, numbers) / SLICES
    return rates


@asynccontextmanager
async def _opened(path: Path, type_: type[Order], *, is_checked: bool) -> AsyncIterator[EventStore]:
    async with ChronicleClient(embedded(path)) as client:
        store = await client.event_store(STORE, artifacts=Artifacts(event_types=[type_]))
        if not is_checked:
            await _take_schema_away(client)
        yield store


async def _take_schema_away(client: ChronicleClient) -> None:
    """Leaves the kernel with a schema of the event that says nothing; the client goes on as before."""
    event = pb.EventType(Id="order-placed", Generation=1)
    registration = pb.EventTypeRegistration(Type=event, Schema='{"type": "object"}', EventStore=STORE)
    await EventTypesStub(client.channel).Register(
        pb.RegisterEventTypesRequest(EventStore=STORE, Types=[registration], DisableValidation=True)
    )


AREA = Area(
    "rules",
    _open,
    (
        ratio_at_least(0.85, PLAIN, UNCHECKED),
        ratio_at_least(0.7, UNIQUE, PLAIN),
        ratio_at_least(0.8, SCOPE, PLAIN),
        ratio_at_least(0.7, PERSONAL, PLAIN),
    ),
)
