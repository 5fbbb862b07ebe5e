"""One servicer, reached through either channel."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from chronicle.connections.embedded import EmbeddedChannel, EmbeddedServices
from chronicle.connections.remote import open_remote_channel
from chronicle.kernel.services.faults import GuardedServer
from chronicle.kernel.services.unbuilt import UnbuiltMethods

SERVICE = "Cratis.Chronicle.Contracts.Testing.Words"


@dataclass
class Words:
    """A servicer with all four shapes of calls, which tells what happened to it."""

    sent: int = 0
    is_waiting: asyncio.Event = field(default_factory=asyncio.Event)
    was_cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    metadata: dict[str, str | bytes] = field(default_factory=dict)

    async def upper(self, request: StringValue, context: Any) -> StringValue:
        self.metadata = dict(context.invocation_metadata())
        return StringValue(value=request.value.upper())

    async def refuse(self, request: StringValue, context: Any) -> StringValue:
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"not {request.value}")
        raise AssertionError("abort raises")

    async def fail(self, request: StringValue, context: Any) -> StringValue:
        raise LookupError(request.value)

    async def wait(self, request: StringValue, context: Any) -> StringValue:
        self.is_waiting.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_cancelled.set()
            raise
        return request

    async def letters(self, request: StringValue, context: Any) -> AsyncIterator[StringValue]:
        for letter in request.value:
            yield StringValue(value=letter)

    async def count(self, request: StringValue, context: Any) -> AsyncIterator[StringValue]:
        try:
            while True:
                yield StringValue(value=f"{self.sent} {'x' * 100_000}")
                self.sent += 1
        finally:
            self.was_cancelled.set()

    async def some_then_fail(self, request: StringValue, context: Any) -> AsyncIterator[StringValue]:
        yield StringValue(value="one")
        raise LookupError(request.value)

    async def accept(self, request: StringValue, context: Any) -> AsyncIterator[StringValue]:
        await context.send_initial_metadata((("accepted", "yes"),))
        await asyncio.Event().wait()
        yield request

    async def join(self, requests: AsyncIterator[StringValue], context: Any) -> StringValue:
        return StringValue(value=" ".join([request.value async for request in requests]))

    async def echo(self, requests: AsyncIterator[StringValue], context: Any) -> AsyncIterator[StringValue]:
        try:
            async for request in requests:
                yield request
        finally:
            self.was_cancelled.set()

    def unwritten(self, request: StringValue, context: Any) -> None:
        """What the generated base classes have for a method that nobody overrides: no coroutine."""
        raise NotImplementedError

    def register(self, server: Any) -> None:
        def handler(make: Any, behaviour: Any) -> Any:
            return make(behaviour, StringValue.FromString, StringValue.SerializeToString)

        unary, unary_stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
        methods = {
            "Upper": handler(unary, self.upper),
            "Refuse": handler(unary, self.refuse),
            "Fail": handler(unary, self.fail),
            "Wait": handler(unary, self.wait),
            "Letters": handler(unary_stream, self.letters),
            "Count": handler(unary_stream, self.count),
            "SomeThenFail": handler(unary_stream, self.some_then_fail),
            "Accept": handler(unary_stream, self.accept),
            "Join": handler(grpc.stream_unary_rpc_method_handler, self.join),
            "Echo": handler(grpc.stream_stream_rpc_method_handler, self.echo),
            "Unwritten": handler(unary, self.unwritten),
        }
        GuardedServer(server).add_registered_method_handlers(SERVICE, methods)
        server.add_generic_rpc_handlers((UnbuiltMethods(),))


@dataclass
class Calls:
    """The stub's side: what a generated stub would hold."""

    channel: grpc.aio.Channel

    def _arguments(self, method: str) -> tuple[str, Any, Any]:
        return f"/{SERVICE}/{method}", StringValue.SerializeToString, StringValue.FromString

    def unary_unary(self, method: str) -> Any:
        return self.channel.unary_unary(*self._arguments(method))

    def unary_stream(self, method: str) -> Any:
        return self.channel.unary_stream(*self._arguments(method))

    def stream_unary(self, method: str) -> Any:
        return self.channel.stream_unary(*self._arguments(method))

    def stream_stream(self, method: str) -> Any:
        return self.channel.stream_stream(*self._arguments(method))


@pytest.fixture
def words() -> Words:
    return Words()


@pytest.fixture(params=["embedded", "remote"])
async def channel(request: pytest.FixtureRequest, words: Words) -> AsyncIterator[grpc.aio.Channel]:
    if request.param == "embedded":
        services = EmbeddedServices()
        words.register(services)

        async def nothing() -> None:
            pass

        async with EmbeddedChannel(services, nothing) as embedded:
            yield embedded
        return
    server = grpc.aio.server()
    words.register(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with open_remote_channel(f"127.0.0.1:{port}") as remote:
            yield remote
    finally:
        await server.stop(None)


@pytest.fixture
def calls(channel: grpc.aio.Channel) -> Calls:
    return Calls(channel)
