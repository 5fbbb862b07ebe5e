"""Event sequences: appending to them (events.md 4)."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final, Unpack, cast, overload

from chronicle.connections.calls import Call
from chronicle.context import Causation, current_correlation_id
from chronicle.contracts.event_sequences_pb2_grpc import EventSequencesStub
from chronicle.event_sequences.appends import Appends, AppendWatchers
from chronicle.event_sequences.batches import Batches, batch_of
from chronicle.event_sequences.concurrency import scopes_by_source, write_scope
from chronicle.event_sequences.concurrency_strategies import AppendTarget
from chronicle.event_sequences.event_for import (
    AppendOptions,
    BatchOptions,
    EventFor,
    EventOptions,
    check_options,
)
from chronicle.event_sequences.observer_completion import PATIENCE, ObserverCompletion, ObserverWait
from chronicle.event_sequences.querying import QueryableEventSequence
from chronicle.event_sequences.redaction import Redaction
from chronicle.event_sequences.requests import APPEND_MANY, AppendRequests
from chronicle.event_sequences.results import AppendManyResult, AppendResult, read_append_response
from chronicle.event_sequences.streams import Streams
from chronicle.event_sequences.unit_of_work import TransactionalEventSequence
from chronicle.store_access import StoreAccess
from chronicle.telemetry import append_telemetry


class EventSequence(QueryableEventSequence):
    """An event sequence of an event store; the event log is one.

    What is appended carries the ambient correlation id, identity and causation of the running task. What
    else can be said about it is listed in `AppendOptions`. An append without a concurrency scope gets the one
    that `ChronicleOptions.concurrency` chooses, by default none.

    An append is never tried again by itself: after a `DeadlineError` look whether it happened.
    """

    def __init__(self, store: StoreAccess, sequence_id: str) -> None:
        super().__init__(store, sequence_id)
        self._requests = AppendRequests(store, sequence_id)
        self._word = store.constraints.worded
        self._append = Call(EventSequencesStub(store.channel).Append, "EventSequences/Append", store.calls)
        self._telemetry = append_telemetry(store, sequence_id)
        self._watchers = AppendWatchers()
        self._batches = Batches(store, sequence_id, self._requests, self._scoping, self._watchers)
        self._streams = Streams(store, sequence_id)
        self._redaction = Redaction(store, sequence_id)
        self._observers = ObserverWait(store, sequence_id)
        self.transactional: Final = TransactionalEventSequence(self._batches)
        """The same sequence, appending to the current unit of work instead of at once."""

    async def append(
        self, event_source_id: str, event: object, **options: Unpack[AppendOptions]
    ) -> AppendResult:
        """Appends one event, durably, and returns its number.

            await log.append("account-42", FundsDeposited(amount=10), tags=["cash"])

        It goes out at once, also while a unit of work is open; `transactional.append` adds to that instead.

        Raises `UnknownEventTypeError` for an object that is no event of this event store,
        `SerializationError` for content that cannot be written, `ConcurrencyScopeError` for a scope of
        another event source; `ConstraintViolationError`, `ConcurrencyError` or `AppendError` when the kernel
        refuses it; `CallError` when the kernel does not answer. (EventSequences/Append)
        """
        result = await self.try_append(event_source_id, event, **options)
        result.raise_for_failure()
        return result

    async def try_append(
        self, event_source_id: str, event: object, **options: Unpack[AppendOptions]
    ) -> AppendResult:
        """Appends one event; a refusal by the kernel is in the result. Otherwise as `append`."""
        if options:
            check_options("append", options, AppendOptions)
        telemetry = self._telemetry
        if telemetry is None or not telemetry.is_recording:
            return await self._try_append(event_source_id, event, options)
        result: AppendResult = await telemetry.append(self._try_append, event_source_id, event, options)
        return result

    async def _try_append(self, event_source_id: str, event: object, options: AppendOptions) -> AppendResult:
        concurrency = options.pop("concurrency", None)
        correlation_id = options.pop("correlation_id", None) or current_correlation_id()
        details = cast("EventOptions", options)
        request = self._requests.append(event_source_id, event, correlation_id, concurrency, details)
        if self._scoping is not None and concurrency is None:
            target = AppendTarget.of(EventFor(event_source_id, event, **details))
            write_scope(await self._scoping.chosen(target), request.ConcurrencyScope)
        response = await self._append(request, correlation_id)
        result = read_append_response(response, correlation_id, event_source_id, self._word)
        if self._scoping is not None or self._watchers:
            self._take_in(EventFor(event_source_id, event, **details), result)
        return result

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
        check_options("append_many", options, AppendOptions)
        concurrency = options.pop("concurrency", None)
        correlation_id = options.pop("correlation_id", None) or current_correlation_id()
        more_tags = options.pop("tags", ())
        # What is left are options of events; `batch_of` refuses them beside events that have their own.
        events = self._batches.write(batch_of(first, second, cast("EventOptions", options)), more_tags)
        if not events:
            return AppendManyResult(correlation_id)
        scopes = scopes_by_source(concurrency, [each.event.event_source_id for each in events])
        reason = Causation(APPEND_MANY, {"count": str(len(events))})
        return await self._batches.send(events, correlation_id, scopes, reason)

    def appends(self) -> Appends:
        """What this object appends from now on, refused attempts included: an iterator over calls.

            async with log.appends() as appends:
                async for operations in appends:
                    ...

        Appends of units of work and of reactors are among them, those of other processes are not. Calls that
        fail are not: nobody knows what became of them.
        """
        return self._watchers.add()

    async def wait_for_observers(
        self, result: AppendResult | AppendManyResult, timeout: timedelta = PATIENCE
    ) -> ObserverCompletion:
        """Waits until every observer of this sequence has handled what was appended, or has failed.

            completion = await log.wait_for_observers(await log.append("account-42", event))

        All of the namespace are meant, other processes' too; one that nobody runs is waited for in vain. For
        an append that stored nothing there is nothing to wait for.

        Raises `DeadlineError` when it takes longer than the timeout; `CallError`.
        (Observers/WaitForCompletion)
        """
        return await self._observers.until(result, timeout)

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

        Otherwise as `redact`. Raises `ValueError` for a blank id, `UnknownEventTypeError` for a class that
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

    def _take_in(self, event: EventFor, result: AppendResult) -> None:
        if self._scoping is not None:
            numbers = () if result.sequence_number is None else (result.sequence_number,)
            self._scoping.take_in([AppendTarget.of(event)], numbers)
        if self._watchers:
            self._watchers.tell([event], [result])
