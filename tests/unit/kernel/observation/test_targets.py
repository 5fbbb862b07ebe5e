"""Client streams: what is outstanding, and which partition goes to whom (observation.md 3.3)."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chronicle.kernel.observation.subscriber import DISCONNECTED, Batch, ObservationState, Outcome
from chronicle.kernel.observation.targets import ClientStream, Targets, stable_hash
from tests.unit.kernel.observation.events import stored_event

SUCCESS = Outcome(ObservationState.SUCCESS, 0)


def batch(partition: str) -> Batch:
    return Batch(partition, [stored_event(0, partition)])


@pytest.mark.parametrize(("text", "value"), [("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968)])
def test_the_hash_is_fnv_1a_over_code_units(text: str, value: int) -> None:
    assert stable_hash(text) == value


def test_characters_beyond_the_first_plane_are_two_code_units() -> None:
    high, low = 0xD83D, 0xDE00
    value = 0x811C9DC5
    for unit in (high, low):
        value = (value ^ unit) * 0x01000193 & 0xFFFFFFFF
    assert stable_hash("\N{GRINNING FACE}") == value


async def test_an_answer_completes_the_batch_of_its_partition() -> None:
    stream = ClientStream("1")
    a, b = stream.deliver(batch("A")), stream.deliver(batch("B"))
    stream.answer("B", SUCCESS)
    stream.answer("B", DISCONNECTED)
    stream.answer("C", SUCCESS)
    assert await b is SUCCESS
    assert not a.done()


async def test_what_is_abandoned_is_disconnected_and_not_sent() -> None:
    stream = ClientStream("1")
    future = stream.deliver(batch("A"))
    stream.end()
    assert await future is DISCONNECTED
    assert [one async for one in stream.batches()] == []


async def test_a_stream_ends_with_the_error_that_it_is_given() -> None:
    stream = ClientStream("1")
    stream.end(ValueError("broken"))
    with pytest.raises(ValueError, match="broken"):
        await anext(stream.batches())


async def test_without_streams_everything_is_disconnected() -> None:
    assert list(await Targets().deliver([batch("A"), batch("B")])) == [DISCONNECTED, DISCONNECTED]


async def test_outcomes_come_in_the_order_of_the_batches() -> None:
    targets, stream = Targets(), ClientStream("1")
    targets.add(stream)
    delivering = asyncio.create_task(targets.deliver([batch("A"), batch("B")]))
    sent = [one.partition async for one in _first(stream, 2)]
    failure = Outcome(ObservationState.FAILED)
    stream.answer("B", failure)
    stream.answer("A", SUCCESS)
    assert sent == ["A", "B"]
    assert list(await delivering) == [SUCCESS, failure]


async def test_what_a_leaving_stream_has_not_answered_goes_to_the_next() -> None:
    targets, leaving, staying = Targets(), ClientStream("1"), ClientStream("2")
    targets.add(leaving)
    delivering = asyncio.create_task(targets.deliver([batch("A"), batch("B")]))
    assert [one.partition async for one in _first(leaving, 2)] == ["A", "B"]
    leaving.answer("A", SUCCESS)
    targets.add(staying)
    targets.remove(leaving)
    assert [one.partition async for one in _first(staying, 1)] == ["B"]
    staying.answer("B", SUCCESS)
    assert list(await delivering) == [SUCCESS, SUCCESS]


async def test_streams_are_sorted_by_connection_and_one_of_a_connection_replaces_the_other() -> None:
    targets = Targets()
    first, second = ClientStream("b"), ClientStream("b")
    for stream in (first, ClientStream("a"), second):
        targets.add(stream)
    assert [stream.connection_id for stream in targets.streams] == ["a", "b"]
    assert second in targets
    assert first not in targets
    assert targets.of_connection("b") == [second]
    targets.clear()
    assert not targets


async def _first(stream: ClientStream, count: int) -> AsyncIterator[Batch]:
    batches = stream.batches()
    for _ in range(count):
        yield await anext(batches)
