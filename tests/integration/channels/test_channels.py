"""The two channels behave alike: answers, deadlines, cancellation, pace and failures."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from tests.integration.channels.conftest import Calls, Words


def word(value: str) -> StringValue:
    return StringValue(value=value)


async def words_of(*values: str) -> AsyncIterator[StringValue]:
    for value in values:
        yield word(value)


async def failure_of(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def test_a_unary_call_is_answered(calls: Calls) -> None:
    answer = await calls.unary_unary("Upper")(word("hello"), timeout=5)
    assert answer.value == "HELLO"


async def test_a_handler_sees_the_metadata_of_the_call(calls: Calls, words: Words) -> None:
    await calls.unary_unary("Upper")(word("hello"), metadata=(("x-correlation-id", "17"),))
    assert words.metadata["x-correlation-id"] == "17"


async def test_a_stream_of_answers_arrives_in_order_and_ends(calls: Calls) -> None:
    letters = [letter.value async for letter in calls.unary_stream("Letters")(word("abc"))]
    assert letters == ["a", "b", "c"]


async def test_a_stream_can_be_read_one_by_one_until_its_end(calls: Calls) -> None:
    call = calls.unary_stream("Letters")(word("a"))
    assert (await call.read()).value == "a"
    assert await call.read() is grpc.aio.EOF
    assert await call.code() is grpc.StatusCode.OK


async def test_a_stream_of_requests_is_answered_once(calls: Calls) -> None:
    answer = await calls.stream_unary("Join")(words_of("to", "be"))
    assert answer.value == "to be"


async def test_requests_and_answers_stream_side_by_side(calls: Calls) -> None:
    answers = [answer.value async for answer in calls.stream_stream("Echo")(words_of("to", "be"))]
    assert answers == ["to", "be"]


async def test_requests_can_be_written_one_by_one(calls: Calls) -> None:
    call = calls.stream_stream("Echo")()
    await call.write(word("to"))
    assert (await call.read()).value == "to"
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF


async def test_an_abort_reaches_the_caller_with_its_status_and_text(calls: Calls) -> None:
    error = await failure_of(calls.unary_unary("Refuse")(word("now")))
    assert (error.code(), error.details()) == (grpc.StatusCode.FAILED_PRECONDITION, "not now")


async def test_an_exception_reaches_the_caller_as_the_real_kernel_words_it(calls: Calls) -> None:
    error = await failure_of(calls.unary_unary("Fail")(word("gone")))
    assert error.code() is grpc.StatusCode.UNKNOWN
    assert error.details() == "Exception was thrown by handler. LookupError: gone"


async def test_an_exception_in_a_stream_comes_after_what_was_sent_before(calls: Calls) -> None:
    call = calls.unary_stream("SomeThenFail")(word("gone"))
    assert (await call.read()).value == "one"
    error = await failure_of(call.read())
    assert error.details() == "Exception was thrown by handler. LookupError: gone"


@pytest.mark.parametrize("method", ["Unwritten", "Unheard"])
async def test_a_method_that_is_not_built_says_so_by_name(calls: Calls, method: str) -> None:
    error = await failure_of(calls.unary_unary(method)(word("x")))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert f"Words/{method} is not built yet" in (error.details() or "")


async def test_a_streaming_method_that_is_not_built_says_so_by_name(calls: Calls) -> None:
    error = await failure_of(calls.unary_stream("Unheard")(word("x")).read())
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "Words/Unheard is not built yet" in (error.details() or "")


async def test_a_call_ends_at_its_deadline_and_so_does_its_handler(calls: Calls, words: Words) -> None:
    error = await failure_of(calls.unary_unary("Wait")(word("x"), timeout=0.02))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await words.was_cancelled.wait()


async def test_a_stream_ends_at_its_deadline(calls: Calls) -> None:
    error = await failure_of(calls.unary_stream("Accept")(word("x"), timeout=0.02).read())
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_cancelling_the_caller_cancels_the_handler(calls: Calls, words: Words) -> None:
    async def call() -> None:
        await calls.unary_unary("Wait")(word("x"))

    task = asyncio.create_task(call())
    await words.is_waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await words.was_cancelled.wait()


async def test_cancelling_a_stream_ends_its_handler(calls: Calls, words: Words) -> None:
    call = calls.stream_stream("Echo")()
    await call.write(word("x"))
    await call.read()
    call.cancel()
    await words.was_cancelled.wait()
    assert call.cancelled()
    with pytest.raises(asyncio.CancelledError):
        await call.read()


@pytest.mark.parametrize("channel", ["embedded"], indirect=True)
async def test_a_stream_that_nobody_holds_any_more_ends(calls: Calls, words: Words) -> None:
    # grpc.aio means to do the same, but its own reading task keeps such a call alive.
    call = calls.unary_stream("Count")(word("x"))
    await call.read()
    del call
    assert await words.was_cancelled.wait()


async def test_a_stream_waits_for_a_slow_reader(calls: Calls, words: Words) -> None:
    call = calls.unary_stream("Count")(word("x"))
    await call.read()
    for _ in range(20):
        await calls.unary_unary("Upper")(word("as much time as a reader may waste"))
    # 100 kB each: a sender without a brake would be far beyond this.
    assert words.sent < 200
    call.cancel()


async def test_a_handler_can_say_that_it_stands_before_it_answers(calls: Calls) -> None:
    call = calls.unary_stream("Accept")(word("x"))
    assert dict(await call.initial_metadata())["accepted"] == "yes"
    call.cancel()


async def test_a_closed_channel_refuses_calls(calls: Calls, channel: grpc.aio.Channel) -> None:
    upper = calls.unary_unary("Upper")
    await channel.close()
    await channel.close()
    with pytest.raises(grpc.aio.UsageError):
        await upper(word("x"))


async def test_closing_a_channel_ends_its_streams(
    calls: Calls, channel: grpc.aio.Channel, words: Words
) -> None:
    call = calls.stream_stream("Echo")()
    await call.write(word("x"))
    await call.read()
    await channel.close()
    assert await words.was_cancelled.wait()
