"""Batches of events for one sequence: appended at once, or kept by a unit of work until it commits."""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast
from uuid import UUID

from chronicle.connections.calls import Call
from chronicle.context import Causation
from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.contracts.event_sequences_pb2_grpc import EventSequencesStub
from chronicle.event_sequences.concurrency import ConcurrencyScope
from chronicle.event_sequences.event_for import EventFor, EventOptions
from chronicle.event_sequences.requests import AppendRequests
from chronicle.event_sequences.results import AppendManyResult, read_append_many_response
from chronicle.store_access import StoreAccess


class Batches:
    """The way of a batch into one event sequence."""

    def __init__(self, store: StoreAccess, sequence_id: str, requests: AppendRequests) -> None:
        self.sequence_id = sequence_id
        self._requests = requests
        self._word = store.constraints.worded
        self._append_many = Call(
            EventSequencesStub(store.channel).AppendMany, "EventSequences/AppendMany", store.calls
        )

    def write(self, events: Iterable[EventFor], more_tags: Sequence[str] = ()) -> list[pb.EventToAppend]:
        """The events as they go to the kernel: later changes to an event's object do not show."""
        return [self._requests.event_to_append(event, more_tags) for event in events]

    async def send(
        self,
        events: Sequence[pb.EventToAppend],
        correlation_id: UUID,
        scopes: Mapping[str, ConcurrencyScope],
        reason: Causation,
    ) -> AppendManyResult:
        """Appends all events or none. Nothing at all needs no call."""
        if not events:
            return AppendManyResult(correlation_id)
        request = self._requests.append_many(events, correlation_id, scopes, reason)
        response = await self._append_many(request, correlation_id)
        return read_append_many_response(response, correlation_id, list(scopes), self._word)


def batch_of(
    source_or_events: str | Iterable[EventFor], events: Iterable[object] | None, options: EventOptions
) -> list[EventFor]:
    """Both forms of a batch as one: events of one source, or events that name theirs.

    Raises `TypeError` for anything else, and for options that belong to the other form.
    """
    if events is not None:
        source = cast("str", source_or_events)
        return [EventFor(source, event, **options) for event in events]
    if isinstance(source_or_events, str) or options:
        raise TypeError(
            "append_many takes an event source id and events, append_many('account-42', [a, b]), or events "
            "that name their sources, append_many([EventFor('account-42', a), EventFor('account-43', b)]). "
            "In the second form what is said about an event belongs to its EventFor."
        )
    return list(source_or_events)
