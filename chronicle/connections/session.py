"""The session of a client with its kernel: connected as long as keep-alives come (connection.md 5).

The kernel sends a keep-alive at once and then every second, and forgets a client that does not answer for
five. Observers name their client by connection id, so whoever has any listens here, and starts them again
with every new id.
"""

import asyncio
import contextvars
import logging
import os
import random
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from enum import Enum
from typing import Final, Protocol

import grpc.aio

from chronicle.connections.failures import translate
from chronicle.contracts import clients_pb2 as pb
from chronicle.contracts.clients_pb2_grpc import ConnectionServiceStub
from chronicle.errors import CallError, DeadlineError, NotConnectedError, NotRunningError
from chronicle.software_version import software_version
from chronicle.values import uuid7

_log = logging.getLogger(__name__)

CLIENT_TYPE: Final = "Python"
MOST_SILENCE: Final = timedelta(seconds=5)
"""Without a keep-alive for longer than this, the connection counts as lost."""
LONGEST_DELAY: Final = 30.0
"""Seconds between two attempts to connect, at most."""
HELD_UP: Final = 1.1
"""A timeout that comes later than this part of its time: we were deaf, the kernel was not silent."""
LISTENER_PATIENCE: Final = 10.0
"""Seconds that listeners have to end what they do about a connection that is gone."""


class SessionState(Enum):
    """Where a session stands."""

    CREATED = "created"
    CONNECTING = "connecting"
    """Trying, for the first time or again; there is no connection id."""
    CONNECTED = "connected"
    CLOSED = "closed"


class SessionListener(Protocol):
    """Whoever has something to do with every new connection. What it raises is logged and disturbs nobody."""

    async def connected(self, connection_id: str) -> None:
        """A connection is up. May take as long as it likes: it is cancelled when the connection is lost."""

    async def disconnected(self) -> None:
        """The connection is lost, and `connected` has ended. The next attempt waits for this, for a while."""


def reconnect_delay(attempt: int) -> float:
    """Seconds to wait before attempt 1, 2, 3 ...: at random from half to all of 1, 2, 4 ... 30."""
    ceiling = min(2.0 ** min(attempt - 1, 10), LONGEST_DELAY)
    return random.uniform(ceiling / 2, ceiling)


