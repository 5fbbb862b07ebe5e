"""How an observer's stream lives: registering, answering, opening again, stopping (observation.md 4)."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

import grpc.aio
import pytest

from chronicle.errors import NotRunningError
from chronicle.observation.streams import ObserverState, ObserverStream, StreamTiming
from tests.unit.observation.scripted import ScriptedCall, ScriptedKernel, refused, until

AT_ONCE = StreamTiming(reopen_after=0, acceptance_grace=10)


async def _shout(batch: str) -> str | None:
    return None if batch == "notification" else batch.upper()


def _stream(
    kernel: ScriptedKernel,
    *,
    handle: Callable[[str], Awaitable[str | None]] = _shout,
    timing: StreamTiming = AT_ONCE,
) -> ObserverStream[str, str]:
    return ObserverStream(
        "welcome",
        open_call=kernel.open,
        register=lambda connection: f"register {connection}",
        handle=handle,
        timing=timing,
    )


async def test_it_registers_and_is_subscribed_when_the_kernel_accepts() -> None:
    kernel = ScriptedKernel()
    stream = _stream(kernel)

    await stream.start("c-1")

    assert stream.state is ObserverState.SUBSCRIBED
    call = kernel.calls.get_nowait()
    assert await call.received.get() == "register c-1"
    await stream.stop(10)


async def test_without_a_sign_from_the_kernel_it_counts_as_accepted_after_the_grace() -> None:
    kernel = ScriptedKernel(accepts=False)
    stream = _stream(kernel, timing=StreamTiming(reopen_after=0, acceptance_grace=0.001))

    await stream.start("c-1")

    assert stream.state is ObserverState.SUBSCRIBED
    await stream.stop(10)


async def test_batches_are_answered_one_by_one_in_the_order_of_their_arrival() -> None:
    kernel = ScriptedKernel()
    stream = _stream(kernel)
    await stream.start("c-1")
    call = kernel.calls.get_nowait()

    for batch in ("a", "b", "c"):
        call.send(batch)

    assert [await call.received.get() for _ in range(4)] == ["register c-1", "A", "B", "C"]
    await stream.stop(10)


@pytest.mark.row("O137", "S187")
async def test_what_expects_no_answer_gets_none() -> None:
    kernel = ScriptedKernel()
    stream = _stream(kernel)
    await stream.start("c-1")
    call = kernel.calls.get_nowait()

    call.send("notification")
    call.send("a")

    assert [await call.received.get() for _ in range(2)] == ["register c-1", "A"]
    await stream.stop(10)


async def test_a_refusal_is_raised_by_start_and_the_stream_is_opened_again() -> None:
    refusals = [refused()]
    kernel = ScriptedKernel(lambda call: call.end(refusals.pop()) if refusals else None)
    stream = _stream(kernel)

    with pytest.raises(grpc.aio.AioRpcError, match="is not connected"):
        await stream.start("c-1")

    await kernel.calls.get()
    second = await kernel.calls.get()
    second.send("a")
    assert [await second.received.get() for _ in range(2)] == ["register c-1", "A"]
    assert stream.state is ObserverState.SUBSCRIBED
    assert isinstance(stream.last_error, grpc.aio.AioRpcError)
    await stream.stop(10)


@pytest.mark.row("O138")
@pytest.mark.parametrize(
    "end",
    [ScriptedCall.end, lambda call: call.end(refused()), lambda call: call.end(asyncio.CancelledError())],
    ids=["normally", "with an error", "cancelled below us"],
)
async def test_a_stream_that_ends_is_opened_again_under_the_same_connection(
    end: Callable[[ScriptedCall], None], caplog: pytest.LogCaptureFixture
) -> None:
    kernel = ScriptedKernel()
    stream = _stream(kernel)
    await stream.start("c-1")
    first = await kernel.calls.get()

    with caplog.at_level(logging.WARNING, "chronicle.observation"):
        end(first)
        second = await kernel.calls.get()

    assert await second.received.get() == "register c-1"
    assert "The stream of welcome has" in caplog.text
    await stream.stop(10)


@pytest.mark.row("O138")
async def test_between_two_openings_it_waits(caplog: pytest.LogCaptureFixture) -> None:
    kernel = ScriptedKernel()
    stream = _stream(kernel, timing=StreamTiming(reopen_after=3600))
    await stream.start("c-1")
    call = await kernel.calls.get()

    with caplog.at_level(logging.WARNING, "chronicle.observation"):
        call.end()
        await until(lambda: stream.state is ObserverState.WAITING)

    assert kernel.calls.empty()
    await stream.stop(10)
    assert stream.state is ObserverState.STOPPED


@pytest.mark.row("O138")
async def test_a_stopped_stream_is_not_opened_again() -> None:
    kernel = ScriptedKernel()
    stream = _stream(kernel)
    await stream.start("c-1")
    call = await kernel.calls.get()

    await stream.stop(10)

    assert stream.state is ObserverState.STOPPED
    assert call.is_half_closed.is_set()
    assert kernel.calls.empty()


async def test_stopping_lets_the_running_batch_finish_and_takes_no_other() -> None:
    kernel = ScriptedKernel()
    handled = []
    started, may_go_on = asyncio.Event(), asyncio.Event()

    async def handle(batch: str) -> str:
        handled.append(batch)
        started.set()
        await may_go_on.wait()
        return batch.upper()

    stream = _stream(kernel, handle=handle)
    await stream.start("c-1")
    call = await kernel.calls.get()
    call.send("a")
    call.send("b")
    await started.wait()

    stopping = asyncio.create_task(stream.stop(10))
    await asyncio.sleep(0)
    assert stream.state is ObserverState.STOPPING
    may_go_on.set()
    await stopping

    assert handled == ["a"]
    assert [call.received.get_nowait() for _ in range(2)] == ["register c-1", "A"]
    assert call.received.empty()


async def test_a_batch_that_takes_too_long_is_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    kernel = ScriptedKernel()
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def handle(batch: str) -> str:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return batch

    stream = _stream(kernel, handle=handle)
    await stream.start("c-1")
    call = await kernel.calls.get()
    call.send("a")
    await started.wait()

    await stream.stop(0)

    assert cancelled.is_set()
    assert call.is_cancelled
    assert "it is cancelled" in caplog.text


async def test_a_handler_that_does_not_obey_is_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    kernel = ScriptedKernel()
    started, may_go_on = asyncio.Event(), asyncio.Event()

    async def handle(batch: str) -> str:
        started.set()
        while not may_go_on.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await may_go_on.wait()
        return batch

    stream = _stream(kernel, handle=handle, timing=StreamTiming(closing_grace=0))
    await stream.start("c-1")
    call = await kernel.calls.get()
    call.send("a")
    await started.wait()

    await stream.stop(0)

    assert stream.state is ObserverState.STOPPED
    assert "goes on although its handler was cancelled" in caplog.text
    may_go_on.set()
    await until(lambda: call.is_cancelled)


async def test_stopping_before_it_was_accepted_says_so_to_whoever_starts_it() -> None:
    kernel = ScriptedKernel(accepts=False)
    stream = _stream(kernel)
    starting = asyncio.create_task(stream.start("c-1"))
    await kernel.calls.get()

    await stream.stop(10)

    with pytest.raises(NotRunningError, match="stopped before"):
        await starting


async def test_it_can_be_started_again_under_another_connection() -> None:
    kernel = ScriptedKernel()
    stream = _stream(kernel)
    await stream.start("c-1")
    with pytest.raises(NotRunningError, match="already"):
        await stream.start("c-2")
    await stream.stop(10)
    await stream.stop(10)

    await stream.start("c-2")

    await kernel.calls.get()
    second = await kernel.calls.get()
    assert await second.received.get() == "register c-2"
    await stream.stop(10)
