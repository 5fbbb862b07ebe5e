"""Event sequences: appending to them (events.md 4)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Unpack, cast, overload

from chronicle.connections.calls import Call
from chronicle.context import Causation, current_correlation_id
from chronicle.contracts.event_sequences_pb2_grpc import EventSequencesStub
from chronicle.event_sequences.batches import Batches, batch_of
from chronicle.event_sequences.concurrency import ConcurrencyScope
from chronicle.event_sequences.event_for import AppendOptions, BatchOptions, EventFor, EventOptions
from chronicle.event_sequences.querying import QueryableEventSequence
from chronicle.event_sequences.redaction import Redaction
from chronicle.event_sequences.requests import APPEND_MANY, AppendRequests
from chronicle.event_sequences.results import AppendManyResult, AppendResult, read_append_response
from chronicle.event_sequences.streams import Streams
from chronicle.event_sequences.unit_of_work import TransactionalEventSequence
from chronicle.store_access import StoreAccess


class EventSequence(QueryableEventSequence):
    """An event sequence of an event store; the event log is one.

    What is appended carries the ambient correlation id, identity and causation of the running task. What
    else can be said about it is listed in `AppendOptions`.

    An append is never tried again by itself: after a `DeadlineError` look whether it happened.
    """

    def __init__(self, store: StoreAccess, sequence_id: str) -> None:
        super().__init__(store, sequence_id)
        self._requests = AppendRequests(store, sequence_id)
        self._word = store.constraints.worded
        self._append = Call(EventSequencesStub(store.channel).Append, "EventSequences/Append", store.calls)
        self._batches = Batches(store, sequence_id, self._requests)
        self._streams = Streams(store, sequence_id)
        self._redaction = Redaction(store, sequence_id)
        self.transactional: Final = TransactionalEventSequence(self._batches)
        """The same sequence, appending to the current unit of work instead of at once."""

    async def append(
        self, event_source_id: str, event: object, **options: Unpack[AppendOptions]
    ) -> AppendResult:
        """Appends one event, durably, and returns its number.

            await log.append("account-42", FundsDeposited(amount=10), tags=["cash"])

        It goes out at once, also while a unit of work is open; `transactional.append` adds to that instead.

        Raises `UnknownEventTypeError` for an object that is no event of this event store,
        `SerializationError` for content that cannot be written; `ConstraintViolationError`,
        `ConcurrencyError` or `AppendError` when the kernel refuses it; `CallError` when the kernel does not
        answer. (EventSequences/Append)
        """
        result = await self.try_append(event_source_id, event, **options)
        result.raise_for_failure()
        return result

    async def try_append(
        self, event_source_id: str, event: object, **options: Unpack[AppendOptions]
    ) -> AppendResult:
        """Appends one event; a refusal by the kernel is in the result. Otherwise as `append`."""
        concurrency = options.pop("concurrency", None)
        correlation_id = options.pop("correlation_id", None) or current_correlation_id()
        request = self._requests.append(event_source_id, event, correlation_id, concurrency, options)
        response = await self._append(request, correlation_id)
        return read_append_response(response, correlation_id, event_source_id, self._word)

    @overload
    async def append_many(
        self, event_source_id: str, events: Iterable[object], /, **options: Unpack[AppendOptions]
    ) -> AppendManyResult: ...

    @overload
    async def append_many(
        self, events: Iterable[EventFor], /, **options: Unpack[BatchOptions]
    ) -> AppendManyResult: ...

    async def append_many(self, first: Any, second: Any = None, /, **options: Any) -> AppendManyResult:
        """Appends several events, all or none, with consecutive numbers in the order given.

            await log.append_many("account-42", [FundsDeposited(amount=10), FundsWithdrawn(amount=3)])
            await log.append_many([EventFor("account-42", a), EventFor("account-43", b)])

        Nothing to append is a success without a call. Raises as `append` does. (EventSequences/AppendMany)
        """
        result: AppendManyResult = await self.try_append_many(first, second, **options)
        result.raise_for_failure()
        return result

    @overload
    async def try_append_many(
        self, event_source_id: str, events: Iterable[object], /, **options: Unpack[AppendOptions]
    ) -> AppendManyResult: ...

    @overload
    async def try_append_many(
        self, events: Iterable[EventFor], /, **options: Unpack[BatchOptions]
    ) -> AppendManyResult: ...

    async def try_append_many(self, first: Any, second: Any = None, /, **options: Any) -> AppendManyResult:
        """Appends several events; a refusal by the kernel is in the result. Otherwise as `append_many`."""
        concurrency = options.pop("concurrency", None)
        correlation_id = options.pop("correlation_id", None) or current_correlation_id()
        more_tags = options.pop("tags", ())
        # What is left are options of events; `batch_of` refuses any other.
        events = self._batches.write(batch_of(first, second, cast("EventOptions", options)), more_tags)
        return await self._batches.send(
            events,
            correlation_id,
            _scopes(concurrency, [event.EventSourceId for event in events]),
            Causation(APPEND_MANY, {"count": str(len(events))}),
        )

    async def complete_stream(self, stream_type: str, stream_id: str) -> int | None:
        """Completes a stream for good, whatever the event sources: appends to it are refused from now on.

        Returns the number of the newest event of the whole sequence, None when there is none. The stream
        need not have any events.

        Raises `DefaultStreamError` for the stream `All`, `Default`, `StreamCompletedError` when it was
        completed before; `CallError`. (EventSequences/CompleteStream)
        """
        return await self._streams.complete(stream_type, stream_id)

    async def redact(self, sequence_number: int, reason: str) -> None:
        """Asks the kernel to take out what an event says, for good. An `EventRedacted` takes its place.

            await log.redact(appended.sequence_number, "asked for by the customer")

        Returns when the request is on the disk. It is done in the background: whoever needs to know reads the
        event until it is an `EventRedacted`. Reducers, and reactors that may be replayed, then get the other
        events of its event source once more. Of an event that does not exist only the kernel's log tells.

        Raises `ValueError` for what is no sequence number; `CallError`. (EventSequences/Redact)
        """
        await self._redaction.redact(sequence_number, reason)

    async def redact_for(self, event_source_id: str, reason: str, *event_types: type) -> None:
        """Asks the kernel to redact all events of an event source so far, of these types if any are given.

        Otherwise as `redact`. Raises `ValueError` for an empty id, `UnknownEventTypeError` for a class that
        is no event type; `CallError`. (EventSequences/RedactForEventSource)
        """
        await self._redaction.redact_for(event_source_id, reason, event_types)

    async def revise(self, sequence_number: int, event: object) -> None:
        """Asks the kernel to put right what an event says; it keeps its number, and when and why it happened.

            await log.revise(appended.sequence_number, FundsDeposited(amount=12))

        Returns when the request is on the disk, and is done in the background as `redact` is; readers and
        observers then see the new content. What the event said before stays stored. The new content is taken
        as it is: neither schema nor constraints are checked, and personal data in it is not encrypted.
        A revision of another event type is passed over.

        Raises `ValueError` for what is no sequence number, `UnknownEventTypeError` for an object that is no
        event of this event store, `SerializationError` for content that cannot be written; `CallError`.
        (EventSequences/Revise)
        """
        await self._redaction.revise(sequence_number, event)


def _scopes(
    concurrency: ConcurrencyScope | Mapping[str, ConcurrencyScope] | None, sources: Sequence[str]
) -> Mapping[str, ConcurrencyScope]:
    """Scopes by event source id; one that is given for all of them holds for each."""
    if concurrency is None:
        return {}
    if isinstance(concurrency, ConcurrencyScope):
        return dict.fromkeys(sources, concurrency)
    return concurrency
