"""Reading event sequences (events.md 9)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec

from chronicle.connections.calls import Call
from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.contracts.event_sequences_pb2_grpc import EventSequencesStub
from chronicle.errors import SerializationError
from chronicle.event_sequences.concurrency import write_event_types
from chronicle.event_sequences.concurrency_strategies import AppendTarget, SeenTails
from chronicle.event_sequences.event_source_ids import checked_source, source_filter
from chronicle.event_sequences.scoping import Scoping
from chronicle.events.event_context import AppendedEvent, to_event_context
from chronicle.events.event_redacted import KERNEL_EVENT_TYPES
from chronicle.events.event_types import EventTypeDeclaration, event_type_of
from chronicle.observation.declarations import is_reducer, reactor_of, reducer_of
from chronicle.store_access import StoreAccess
from chronicle.values import is_actual

PAGE_SIZE: Final = 1000

_decode_object: Final = msgspec.json.Decoder(dict[str, Any]).decode


class ReadableEventSequence:
    """What can be asked of an event sequence.

    Events come back as the class that is declared for their type, in its highest generation; one that the
    kernel does not have in that generation as the class of its own, if there is one. Those of a type that is
    not among the artifacts of the event store come back as a `dict`, those that were redacted as
    `EventRedacted`. A filter that is not given selects all.

    All methods raise `CallError` when the kernel does not answer, `ValueError` for a blank event source id,
    `UnknownEventTypeError` for a class that is no event type, and `SerializationError` for content that does
    not fit its class.
    """

    def __init__(self, store: StoreAccess, sequence_id: str) -> None:
        self.id: Final = sequence_id
        """The name of the sequence: `event-log` for the event log."""
        self._store = store
        stub = EventSequencesStub(store.channel)
        self._get_from = Call(
            stub.GetEventsFromEventSequenceNumber,
            "EventSequences/GetEventsFromEventSequenceNumber",
            store.calls,
        )
        self._get_for = Call(
            stub.GetForEventSourceIdAndEventTypes,
            "EventSequences/GetForEventSourceIdAndEventTypes",
            store.calls,
        )
        self._get_tail = Call(stub.GetTailSequenceNumber, "EventSequences/GetTailSequenceNumber", store.calls)
        self._has_events_for = Call(
            stub.HasEventsForEventSourceId, "EventSequences/HasEventsForEventSourceId", store.calls
        )
        # Appends go by what was read: both sides of a sequence share it.
        strategy = store.concurrency
        self._scoping = None if strategy is None else Scoping(strategy, SeenTails(self._tail_of))

    async def events_from(
        self,
        sequence_number: int,
        *,
        to: int | None = None,
        event_source_id: str | None = None,
        event_types: Iterable[type] = (),
        tags: Iterable[str] = (),
    ) -> list[AppendedEvent[Any]]:
        """The events from one number to another, both included, in order; to the end if `to` is not given.

        They come in one answer: for what may be many use `read`. Of several tags an event needs to have
        one. (EventSequences/GetEventsFromEventSequenceNumber)
        """
        response = await self._get_from(
            pb.GetFromEventSequenceNumberRequest(
                EventStore=self._store.event_store,
                Namespace=self._store.namespace,
                EventSequenceId=self.id,
                FromEventSequenceNumber=sequence_number,
                ToEventSequenceNumber=to,
                EventSourceId=source_filter(event_source_id),
                EventTypes=write_event_types(map(event_type_of, event_types)),
                Tags=tags,
            )
        )
        return self._read_events(response.Events)

    async def events_for(
        self,
        event_source_id: str,
        *event_types: type,
        stream_type: str | None = None,
        stream_id: str | None = None,
    ) -> list[AppendedEvent[Any]]:
        """The events of one event source, of these types only if any are given, in order.

        The stream type `All` and the stream id `Default` select all.
        (EventSequences/GetForEventSourceIdAndEventTypes)
        """
        response = await self._get_for(
            pb.GetForEventSourceIdAndEventTypesRequest(
                EventStore=self._store.event_store,
                Namespace=self._store.namespace,
                EventSequenceId=self.id,
                EventSourceId=checked_source(event_source_id),
                EventStreamType=stream_type or "",
                EventStreamId=stream_id or "",
                EventTypes=write_event_types(map(event_type_of, event_types)),
            )
        )
        events = self._read_events(response.Events)
        if self._scoping is not None and not event_types:
            newest = events[-1].sequence_number if events else None
            self._scoping.seen.see(AppendTarget.named(event_source_id, None, stream_type, stream_id), newest)
        return events

    async def read(
        self,
        from_: int = 0,
        *,
        to: int | None = None,
        event_source_id: str | None = None,
        event_types: Iterable[type] = (),
        tags: Iterable[str] = (),
        page_size: int = PAGE_SIZE,
    ) -> AsyncIterator[AppendedEvent[Any]]:
        """Iterates over events of any number, as `events_from` selects them, in order.

            async for appended in log.read(event_types=[AccountOpened]):
                ...

        Ends with the last event that was there when the iteration began. Fetches the events of `page_size`
        numbers at a time. (EventSequences/GetTailSequenceNumber, GetEventsFromEventSequenceNumber)
        """
        if page_size < 1:
            raise ValueError(f"A page of {page_size} events is none. Give a page_size of 1 or more.")
        event_types, tags = tuple(event_types), tuple(tags)
        # A page whose events are all filtered out looks like the end. The tail says where the end is.
        tail = await self.tail(event_source_id, event_types=event_types)
        if tail is None:
            return
        last = tail if to is None else min(to, tail)

        async def page_from(start: int) -> Sequence[AppendedEvent[Any]]:
            return await self.events_from(
                start,
                to=min(start + page_size - 1, last),
                event_source_id=event_source_id,
                event_types=event_types,
                tags=tags,
            )

        starts = iter(range(from_, last + 1, page_size))
        ahead = _fetch_next(starts, page_from)
        try:
            while ahead is not None:
                page = await ahead
                # The kernel reads the next page while the caller is busy with this one.
                ahead = _fetch_next(starts, page_from)
                for appended in page:
                    yield appended
        finally:
            if ahead is not None:
                ahead.cancel()

    async def tail(
        self,
        event_source_id: str | None = None,
        *,
        event_types: Iterable[type] = (),
        source_type: str | None = None,
        stream_type: str | None = None,
        stream_id: str | None = None,
    ) -> int | None:
        """The number of the newest event, of those selected; None when there is none.

        (EventSequences/GetTailSequenceNumber)
        """
        declarations = list(map(event_type_of, event_types))
        target = AppendTarget.named(source_filter(event_source_id), source_type, stream_type, stream_id)
        tail = await self._tail_of(target, declarations)
        if self._scoping is not None and event_source_id is not None and not declarations:
            self._scoping.seen.see(target, tail)
        return tail

    async def tail_for_observer(self, observer: object) -> int | None:
        """The number of the newest event that a reactor or reducer handles; None when there is none.

            await log.tail_for_observer(AccountReducer)

        Raises `DeclarationError` for what is neither. (EventSequences/GetTailSequenceNumber)
        """
        declaration = reducer_of(observer) if is_reducer(observer) else reactor_of(observer)
        handled = [handler.event_type for handler in declaration.handlers.values()]
        return await self._tail_of(AppendTarget(""), handled)

    async def next_sequence_number(self) -> int:
        """The number that the next event will have, if nobody else appends first; 0 for an empty sequence.

        (EventSequences/GetTailSequenceNumber)
        """
        tail = await self.tail()
        return 0 if tail is None else tail + 1

    async def has_events_for(self, event_source_id: str) -> bool:
        """Whether there is any event of this event source.

        (EventSequences/HasEventsForEventSourceId)
        """
        response = await self._has_events_for(
            pb.HasEventsForEventSourceIdRequest(
                EventStore=self._store.event_store,
                Namespace=self._store.namespace,
                EventSequenceId=self.id,
                EventSourceId=checked_source(event_source_id),
            )
        )
        return response.HasEvents

    async def _tail_of(
        self, target: AppendTarget, event_types: Iterable[EventTypeDeclaration] = ()
    ) -> int | None:
        response = await self._get_tail(
            pb.GetTailSequenceNumberRequest(
                EventStore=self._store.event_store,
                Namespace=self._store.namespace,
                EventSequenceId=self.id,
                EventSourceId=target.event_source_id,
                EventTypes=write_event_types(event_types),
                EventSourceType=target.source_type or "",
                EventStreamType=target.stream_type or "",
                EventStreamId=target.stream_id or "",
            )
        )
        number = response.SequenceNumber
        return number if is_actual(number) else None

    def _read_events(self, messages: Iterable[pb.AppendedEvent]) -> list[AppendedEvent[Any]]:
        return [self._read_event(message) for message in messages]

    def _read_event(self, message: pb.AppendedEvent) -> AppendedEvent[Any]:
        context = message.Context
        event_type = context.EventType
        declaration = self._store.event_types.latest(event_type.Id) or KERNEL_EVENT_TYPES.get(event_type.Id)
        if declaration is None:
            return AppendedEvent(self._read_members(message), context)
        if declaration.generation != event_type.Generation:
            return self._read_generation(message, declaration)
        return AppendedEvent(self._store.serializer.from_json(declaration.type, message.Content), context)

    def _read_generation(self, message: pb.AppendedEvent, latest: EventTypeDeclaration) -> AppendedEvent[Any]:
        """An event whose content is of another generation than the highest that is declared."""
        from_json = self._store.serializer.from_json
        content = message.GenerationalContent.get(latest.generation)
        # A revision is in its own generation only; the others are as the event was before.
        if content is not None and not message.Revisions:
            context = replace(to_event_context(message.Context), generation=latest.generation)
            return AppendedEvent(from_json(latest.type, content), context)
        own = self._store.event_types.find(latest.id, message.Context.EventType.Generation)
        return AppendedEvent(from_json((own or latest).type, message.Content), message.Context)

    def _read_members(self, message: pb.AppendedEvent) -> dict[str, Any]:
        try:
            return _decode_object(message.Content)
        except msgspec.DecodeError as error:
            raise SerializationError(
                f"The content of event {message.Context.SequenceNumber}, of type "
                f"'{message.Context.EventType.Id}', is no JSON object: {error}"
            ) from error


_Page = Sequence[AppendedEvent[Any]]


def _fetch_next(
    starts: Iterator[int], page_from: Callable[[int], Coroutine[Any, Any, _Page]]
) -> asyncio.Task[_Page] | None:
    start = next(starts, None)
    return None if start is None else asyncio.create_task(page_from(start), name="chronicle-read-ahead")
