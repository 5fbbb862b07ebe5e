"""Open streams end when the server is asked to stop."""

import asyncio
import signal
from collections.abc import Generator

import pytest
from fastapi import FastAPI

from chronicle_fastapi.stopping import OpenStreams
from tests.waiting import in_good_time


@pytest.fixture
def asked() -> Generator[list[int]]:
    """What a server's own handlers were told, which are as they were again afterwards."""
    told: list[int] = []
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in former:
        signal.signal(number, lambda given, frame: told.append(given))
    yield told
    for number, handler in former.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_the_streams_and_reaches_the_server(
    number: signal.Signals, asked: list[int]
) -> None:
    ended, streams = asyncio.Event(), OpenStreams()
    own = signal.getsignal(number)
    with streams.open(ended.set):
        signal.raise_signal(number)
        async with in_good_time():
            await ended.wait()
        assert asked == [number]
    assert signal.getsignal(number) is own


async def test_the_handlers_stay_as_long_as_any_stream_is_open(asked: list[int]) -> None:
    streams, ended = OpenStreams(), [asyncio.Event(), asyncio.Event()]
    own = signal.getsignal(signal.SIGTERM)
    with streams.open(ended[0].set):
        with streams.open(ended[1].set):
            pass
        assert signal.getsignal(signal.SIGTERM) is not own
        signal.raise_signal(signal.SIGTERM)
        async with in_good_time():
            await ended[0].wait()
    assert not ended[1].is_set()
    assert signal.getsignal(signal.SIGTERM) is own


async def test_a_handler_that_came_later_is_left_alone(asked: list[int]) -> None:
    def later(number: int, frame: object) -> None: ...

    with OpenStreams().open(lambda: None):
        signal.signal(signal.SIGTERM, later)
    assert signal.getsignal(signal.SIGTERM) is later


async def test_where_there_is_no_handler_none_is_made(asked: list[int]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with OpenStreams().open(lambda: None):
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


async def test_in_another_thread_no_handler_is_touched(asked: list[int]) -> None:
    own = signal.getsignal(signal.SIGTERM)

    async def streaming() -> bool:
        with OpenStreams().open(lambda: None):
            return signal.getsignal(signal.SIGTERM) is own

    assert await asyncio.to_thread(asyncio.run, streaming())


def test_an_application_has_one_of_them() -> None:
    app, other = FastAPI(), FastAPI()
    assert OpenStreams.of(app) is OpenStreams.of(app)
    assert OpenStreams.of(app) is not OpenStreams.of(other)
