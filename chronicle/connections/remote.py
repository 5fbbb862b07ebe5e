"""The remote channel: a kernel somewhere else, over gRPC."""

from typing import Final

import grpc.aio

from chronicle.values import GRPC_OPTIONS

# After a long outage grpc itself would wait up to two minutes between two attempts; the session decides that.
_RECONNECTING: Final = (
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)


def open_remote_channel(address: str) -> grpc.aio.Channel:
    """A plaintext channel to `host:port`; nothing is connected before the first call."""
    return grpc.aio.insecure_channel(address, options=[*GRPC_OPTIONS, *_RECONNECTING])
