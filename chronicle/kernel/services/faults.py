"""How failures of the kernel reach the caller, on either channel.

The real kernel's framework answers an exception with status UNKNOWN and the text `Exception was thrown by
handler. <ExceptionName>: <message>` (events.md 3.2); clients match on such texts, so ours does the same.
"""

import inspect
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final, Protocol, TypeAlias

import grpc
import grpc.aio

from chronicle.errors import ChronicleError, NotRunningError

_log = logging.getLogger(__name__)

MOST_CHARACTERS: Final = 600
"""Of an error's text. It travels in a header, escaped to twelve times its length; 8 KiB end the call."""

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Context = grpc.aio.ServicerContext[Any, Any]


class InvalidRequest(ChronicleError):
    """A request lacks what it must carry, or carries what cannot be read."""


class Server(Protocol):
    """Where services are registered: a `grpc.aio.Server` or the embedded channel's services."""

    def add_generic_rpc_handlers(self, generic_rpc_handlers: tuple[grpc.GenericRpcHandler, ...]) -> None: ...


class GuardedServer:
    """Stands between the generated `add_..._to_server` functions and a server, and guards every handler."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.built: list[str] = []
        """The paths, `/package.Service/Method`, of what was registered."""

    def add_generic_rpc_handlers(self, generic_rpc_handlers: tuple[grpc.GenericRpcHandler, ...]) -> None:
        """Does nothing: the generated code tells the same once more, by name, below."""

    def add_registered_method_handlers(
        self, service_name: str, method_handlers: Mapping[str, Handler]
    ) -> None:
        """Registers the handlers of a service that are built, guarded."""
        guarded = {
            method: _guard(f"{service_name.rpartition('.')[2]}/{method}", handler)
            for method, handler in method_handlers.items()
            if _is_built(handler)
        }
        self.built += [f"/{service_name}/{method}" for method in guarded]
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service_name, guarded),))


def _behaviour(handler: Handler) -> Callable[[Any, Any], Any]:
    behaviour = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
    assert behaviour is not None, "a handler has one of four shapes"
    return behaviour


def _is_built(handler: Handler) -> bool:
    # The generated base classes' methods are plain functions; everything that is built is asynchronous.
    behaviour = _behaviour(handler)
    return inspect.iscoroutinefunction(behaviour) or inspect.isasyncgenfunction(behaviour)


def _guard(name: str, handler: Handler) -> Handler:
    guard = _guard_stream if handler.response_streaming else _guard_unary
    make = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[handler.request_streaming, handler.response_streaming]
    return make(guard(name, _behaviour(handler)), handler.request_deserializer, handler.response_serializer)


def _guard_unary(name: str, behaviour: Callable[[Any, Context], Any]) -> Callable[[Any, Context], Any]:
    async def guarded(request: Any, context: Context) -> Any:
        try:
            return await behaviour(request, context)
        except Exception as error:
            await _refuse(name, error, context)

    return guarded


def _guard_stream(name: str, behaviour: Callable[[Any, Context], Any]) -> Callable[[Any, Context], Any]:
    async def guarded(request: Any, context: Context) -> AsyncIterator[Any]:
        answers = behaviour(request, context)
        try:
            async for answer in answers:
                yield answer
        except Exception as error:
            await _refuse(name, error, context)
        finally:
            # A caller that leaves must free what the handler holds now, not when it is collected.
            await answers.aclose()

    return guarded


async def _refuse(name: str, error: Exception, context: Context) -> None:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    if isinstance(error, NotRunningError):
        await context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
    if not isinstance(error, ChronicleError):
        _log.error("%s failed", name, exc_info=error)
    await context.abort(
        grpc.StatusCode.UNKNOWN,
        f"Exception was thrown by handler. {type(error).__name__}: {_shortened(error)}",
    )


def _shortened(error: Exception) -> str:
    """The text of an error that may quote what came with the request: all of it would not fit a status."""
    text = str(error)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}..."
