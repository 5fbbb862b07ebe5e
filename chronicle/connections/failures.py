"""What the status of a failed call means to an application: one table, for both channels."""

from typing import Final

import grpc
import grpc.aio

from chronicle.errors import CallError, DeadlineError, KernelError, NotBuiltError, NotConnectedError

_Status = grpc.StatusCode

_ERRORS: Final[dict[grpc.StatusCode, type[CallError]]] = {
    _Status.UNAVAILABLE: NotConnectedError,
    _Status.DEADLINE_EXCEEDED: DeadlineError,
    _Status.UNIMPLEMENTED: NotBuiltError,
    _Status.CANCELLED: KernelError,
    _Status.UNKNOWN: KernelError,
    _Status.INVALID_ARGUMENT: KernelError,
    _Status.NOT_FOUND: KernelError,
    _Status.ALREADY_EXISTS: KernelError,
    _Status.PERMISSION_DENIED: KernelError,
    _Status.UNAUTHENTICATED: KernelError,
    _Status.RESOURCE_EXHAUSTED: KernelError,
    _Status.FAILED_PRECONDITION: KernelError,
    _Status.ABORTED: KernelError,
    _Status.OUT_OF_RANGE: KernelError,
    _Status.INTERNAL: KernelError,
    _Status.DATA_LOSS: KernelError,
}

# The real kernel's framework puts this before the exception it reports; it tells an application nothing.
_FRAMEWORK_PREFIX: Final = "Exception was thrown by handler. "


def translate(error: grpc.aio.AioRpcError, *, method: str, endpoint: str = "") -> CallError:
    """The error to raise (`from error`) for a failed call.

    `method` is `Service/Method`; `endpoint` is the address that was tried, without secrets.
    """
    code = error.code()
    details = (error.details() or "").removeprefix(_FRAMEWORK_PREFIX)
    where = f" at {endpoint}" if endpoint else ""
    kind = _ERRORS[code]
    if kind is NotConnectedError:
        return NotConnectedError(f"No Chronicle kernel answers{where} ({method}): {details}. Is it running?")
    if kind is DeadlineError:
        return DeadlineError(
            f"{method} was not answered{where} in time. What was asked for may have happened all the same: "
            "look before you ask again."
        )
    if kind is NotBuiltError:
        return NotBuiltError(details or f"The kernel{where} does not know {method}.")
    return KernelError(f"{method} failed{where}: {details} ({code.name})", method=method)
