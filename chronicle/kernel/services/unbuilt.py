"""What answers for the methods of the contract that are not built yet: that they are not, by name."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, NoReturn

import grpc

from chronicle.kernel.services.faults import Context

if TYPE_CHECKING:
    _MethodHandler = grpc.RpcMethodHandler[Any, Any]
else:
    # Generic for type checkers only.
    _MethodHandler = grpc.RpcMethodHandler

_CONTRACT = "/Cratis.Chronicle.Contracts."


class UnbuiltMethods(grpc.GenericRpcHandler):
    """Takes every call into the contract that nothing else serves; it is registered last."""

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[Any, Any] | None":
        """A handler that refuses, for any path of the contract."""
        path = handler_call_details.method
        return _Refusal(path.rpartition(".")[2]) if path.startswith(_CONTRACT) else None


class _Refusal(_MethodHandler):
    """Refuses calls of whatever shape.

    Over the network streams stand for all; the embedded channel picks one.
    """

    request_streaming = True
    response_streaming = True
    request_deserializer = None
    response_serializer = None

    def __init__(self, name: str) -> None:
        self._name = name
        # Typed for grpc's threaded servers; ours are asynchronous.
        refuse: Any = self._refuse
        refuse_stream: Any = self._refuse_stream
        self.unary_unary = self.stream_unary = refuse
        self.unary_stream = self.stream_stream = refuse_stream

    async def _refuse(self, request: Any, context: Context) -> NoReturn:
        await context.abort(
            grpc.StatusCode.UNIMPLEMENTED,
            f"{self._name} is not built yet in the embedded kernel. docs/status.md lists what is missing.",
        )

    async def _refuse_stream(self, request: Any, context: Context) -> AsyncIterator[NoReturn]:
        yield await self._refuse(request, context)
