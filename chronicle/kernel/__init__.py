"""The embedded kernel: the engine of Chronicle in Python on SQLite, in this process or on a port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chronicle.kernel.server import ServedKernel

__all__ = ["serve"]


@asynccontextmanager
async def serve(path: Path | None, *, port: int = 35000) -> "AsyncIterator[ServedKernel]":
    """Serves a kernel over gRPC on loopback, without TLS and authentication; inside the block it answers.

    `path` is its database file, `None` keeps all in memory; port 0 takes one that is free. At the end calls
    have a second to finish, then streams are cut, and the kernel is closed.

    Raises `PortUnavailable`, `DatabaseInUseError`, `NotAChronicleDatabaseError`, `NewerDatabaseError`, or
    `StorageError`.
    """
    # Here and not above: whoever needs another part of the kernel must not load all of it.
    from chronicle.kernel.server import served

    async with served(path, port=port) as kernel:
        yield kernel
