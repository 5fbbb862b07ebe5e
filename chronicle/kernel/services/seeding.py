"""The EventSeeding service (contract package Seeding; events.md 15)."""

from collections import Counter
from collections.abc import Iterable, Sequence

from google.protobuf.empty_pb2 import Empty

from chronicle.contracts import seeding_pb2 as pb
from chronicle.contracts.event_sequences_pb2 import Causation, SerializableDateTimeOffset
from chronicle.contracts.seeding_pb2_grpc import EventSeedingServicer
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.seeding import SeedEntry, Seeds
from chronicle.kernel.services.events import encode_causation
from chronicle.kernel.services.faults import Context
from chronicle.values import format_ticks, now_ticks

_CAUSATION = "event-seeding"


class EventSeedingService(EventSeedingServicer):
    """Events that an event store or a namespace starts with."""

    def __init__(self, kernel: Kernel) -> None:
        self._event_stores = kernel.event_stores

    async def Seed(self, request: pb.SeedRequest, context: Context) -> Empty:
        """Appends what was not seeded before. What is refused is logged, and not told to the caller."""
        by_namespace: dict[str, list[SeedEntry]] = {}
        for namespaced in request.NamespacedEntries:
            entries = _entries(namespaced.ByEventSource, namespaced.ByEventType)
            by_namespace.setdefault(namespaced.Namespace, []).extend(entries)
        everywhere = _entries(request.GlobalByEventSource, request.GlobalByEventType)
        store = await self._event_stores.get(request.EventStore)
        await store.seeding.seed(Seeds(everywhere, by_namespace, _causation()))
        return Empty()

    async def GetGlobalSeedData(
        self, request: pb.GetSeedDataRequest, context: Context
    ) -> pb.SeedDataResponse:
        """What all namespaces have been given; tags are not told."""
        store = await self._event_stores.get(request.EventStore)
        return _seed_data(await store.seeding.seeded())

    async def GetNamespaceSeedData(
        self, request: pb.GetSeedDataRequest, context: Context
    ) -> pb.SeedDataResponse:
        """What one namespace has been given; tags are not told."""
        store = await self._event_stores.get(request.EventStore)
        namespace = await store.existing_namespace(request.Namespace)
        return _seed_data([] if namespace is None else await store.seeding.seeded(namespace))


def _entries(
    by_event_source: Iterable[pb.EventSourceSeedEntries], by_event_type: Iterable[pb.EventTypeSeedEntries]
) -> list[SeedEntry]:
    """The entries that two groupings describe: those of the first, and what only the second has.

    Only within an event source is their order the one in which things happened, so that grouping leads.
    """
    entries = [_entry(one) for group in by_event_source for one in group.Entries]
    known = Counter(entry.key for entry in entries)
    for entry in [_entry(one) for group in by_event_type for one in group.Entries]:
        if known[entry.key] > 0:
            known[entry.key] -= 1
        else:
            entries.append(entry)
    return entries


def _entry(message: pb.SeedingEntry) -> SeedEntry:
    return SeedEntry(message.EventSourceId, message.EventTypeId, message.Content, tuple(message.Tags))


def _causation() -> bytes:
    occurred = SerializableDateTimeOffset(Value=format_ticks(now_ticks()))
    return encode_causation([Causation(Type=_CAUSATION, Occurred=occurred)])


def _seed_data(entries: Sequence[SeedEntry]) -> pb.SeedDataResponse:
    by_type: dict[str, list[pb.SeedingEntry]] = {}
    by_source: dict[str, list[pb.SeedingEntry]] = {}
    for entry in entries:
        message = pb.SeedingEntry(
            EventSourceId=entry.event_source_id, EventTypeId=entry.event_type, Content=entry.content
        )
        by_type.setdefault(entry.event_type, []).append(message)
        by_source.setdefault(entry.event_source_id, []).append(message)
    return pb.SeedDataResponse(
        ByEventType=[
            pb.EventTypeSeedEntries(EventTypeId=event_type, Entries=messages)
            for event_type, messages in by_type.items()
        ],
        ByEventSource=[
            pb.EventSourceSeedEntries(EventSourceId=source, Entries=messages)
            for source, messages in by_source.items()
        ],
    )
