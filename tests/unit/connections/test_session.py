"""The session with the kernel (connection.md 5), with a kernel that does as the test says."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty

from chronicle.connections.embedded import EmbeddedChannel, EmbeddedServices
from chronicle.connections.session import Session, SessionState, reconnect_delay
from chronicle.contracts import clients_pb2 as pb
from chronicle.contracts.clients_pb2_grpc import (
    ConnectionServiceServicer,
    add_ConnectionServiceServicer_to_server,
)
from chronicle.errors import KernelError, NotConnectedError, NotRunningError

SHORT = timedelta(milliseconds=50)
LONG = timedelta(seconds=30)


class ScriptedKernel(ConnectionServiceServicer):
    """Sends keep-alives when told to, and keeps what it hears."""

    def __init__(self) -> None:
        self.requests: list[pb.ConnectRequest] = []
        self.arrivals: asyncio.Queue[str] = asyncio.Queue()
        self.answers: asyncio.Queue[str] = asyncio.Queue()
        self.is_silent = False
        self.refuses: grpc.StatusCode | None = None
        self._wishes: asyncio.Queue[str] = asyncio.Queue()

    async def Connect(
        self, request: pb.ConnectRequest, context: Any
    ) -> AsyncIterator[pb.ConnectionKeepAlive]:
        self.requests.append(request)
        self.arrivals.put_nowait(request.ConnectionId)
        if (refusal := self.refuses) is not None:
            # Answering takes a turn of the loop, as it does on the network.
            await asyncio.sleep(0)
            await context.abort(refusal, "no")
        if self.is_silent:
            await asyncio.Event().wait()
        wish = "keep-alive"
        while wish == "keep-alive":
            yield pb.ConnectionKeepAlive(ConnectionId=request.ConnectionId)
            wish = await self._wishes.get()
        if wish == "fail":
            await context.abort(grpc.StatusCode.UNAVAILABLE, "gone")

    async def ConnectionKeepAlive(self, request: pb.ConnectionKeepAlive, context: Any) -> Empty:
        self.answers.put_nowait(request.ConnectionId)
        return Empty()

    def wish(self, what: str) -> None:
        """`keep-alive`, `end` or `fail`."""
        self._wishes.put_nowait(what)


class Services(EmbeddedServices):
    """The generated code registers handlers twice; once is enough."""

    def add_registered_method_handlers(self, *_: Any) -> None: ...


class Recorder:
    """A listener that keeps what it hears."""

    def __init__(self, *, fails: bool = False) -> None:
        self.heard: asyncio.Queue[str] = asyncio.Queue()
        self._fails = fails

    async def connected(self, connection_id: str) -> None:
        self.heard.put_nowait(connection_id)
        if self._fails:
            raise RuntimeError("a listener's own fault")

    async def disconnected(self) -> None:
        self.heard.put_nowait("disconnected")


@pytest.fixture
def kernel() -> ScriptedKernel:
    return ScriptedKernel()


@pytest.fixture
async def channel(kernel: ScriptedKernel) -> AsyncIterator[EmbeddedChannel]:
    services = Services()
    add_ConnectionServiceServicer_to_server(kernel, services)  # type: ignore[arg-type]

    async def nothing() -> None: ...

    async with EmbeddedChannel(services, nothing) as channel:
        yield channel


@pytest.fixture
async def session(channel: EmbeddedChannel) -> AsyncIterator[Session]:
    session = make_session(channel)
    yield session
    await session.close()


def make_session(
    channel: EmbeddedChannel, *, connect_timeout: timedelta = LONG, most_silence: timedelta = LONG
) -> Session:
    return Session(
        channel,
        endpoint="the kernel",
        connect_timeout=connect_timeout,
        most_silence=most_silence,
        delay=lambda attempt: 0,
    )


@pytest.mark.row("C94")
async def test_a_client_says_who_it_is(session: Session, kernel: ScriptedKernel) -> None:
    await session.open()
    assert session.state is SessionState.CONNECTED
    (request,) = kernel.requests
    assert request.ConnectionId == session.connection_id != ""
    assert request.ClientType == "Python"
    assert request.ClientVersion
    assert request.ProcessId > 0
    assert request.MachineName


@pytest.mark.row("S17", "C96")
async def test_every_keep_alive_is_answered(session: Session, kernel: ScriptedKernel) -> None:
    await session.open()
    kernel.wish("keep-alive")
    kernel.wish("keep-alive")
    assert [await kernel.answers.get() for _ in range(3)] == [session.connection_id] * 3


@pytest.mark.row("S18", "S21", "C108", "C112")
@pytest.mark.parametrize("how", ["end", "fail"])
async def test_a_stream_that_ends_is_a_loss_and_a_new_id_follows(
    session: Session, kernel: ScriptedKernel, how: str
) -> None:
    listener = Recorder()
    session.listen(listener)
    await session.open()
    first = await listener.heard.get()
    kernel.wish(how)
    assert await listener.heard.get() == "disconnected"
    second = await listener.heard.get()
    assert second == session.connection_id != first
    assert listener.heard.empty()


@pytest.mark.row("S18", "C104")
async def test_silence_is_a_loss_with_one_notice(channel: EmbeddedChannel, kernel: ScriptedKernel) -> None:
    session = make_session(channel, most_silence=SHORT)
    listener = Recorder()
    session.listen(listener)
    await session.open()
    await listener.heard.get()
    kernel.is_silent = True
    assert await listener.heard.get() == "disconnected"
    kernel.is_silent = False
    for _ in range(2):
        await kernel.arrivals.get()
    await session.close()
    assert listener.heard.empty()


@pytest.mark.row("C111")
async def test_a_kernel_that_says_nothing_does_not_hold_up_for_ever(
    channel: EmbeddedChannel, kernel: ScriptedKernel
) -> None:
    kernel.is_silent = True
    session = make_session(channel, connect_timeout=SHORT)
    with pytest.raises(NotConnectedError, match=r"the kernel within 0\.05 s"):
        await session.open()
    assert session.state is SessionState.CLOSED


async def test_a_kernel_that_is_not_there_yet_is_waited_for(session: Session, kernel: ScriptedKernel) -> None:
    kernel.refuses = grpc.StatusCode.UNAVAILABLE
    opening = asyncio.create_task(session.open())
    for _ in range(3):
        await kernel.arrivals.get()
    kernel.refuses = None
    await opening
    assert session.is_connected


async def test_a_kernel_that_refuses_is_not_asked_again(session: Session, kernel: ScriptedKernel) -> None:
    kernel.refuses = grpc.StatusCode.PERMISSION_DENIED
    with pytest.raises(KernelError, match="PERMISSION_DENIED"):
        await session.open()
    assert len(kernel.requests) == 1


@pytest.mark.row("S19")
async def test_a_listener_that_fails_does_not_disturb_the_others(
    session: Session, kernel: ScriptedKernel, caplog: pytest.LogCaptureFixture
) -> None:
    failing, other = Recorder(fails=True), Recorder()
    session.listen(failing)
    session.listen(other)
    await session.open()
    assert await other.heard.get() == await failing.heard.get()
    kernel.wish("end")
    assert await other.heard.get() == "disconnected"
    assert "A listener to the connection failed." in caplog.text


@pytest.mark.row("S20")
async def test_a_listener_that_comes_late_hears_of_the_present_connection(session: Session) -> None:
    await session.open()
    listener = Recorder()
    session.listen(listener)
    assert await listener.heard.get() == session.connection_id


async def test_what_a_listener_does_about_a_connection_ends_with_it(
    session: Session, kernel: ScriptedKernel
) -> None:
    steps: asyncio.Queue[str] = asyncio.Queue()

    class Slow:
        async def connected(self, connection_id: str) -> None:
            steps.put_nowait("begun")
            try:
                await asyncio.Event().wait()
            finally:
                steps.put_nowait("ended")

        async def disconnected(self) -> None:
            steps.put_nowait("disconnected")

    session.listen(Slow())
    await session.open()
    assert await steps.get() == "begun"
    kernel.wish("keep-alive")
    kernel.wish("end")
    assert [await steps.get() for _ in range(3)] == ["ended", "disconnected", "begun"]


@pytest.mark.row("C114", "C168", "C172", "S158")
async def test_closing_tells_nobody_and_does_not_reconnect(
    session: Session, kernel: ScriptedKernel, channel: EmbeddedChannel
) -> None:
    listener = Recorder()
    session.listen(listener)
    await session.open()
    await listener.heard.get()
    await session.close()
    await session.close()
    assert session.state is SessionState.CLOSED
    assert session.connection_id == ""
    assert listener.heard.empty()
    assert len(kernel.requests) == 1
    with pytest.raises(NotRunningError):
        await session.open()


@pytest.mark.row("C107")
def test_delays_double_up_to_half_a_minute_and_vary() -> None:
    for attempt, ceiling in [(1, 1), (2, 2), (3, 4), (6, 30), (1000, 30)]:
        delays = {reconnect_delay(attempt) for _ in range(20)}
        assert len(delays) > 1
        assert all(ceiling / 2 <= delay <= ceiling for delay in delays)
