"""Batches of events for one sequence: appended at once, or kept by a unit of work until it commits."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple, cast
from uuid import UUID

from chronicle.connections.calls import Call
from chronicle.context import Causation
from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.contracts.event_sequences_pb2_grpc import EventSequencesStub
from chronicle.errors import AppendError
from chronicle.event_sequences.appends import AppendWatchers
from chronicle.event_sequences.concurrency import ConcurrencyScope
from chronicle.event_sequences.concurrency_strategies import AppendTarget
from chronicle.event_sequences.event_for import EventFor, EventOptions
from chronicle.event_sequences.requests import AppendRequests
from chronicle.event_sequences.results import AppendManyResult, read_append_many_response
from chronicle.event_sequences.scoping import Scoping
from chronicle.store_access import StoreAccess
from chronicle.telemetry import append_telemetry


class WrittenEvent(NamedTuple):
    """An event, and what goes to the kernel: later changes to its object do not show in that."""

    event: EventFor
    message: pb.EventToAppend


class Batches:
    """The way of a batch into one event sequence."""

    def __init__(
        self,
        store: StoreAccess,
        sequence_id: str,
        requests: AppendRequests,
        scoping: Scoping | None,
        watchers: AppendWatchers,
    ) -> None:
        self.store: Final = store
        self.sequence_id: Final = sequence_id
        self._requests = requests
        self._scoping = scoping
        self._watchers = watchers
        self._word = store.constraints.worded
        self._telemetry = append_telemetry(store, sequence_id)
        self._append_many = Call(
            EventSequencesStub(store.channel).AppendMany, "EventSequences/AppendMany", store.calls
        )

    def write(self, events: Iterable[EventFor], more_tags: Sequence[str] = ()) -> list[WrittenEvent]:
        """The events as they go to the kernel.

        Raises as `AppendRequests.event_to_append` does, and `AppendError` for events that disagree about
        what led to them.
        """
        write = self._requests.event_to_append
        written = [WrittenEvent(event, write(event, more_tags)) for event in events]
        agreed_causation(each.event for each in written)
        return written

    async def send(
        self,
        written: Sequence[WrittenEvent],
        correlation_id: UUID,
        scopes: Mapping[str, ConcurrencyScope],
        reason: Causation,
    ) -> AppendManyResult:
        """Appends all events or none. Scopes alone are checked; nothing at all needs no call."""
        if not written and not scopes:
            return AppendManyResult(correlation_id)
        send = partial(self._send, written, correlation_id, scopes, reason)
        if self._telemetry is None or not self._telemetry.is_recording:
            return await send()
        return await self._telemetry.append_many(send, len(written))

    async def _send(
        self,
        written: Sequence[WrittenEvent],
        correlation_id: UUID,
        scopes: Mapping[str, ConcurrencyScope],
        reason: Causation,
    ) -> AppendManyResult:
        events = [each.event for each in written]
        if self._scoping is not None:
            scopes = await self._scoping.completed(scopes, events)
        request = self._requests.append_many(
            [each.message for each in written], correlation_id, scopes, reason, agreed_causation(events)
        )
        response = await self._append_many(request, correlation_id)
        result = read_append_many_response(response, correlation_id, list(scopes), self._word, len(events))
        if self._scoping is not None:
            targets = [AppendTarget.of(event) for event in events]
            self._scoping.take_in(targets, result.sequence_numbers)
        if self._watchers:
            self._watchers.tell_batch(events, result)
        return result


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


def agreed_causation(events: Iterable[EventFor]) -> Sequence[Causation] | None:
    """What the events of a batch say has led to them; None when they say nothing.

    Raises `AppendError` when they disagree: a batch has one chain, and another one would be lost.
    """
    chains: list[Sequence[Causation] | None] = []
    for event in events:
        if not chains or chains[-1] != event.causation:
            chains.append(event.causation)
    if len(chains) > 1:
        raise AppendError(
            "The events of one batch disagree about their causation, and a batch has one chain for all of "
            "them. Give each EventFor the same one, or none, or append them in several batches."
        )
    return chains[0] if chains else None
