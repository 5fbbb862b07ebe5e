"""Seeding: events that an event store starts with (events.md 15, client-surface.md 1.18).

    @seeder
    def demo_accounts(seeds: Seeds) -> None:
        seeds.for_source("account-42", [AccountOpened(owner="Alice"), FundsDeposited(amount=100)])
        seeds.for_namespace("tenant").for_source("account-1", [AccountOpened(owner="Bob")])

Seeders run when an event store is opened, after everything else is registered. The kernel appends to the
event log what it was not given before: an entry counts as the same when source, type, content and tags are.
"""

import inspect
import logging
from collections.abc import Callable, Iterable, Sequence
from types import FunctionType
from typing import Any, Final, NamedTuple, Self, TypeAlias, TypeVar

from chronicle.connections.calls import Call
from chronicle.contracts import seeding_pb2 as pb
from chronicle.contracts.seeding_pb2_grpc import EventSeedingStub
from chronicle.errors import DeclarationError
from chronicle.event_sequences.event_source_ids import checked_source
from chronicle.store_access import StoreAccess

_log: Final = logging.getLogger(__name__)

_SEEDER: Final = "__chronicle_seeder__"

Seeder: TypeAlias = "Callable[[Seeds], Any]"
"""A function, or a coroutine function, that fills `Seeds`."""

_Seeder = TypeVar("_Seeder", bound=Callable[..., Any])


class _Seed(NamedTuple):
    """An entry, for one namespace or for all."""

    namespace: str | None
    entry: pb.SeedingEntry


def seeder(function: _Seeder) -> _Seeder:
    """Declares a function, or a coroutine function, that says what an event store starts with.

    It is called once for each event store that is opened, and should say the same each time: what differs
    is appended anew. One that raises is logged and left out. The decorator registers nothing; it marks the
    function for `Artifacts`.

    Raises `DeclarationError` for anything but a function of one parameter.
    """
    if not _is_function_of_one(function):
        raise DeclarationError(
            f"@seeder belongs above a function that takes the seeds and nothing else: {function!r} does not. "
            "Write `def demo(seeds: Seeds) -> None:`."
        )
    setattr(function, _SEEDER, True)
    return function


def _is_function_of_one(target: object) -> bool:
    return isinstance(target, FunctionType) and len(inspect.signature(target).parameters) == 1


def is_seeder(target: object) -> bool:
    """Whether a function was decorated with `@seeder`."""
    return isinstance(target, FunctionType) and getattr(target, _SEEDER, False)


class Seeds:
    """What seeders fill: events for event sources, in all namespaces or in one.

    The events of one source are appended in the order given, sources in the order of their first event.
    """

    def __init__(
        self, store: StoreAccess, *, namespace: str | None = None, seeds: list[_Seed] | None = None
    ) -> None:
        self._store = store
        self._namespace = namespace
        self._seeds = [] if seeds is None else seeds

    def for_source(self, event_source_id: str, events: Iterable[object]) -> Self:
        """Adds events of any types for an event source. The tags of their types are sent along.

        Raises `UnknownEventTypeError` for what is no event of this event store, `SerializationError` for
        content that cannot be written, `DeclarationError` for a later generation than the first: the kernel
        stores seeds as that, whatever they are.
        """
        added = [_Seed(self._namespace, self._entry(event_source_id, event)) for event in events]
        self._seeds += added
        return self

    def for_type(self, event_type: type, event_source_id: str, events: Iterable[object]) -> Self:
        """Adds events of one type for an event source; as `for_source`.

        Raises `DeclarationError` for an event of another type as well.
        """
        events = list(events)
        for event in events:
            if not isinstance(event, event_type):
                raise DeclarationError(
                    f"A {type(event).__name__} is among the seeds of type {event_type.__name__}. "
                    "Use for_source for events of several types."
                )
        return self.for_source(event_source_id, events)

    def for_namespace(self, namespace: str) -> "Seeds":
        """The same seeds, seen from one namespace: what is added there is for it alone."""
        if not namespace.strip():
            raise DeclarationError(
                "Seeds for a namespace need its name. For all namespaces add them directly."
            )
        return Seeds(self._store, namespace=namespace, seeds=self._seeds)

    def take(self) -> Sequence[_Seed]:
        """What was added. For the event store."""
        return tuple(self._seeds)

    def _entry(self, event_source_id: str, event: object) -> pb.SeedingEntry:
        declaration = self._store.event_types.of(event)
        if declaration.generation != 1:
            raise DeclarationError(
                f"{declaration} cannot be seeded: the kernel stores seeds as generation 1. "
                "Seed the first generation, and let migrations bring it up to date."
            )
        return pb.SeedingEntry(
            EventSourceId=checked_source(event_source_id, DeclarationError),
            EventTypeId=declaration.id,
            Content=self._store.serializer.to_json(event),
            Tags=declaration.tags,
        )


class Seeding:
    """Seeds an event store."""

    def __init__(self, store: StoreAccess, seeders: Iterable[Seeder] = ()) -> None:
        self._store = store
        self._seeders = tuple(seeders)
        self._declared: Sequence[_Seed] | None = None
        self._seed = Call(EventSeedingStub(store.channel).Seed, "EventSeeding/Seed", store.calls)

    async def register(self) -> None:
        """Sends what the declared seeders say. They run the first time only.

        What they said is sent again after every reconnect: the kernel may be another one by then.
        """
        if self._declared is None:
            self._declared = [seed for one in self._seeders for seed in await self._try(one)]
        await self._send(self._declared)

    async def seed(self, seeders: Iterable[Seeder]) -> None:
        """Runs seeders and sends what they say; what they raise is the caller's."""
        await self._send([seed for one in seeders for seed in await self._run(one)])

    async def _try(self, seeder: Seeder) -> Sequence[_Seed]:
        try:
            return await self._run(seeder)
        except Exception:
            _log.exception("The seeder %s is left out: it failed", _name_of(seeder))
            return ()

    async def _run(self, seeder: Seeder) -> Sequence[_Seed]:
        seeds = Seeds(self._store)
        outcome = seeder(seeds)
        if inspect.isawaitable(outcome):
            await outcome
        return seeds.take()

    async def _send(self, seeds: Sequence[_Seed]) -> None:
        if seeds:
            await self._seed(seed_request(self._store.event_store, seeds))


def seed_request(event_store: str, seeds: Iterable[_Seed]) -> pb.SeedRequest:
    """The request that seeds; entries go by their event sources, which is what keeps their order."""
    everywhere: list[pb.SeedingEntry] = []
    by_namespace: dict[str, list[pb.SeedingEntry]] = {}
    for namespace, entry in seeds:
        entries = everywhere if namespace is None else by_namespace.setdefault(namespace, [])
        entries.append(entry)
    return pb.SeedRequest(
        EventStore=event_store,
        GlobalByEventSource=_by_event_source(everywhere),
        NamespacedEntries=[
            pb.NamespacedSeedEntries(Namespace=namespace, ByEventSource=_by_event_source(entries))
            for namespace, entries in by_namespace.items()
        ],
    )


def _by_event_source(entries: Iterable[pb.SeedingEntry]) -> list[pb.EventSourceSeedEntries]:
    sources: dict[str, list[pb.SeedingEntry]] = {}
    for entry in entries:
        sources.setdefault(entry.EventSourceId, []).append(entry)
    return [
        pb.EventSourceSeedEntries(EventSourceId=source, Entries=of_source)
        for source, of_source in sources.items()
    ]


def _name_of(seeder: Seeder) -> str:
    return getattr(seeder, "__qualname__", repr(seeder))