class Session:
    """Keeps a client connected over a channel that it does not own.

    `connect_timeout` is how long `open` tries, and how long one attempt waits for its first keep-alive.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        *,
        endpoint: str,
        connect_timeout: timedelta,
        most_silence: timedelta = MOST_SILENCE,
        delay: Callable[[int], float] = reconnect_delay,
    ) -> None:
        self._service = ConnectionServiceStub(channel)
        self._endpoint = endpoint
        self._connect_timeout = connect_timeout.total_seconds()
        self._most_silence = most_silence.total_seconds()
        self._delay = delay
        self._state = SessionState.CREATED
        self._connection_id = ""
        self._first_outcome: asyncio.Future[None] | None = None
        self._last_failure: CallError | None = None
        self._task: asyncio.Task[None] | None = None
        self._listeners: dict[SessionListener, asyncio.Task[None] | None] = {}

    @property
    def state(self) -> SessionState:
        """Where the session stands now."""
        return self._state

    @property
    def is_connected(self) -> bool:
        """Whether the kernel knows this client now."""
        return self._state is SessionState.CONNECTED

    @property
    def connection_id(self) -> str:
        """The id of the present connection, new with each one; empty while there is none."""
        return self._connection_id

    async def open(self) -> None:
        """Connects, trying again until the connect timeout is over; stays connected until `close`.

        Raises `NotConnectedError` when no kernel answers in time, another `CallError` when one refuses.
        """
        if self._state is not SessionState.CREATED:
            raise NotRunningError("This session was opened before. Make a new one.")
        self._state = SessionState.CONNECTING
        self._first_outcome = asyncio.get_running_loop().create_future()
        # Background tasks have contexts of their own: what is ambient where they begin is nothing to them.
        self._task = asyncio.create_task(
            self._keep_connected(), name="chronicle-session", context=contextvars.Context()
        )
        try:
            async with asyncio.timeout(self._connect_timeout):
                await self._first_outcome
        except TimeoutError as error:
            await self.close()
            raise self._not_connected() from self._last_failure or error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Ends the session without telling the listeners. A second call does nothing."""
        self._state, self._connection_id = SessionState.CLOSED, ""
        await _cancel([self._task])
        await self._stop_listeners()

    def listen(self, listener: SessionListener) -> None:
        """Adds a listener. If the session is connected now, the listener hears so as if it just happened."""
        self._listeners[listener] = None
        if self.is_connected:
            self._tell_connected(listener)

    async def unlisten(self, listener: SessionListener) -> None:
        """Takes a listener away, and ends what it does about the present connection."""
        await _cancel([self._listeners.pop(listener, None)])

    async def _keep_connected(self) -> None:
        failures = 0
        while True:
            try:
                await self._connect()
            except CallError as failure:
                _log.warning("Not connected to %s: %s", self._endpoint, failure)
                if self._is_refusal(failure):
                    return
            except Exception:
                # This loop outlives everything: without it the application would wait for ever.
                _log.exception("Connecting to %s went wrong in a way that was not foreseen.", self._endpoint)
            failures = 1 if await self._lose() else failures + 1
            await asyncio.sleep(self._delay(failures))

    def _is_refusal(self, failure: CallError) -> bool:
        """Whether `open` waits for nothing: a kernel is there, and does not want this client."""
        self._last_failure = failure
        first = self._first_outcome
        if first is None or first.done() or isinstance(failure, NotConnectedError | DeadlineError):
            return False
        first.set_exception(failure)
        return True

    async def _connect(self) -> None:
        """One connection, from the first keep-alive to the loss of the session."""
        # A new id per attempt: the end of an old stream removes whatever is registered under its id.
        connection_id = str(uuid7())
        stream = self._service.Connect(_describe_client(connection_id))
        try:
            limit = self._connect_timeout
            while await self._receive(stream, limit):
                if not self.is_connected:
                    self._gain(connection_id)
                limit = self._most_silence
        except grpc.aio.AioRpcError as error:
            raise translate(error, method="ConnectionService/Connect", endpoint=self._endpoint) from error
        finally:
            stream.cancel()

    async def _receive(self, stream: "_KeepAlives", limit: float) -> bool:
        """Awaits and answers one keep-alive; false when there will be none."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(limit):
                keep_alive = await stream.read()
        except TimeoutError:
            if time.monotonic() - began > limit * HELD_UP:
                _log.warning("The event loop was held up for more than %g s; who blocks it?", limit)
                return await self._receive(stream, limit)
            _log.warning("%s was silent for %g s.", self._endpoint, limit)
            return False
        if not isinstance(keep_alive, pb.ConnectionKeepAlive):
            return False
        await self._service.ConnectionKeepAlive(keep_alive, timeout=self._most_silence)
        return True

    def _gain(self, connection_id: str) -> None:
        _log.info("Connected to %s as %s.", self._endpoint, connection_id)
        self._state, self._connection_id = SessionState.CONNECTED, connection_id
        if self._first_outcome is not None and not self._first_outcome.done():
            self._first_outcome.set_result(None)
        for listener in self._listeners:
            self._tell_connected(listener)

    async def _lose(self) -> bool:
        """Tells the listeners; false when there was no connection to lose."""
        if not self.is_connected:
            return False
        _log.warning("The connection to %s is lost.", self._endpoint)
        self._state = SessionState.CONNECTING
        await self._stop_listeners()
        await asyncio.gather(
            *(_guard(listener.disconnected(), LISTENER_PATIENCE) for listener in self._listeners)
        )
        self._connection_id = ""
        return True

    def _tell_connected(self, listener: SessionListener) -> None:
        self._listeners[listener] = asyncio.create_task(
            _guard(listener.connected(self._connection_id)),
            name="chronicle-connected",
            context=contextvars.Context(),
        )

    async def _stop_listeners(self) -> None:
        await _cancel(list(self._listeners.values()))

    def _not_connected(self) -> NotConnectedError:
        return NotConnectedError(
            f"No Chronicle kernel answered at {self._endpoint} within {self._connect_timeout:g} s. Is it "
            "running, and is the address right? ChronicleOptions.connect_timeout sets a longer wait."
        )


class _KeepAlives(Protocol):
    """What a session needs of the stream; the embedded and the remote one have it."""

    async def read(self) -> object: ...

    def cancel(self) -> bool: ...


async def _guard(listening: Awaitable[None], limit: float | None = None) -> None:
    try:
        async with asyncio.timeout(limit):
            await listening
    except Exception:
        _log.exception("A listener to the connection failed.")


async def _cancel(tasks: Sequence[asyncio.Task[None] | None]) -> None:
    running = [task for task in tasks if task is not None and not task.done()]
    for task in running:
        task.cancel()
    if running:
        _, stubborn = await asyncio.wait(running, timeout=LISTENER_PATIENCE)
        for task in stubborn:
            _log.warning("%s does not end.", task.get_name())


def _describe_client(connection_id: str) -> pb.ConnectRequest:
    return pb.ConnectRequest(
        ConnectionId=connection_id,
        ClientVersion=software_version(),
        ProcessId=os.getpid(),
        ProcessPath=sys.executable,
        MachineName=socket.gethostname(),
        ClientType=CLIENT_TYPE,
    )
