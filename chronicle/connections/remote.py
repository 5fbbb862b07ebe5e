"""The remote channel: a kernel somewhere else, over gRPC."""

from collections.abc import Sequence
from typing import Final

import grpc.aio

# 100 MiB, as the .NET client (client-surface.md 3.1).
MOST_BYTES_IN_A_MESSAGE: Final = 104_857_600

# Without all three a kernel that hangs is noticed after a minute or never (a bandwidth probe's ping has a
# timeout of its own). More pings than this and some servers answer with GOAWAY.
_KEEP_ALIVE: Final = (
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
)

# After a long outage grpc itself would wait up to two minutes between two attempts; the session decides that.
_RECONNECTING: Final = (
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)


def open_remote_channel(address: str, *, options: Sequence[tuple[str, int]] = ()) -> grpc.aio.Channel:
    """A plaintext channel to `host:port`; nothing is connected before the first call."""
    return grpc.aio.insecure_channel(
        address,
        options=[
            ("grpc.max_send_message_length", MOST_BYTES_IN_A_MESSAGE),
            ("grpc.max_receive_message_length", MOST_BYTES_IN_A_MESSAGE),
            *_KEEP_ALIVE,
            *_RECONNECTING,
            *options,
        ],
    )
