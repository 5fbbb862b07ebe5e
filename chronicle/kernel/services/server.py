"""The Server service (contract package Host; connection.md 6)."""

from google.protobuf.empty_pb2 import Empty

from chronicle.contracts import host_pb2 as pb
from chronicle.contracts.host_pb2_grpc import ServerServicer
from chronicle.kernel.errors import NotSupported
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.services.faults import Context


class ServerService(ServerServicer):
    """The kernel itself: its version."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    async def GetVersionInfo(self, request: Empty, context: Context) -> pb.ServerVersionInfo:
        """The version, and the commit when it is known."""
        version, commit = split_version(self._kernel.version)
        return pb.ServerVersionInfo(Version=version, CommitSha=commit)

    async def ResetKernelState(self, request: Empty, context: Context) -> Empty:
        """Refused, as by a production build of the real kernel: nobody else changes the kernel's storage."""
        raise NotSupported(
            "ResetKernelState is not available in the embedded kernel. Open a new one instead."
        )


def split_version(text: str) -> tuple[str, str]:
    """A version and its commit, which is what comes after the first `+`."""
    version, _, commit = text.partition("+")
    return version, commit
