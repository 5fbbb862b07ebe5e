"""A kernel that answers some methods with what a test says, and all others as the embedded kernel does."""

from collections.abc import Mapping
from typing import Any

import grpc
from google.protobuf.message import Message

from chronicle.connections.connection_string import ConnectionString
from chronicle.connections.embedded import EmbeddedChannel, EmbeddedServices
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.services.registration import register_services


class Script(grpc.GenericRpcHandler):
    """`answers` by `Service/Method`: a message, or the status to end the call with. Keeps what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Message | grpc.StatusCode] = {}
        self.requests: list[tuple[str, Any]] = []

    def asked(self, name: str) -> Any:
        """The request of the only call of a method."""
        (request,) = [request for method, request in self.requests if method == name]
        return request

    def was_asked(self, name: str) -> bool:
        return any(method == name for method, _ in self.requests)

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[Any, Any] | None":
        name = handler_call_details.method.rpartition(".")[2]
        if name not in self.answers:
            return None

        async def answer(request: Any, context: Any) -> Message:
            self.requests.append((name, request))
            prepared = self.answers[name]
            if isinstance(prepared, grpc.StatusCode):
                await context.abort(prepared, f"{name} says so")
            assert isinstance(prepared, Message)
            return prepared

        handler: Any = answer
        return grpc.unary_unary_rpc_method_handler(handler)

    async def open_channel(self, connection: ConnectionString) -> EmbeddedChannel:
        """In place of the client's own function."""
        kernel = await Kernel.open(connection.database)
        services = EmbeddedServices()
        # Asked before the kernel's own.
        services.add_generic_rpc_handlers((self,))
        register_services(kernel, services)
        return EmbeddedChannel(services, kernel.close)

    def script(self, answers: Mapping[str, Message | grpc.StatusCode]) -> None:
        self.answers.update(answers)
