"""What a handler sees of a call that came through the embedded channel."""

import time
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import grpc
import grpc.aio


class EmbeddedContext(grpc.aio.ServicerContext[Any, Any]):
    """A `ServicerContext` without a network.

    It has the call's metadata, its deadline, and the status that the call will end with.
    """

    __slots__ = ("_code", "_deadline", "_details", "_metadata", "_on_initial_metadata", "_trailing_metadata")

    def __init__(self, metadata: Any, timeout: float | None, on_initial_metadata: Any = None) -> None:
        self._metadata = metadata
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._on_initial_metadata = on_initial_metadata
        self._code = grpc.StatusCode.OK
        self._details = ""
        self._trailing_metadata: Any = ()

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Any = ()) -> NoReturn:
        self._code, self._details, self._trailing_metadata = code, details, trailing_metadata
        raise grpc.aio.AbortError("Locally aborted.")

    async def abort_with_status(self, status: grpc.Status) -> NoReturn:
        await self.abort(status.code, status.details, status.trailing_metadata or ())

    async def send_initial_metadata(self, initial_metadata: Any) -> None:
        if self._on_initial_metadata is not None:
            self._on_initial_metadata(initial_metadata)

    def set_trailing_metadata(self, trailing_metadata: Any) -> None:
        self._trailing_metadata = trailing_metadata

    def invocation_metadata(self) -> grpc.aio.Metadata | None:
        return grpc.aio.Metadata(*(self._metadata or ()))

    def set_code(self, code: grpc.StatusCode) -> None:
        self._code = code

    def set_details(self, details: str) -> None:
        self._details = details

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._details

    def trailing_metadata(self) -> grpc.aio.Metadata:
        return grpc.aio.Metadata(*self._trailing_metadata)

    def time_remaining(self) -> float:
        return float("inf") if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def peer(self) -> str:
        return "embedded"

    def peer_identities(self) -> Iterable[bytes] | None:
        return None

    def peer_identity_key(self) -> str | None:
        return None

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        return {}

    def set_compression(self, compression: grpc.Compression) -> None:
        """Nothing is serialised, so nothing is compressed."""

    def disable_next_message_compression(self) -> None:
        """Nothing is serialised, so nothing is compressed."""

    async def read(self) -> NoReturn:
        raise grpc.aio.UsageError("Handlers take their requests from the iterator that they are given.")

    async def write(self, message: Any) -> NoReturn:
        raise grpc.aio.UsageError("Handlers answer a stream by yielding.")

    def failure(self) -> grpc.aio.AioRpcError | None:
        """The error that the caller sees, unless the call went well."""
        if self._code is grpc.StatusCode.OK:
            return None
        return failure(self._code, self._details, self._trailing_metadata)


def failure(code: grpc.StatusCode, details: str, trailing_metadata: Any = ()) -> grpc.aio.AioRpcError:
    """A failed call, as the network would report it."""
    return grpc.aio.AioRpcError(
        code,
        grpc.aio.Metadata(),
        grpc.aio.Metadata(*trailing_metadata),
        details=details,
        debug_error_string="embedded",
    )


def deadline_exceeded() -> grpc.aio.AioRpcError:
    """A call that was not answered in time."""
    return failure(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")


def unexpected(error: Exception) -> grpc.aio.AioRpcError:
    """A handler that raised something that nobody turned into a status, in grpc's own words."""
    return failure(grpc.StatusCode.UNKNOWN, f"Unexpected {type(error)}: {error}")
