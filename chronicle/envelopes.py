"""The envelopes in which some services answer: a failure is inside, under status OK (contract README)."""

from typing import TypeAlias

from chronicle.contracts import event_stores_pb2, namespaces_pb2
from chronicle.errors import KernelError

# The contract repeats them in every package that uses them.
Envelope: TypeAlias = (
    event_stores_pb2.CommandResult
    | event_stores_pb2.QueryResult_IEnumerable_String
    | namespaces_pb2.CommandResult
    | namespaces_pb2.QueryResult_IEnumerable_String
)


def open_envelope(envelope: Envelope, method: str) -> None:
    """Raises `KernelError` for an envelope that holds a failure, naming the `Service/Method` called."""
    reasons = [*(one.Message for one in envelope.ValidationResults), *envelope.ExceptionMessages]
    # Left out means authorised.
    if envelope.HasField("IsAuthorized") and not envelope.IsAuthorized:
        reasons.append("This client is not allowed to do that.")
    if reasons:
        raise KernelError(f"{method} failed: {' '.join(reasons)}", method=method)
