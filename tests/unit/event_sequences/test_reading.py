"""Reading a sequence (events.md 9): what is asked, and how events come back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.errors import SerializationError, UnknownEventTypeError
from chronicle.event_sequences.event_sequence import EventSequence
from chronicle.events.event_types import EventTypes, event_type
from chronicle.store_access import StoreAccess
from chronicle.values import UNAVAILABLE
from tests.unit.event_sequences.scripted import AccountOpened, FundsDeposited, ScriptedKernel


def stored(
    number: int, content: str = '{"amount":1}', *, type_id: str = "funds-deposited", generation: int = 2
) -> pb.AppendedEvent:
    return pb.AppendedEvent(
        Context=pb.EventContext(
            EventType=pb.EventType(Id=type_id, Generation=generation),
            EventSourceId="a",
            SequenceNumber=number,
        ),
        Content=content,
    )


def page(numbers: Sequence[int]) -> pb.GetFromEventSequenceNumberResponse:
    return pb.GetFromEventSequenceNumberResponse(Events=[stored(number) for number in numbers])


async def test_events_come_back_as_their_class_with_their_context(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    kernel.answers = [
        pb.GetFromEventSequenceNumberResponse(
            Events=[stored(0, '{"owner":"Alice"}', type_id="account-opened", generation=1), stored(1)]
        )
    ]
    opened, deposited = await log.events_from(0)
    assert opened.event == AccountOpened(owner="Alice")
    assert deposited.event == FundsDeposited(1)
    assert deposited.context.sequence_number == 1
    assert deposited.context.event_source_id == "a"


async def test_an_event_of_an_unknown_type_comes_back_as_its_members(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    kernel.answers = [
        pb.GetFromEventSequenceNumberResponse(
            Events=[stored(0, '{"x":[1]}', type_id="of-another-application")]
        )
    ]
    (appended,) = await log.events_from(0)
    assert appended.event == {"x": [1]}
    assert appended.context.event_type_id == "of-another-application"


async def test_a_lower_generation_comes_back_as_the_highest_known(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    kernel.answers = [pb.GetFromEventSequenceNumberResponse(Events=[stored(0, generation=1)])]
    assert [appended.event for appended in await log.events_from(0)] == [FundsDeposited(1)]


@event_type("funds-deposited")
@dataclass
class Deposited:
    cents: int


@pytest.fixture
def with_both(store: StoreAccess) -> EventSequence:
    """A log of an application that has two generations of one event type."""
    return EventSequence(replace(store, event_types=EventTypes([Deposited, FundsDeposited])), "event-log")


async def test_an_event_comes_back_in_the_highest_generation_that_is_declared_if_it_is_stored_in_it(
    with_both: EventSequence, kernel: ScriptedKernel
) -> None:
    event = stored(0, '{"dollars":1}', generation=3)
    event.GenerationalContent.update({1: '{"cents":100}', 2: '{"amount":1}', 3: '{"dollars":1}'})
    kernel.answers = [pb.GetFromEventSequenceNumberResponse(Events=[event])]
    (appended,) = await with_both.events_from(0)
    assert appended.event == FundsDeposited(1)
    assert appended.context.generation == 2


async def test_an_event_that_is_stored_in_a_lower_generation_only_comes_back_as_the_class_of_that(
    with_both: EventSequence, kernel: ScriptedKernel
) -> None:
    event = stored(0, '{"cents":100}', generation=1)
    kernel.answers = [pb.GetFromEventSequenceNumberResponse(Events=[event])]
    (appended,) = await with_both.events_from(0)
    assert appended.event == Deposited(100)
    assert appended.context.generation == 1


async def test_a_revised_event_comes_back_as_it_was_revised_whatever_other_generations_say(
    with_both: EventSequence, kernel: ScriptedKernel
) -> None:
    event = stored(0, '{"cents":200}', generation=1)
    event.GenerationalContent.update({1: '{"cents":100}', 2: '{"amount":1}'})
    event.Revisions.add(Generation=1, Content='{"cents":200}')
    kernel.answers = [pb.GetFromEventSequenceNumberResponse(Events=[event])]
    (appended,) = await with_both.events_from(0)
    assert appended.event == Deposited(200)


@pytest.mark.parametrize("type_id", ["funds-deposited", "unknown"])
async def test_content_that_cannot_be_read_is_a_typed_error(
    log: EventSequence, kernel: ScriptedKernel, type_id: str
) -> None:
    kernel.answers = [pb.GetFromEventSequenceNumberResponse(Events=[stored(7, "[", type_id=type_id)])]
    with pytest.raises(SerializationError):
        await log.events_from(0)


@pytest.mark.row("E81")
async def test_a_range_names_both_ends_and_an_end_of_zero_is_sent(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    await log.events_from(0, to=0)
    await log.events_from(5)
    closed, open_ = kernel.requests
    assert closed.HasField("ToEventSequenceNumber")
    assert closed.ToEventSequenceNumber == 0
    assert open_.FromEventSequenceNumber == 5
    assert not open_.HasField("ToEventSequenceNumber")


async def test_filters_are_sent_as_given(log: EventSequence, kernel: ScriptedKernel) -> None:
    await log.events_from(0, event_source_id="a", event_types=[FundsDeposited], tags=["x"])
    await log.events_for("a", AccountOpened, FundsDeposited, stream_type="t", stream_id="i")
    from_, for_ = kernel.requests
    assert from_.EventSourceId == "a"
    assert [event_type.Id for event_type in from_.EventTypes] == ["funds-deposited"]
    assert list(from_.Tags) == ["x"]
    assert (for_.EventSourceId, for_.EventStreamType, for_.EventStreamId) == ("a", "t", "i")
    assert [(one.Id, one.Generation) for one in for_.EventTypes] == [
        ("account-opened", 1),
        ("funds-deposited", 2),
    ]


@pytest.mark.row("S176")
async def test_without_filters_none_is_sent(log: EventSequence, kernel: ScriptedKernel) -> None:
    await log.tail()
    await log.events_from(1)
    await log.events_for("a")
    sent: list[Any] = [{field.name for field, _ in request.ListFields()} for request in kernel.requests]
    where = {"EventStore", "Namespace", "EventSequenceId"}
    assert sent == [where, where | {"FromEventSequenceNumber"}, where | {"EventSourceId"}]


async def test_a_filter_by_what_is_no_event_type_is_refused(log: EventSequence) -> None:
    with pytest.raises(UnknownEventTypeError):
        await log.events_for("a", str)


@pytest.mark.row("S56", "E1", "E2")
@pytest.mark.parametrize(("number", "tail", "following"), [(UNAVAILABLE, None, 0), (0, 0, 1), (41, 41, 42)])
async def test_the_tail_is_none_when_empty_and_the_next_number_follows_it(
    log: EventSequence, kernel: ScriptedKernel, number: int, tail: int | None, following: int
) -> None:
    kernel.answers = [pb.GetTailSequenceNumberResponse(SequenceNumber=number) for _ in range(2)]
    assert await log.tail() == tail
    assert await log.next_sequence_number() == following


async def test_a_tail_can_be_narrowed(log: EventSequence, kernel: ScriptedKernel) -> None:
    await log.tail("a", event_types=[FundsDeposited], source_type="s", stream_type="t", stream_id="i")
    (request,) = kernel.requests
    assert (request.EventSourceId, request.EventSourceType) == ("a", "s")
    assert (request.EventStreamType, request.EventStreamId) == ("t", "i")
    assert [event_type.Id for event_type in request.EventTypes] == ["funds-deposited"]


@pytest.mark.row("S58")
async def test_has_events_for_asks_for_exactly_that_source(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    kernel.answers = [pb.HasEventsForEventSourceIdResponse(HasEvents=False)]
    assert await log.has_events_for("a") is False
    assert await log.has_events_for("a") is True
    assert kernel.requests[0].EventSourceId == "a"


async def test_reading_fetches_page_by_page_up_to_the_tail(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    kernel.answers = [pb.GetTailSequenceNumberResponse(SequenceNumber=6), page([2, 3, 4]), page([5, 6])]
    numbers = [appended.context.sequence_number async for appended in log.read(2, page_size=3)]
    assert numbers == [2, 3, 4, 5, 6]
    _, *pages = kernel.requests
    assert [(one.FromEventSequenceNumber, one.ToEventSequenceNumber) for one in pages] == [(2, 4), (5, 6)]


async def test_a_page_whose_events_are_all_filtered_out_is_not_the_end(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    kernel.answers = [pb.GetTailSequenceNumberResponse(SequenceNumber=4), page([]), page([3, 4])]
    events = [appended async for appended in log.read(event_types=[FundsDeposited], page_size=3)]
    assert len(events) == 2
    assert [one.Id for one in kernel.requests[0].EventTypes] == ["funds-deposited"]


@pytest.mark.parametrize(("tail", "to", "last"), [(9, 4, 4), (4, 9, 4), (4, 4, 4)])
async def test_reading_ends_at_the_tail_or_where_told(
    log: EventSequence, kernel: ScriptedKernel, tail: int, to: int, last: int
) -> None:
    kernel.answers = [pb.GetTailSequenceNumberResponse(SequenceNumber=tail)]
    assert [appended async for appended in log.read(to=to)] == []
    assert kernel.requests[-1].ToEventSequenceNumber == last


@pytest.mark.parametrize("event_source_id", ["", " ", "\t\n"])
async def test_a_blank_event_source_id_is_refused_and_does_not_select_all(
    log: EventSequence, kernel: ScriptedKernel, event_source_id: str
) -> None:
    reads = [
        log.events_for(event_source_id),
        log.has_events_for(event_source_id),
        log.events_from(0, event_source_id=event_source_id),
        log.tail(event_source_id),
        anext(log.read(event_source_id=event_source_id)),
        log.query(event_source_id=event_source_id),
        log.histogram(event_source_id=event_source_id),
    ]
    for read in reads:
        with pytest.raises(ValueError, match=r"no event source id\. Give a text that is not blank"):
            await read
    assert kernel.requests == []


async def test_no_event_source_id_is_refused_where_one_is_needed(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    for read in (log.events_for, log.has_events_for):
        with pytest.raises(ValueError, match="None is no event source id"):
            await read(None)  # type: ignore[arg-type]
    assert kernel.requests == []


async def test_reading_an_empty_sequence_fetches_no_page(log: EventSequence, kernel: ScriptedKernel) -> None:
    kernel.answers = [pb.GetTailSequenceNumberResponse(SequenceNumber=UNAVAILABLE)]
    assert [appended async for appended in log.read()] == []
    assert len(kernel.requests) == 1


async def test_a_page_of_nothing_is_refused(log: EventSequence) -> None:
    with pytest.raises(ValueError, match="page_size"):
        await anext(log.read(page_size=0))
