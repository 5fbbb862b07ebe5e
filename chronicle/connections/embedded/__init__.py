"""The embedded channel: a kernel in the same process, called without serialising.

It is a `grpc.aio.Channel`, so the generated stubs work on it as they do on the network. Deadlines,
cancellation, back-pressure and failures are the network's too: a failure is an `AioRpcError` with the same
status. What differs: a unary call begins when it is awaited, and runs in the task that awaits it.

Messages are handed over as they are. Neither side may change one after that.
"""

from chronicle.connections.embedded.channel import EmbeddedChannel, EmbeddedServices

__all__ = ["EmbeddedChannel", "EmbeddedServices"]
