"""The envelopes in which some services answer: a failure is inside, under status OK (contract README)."""

from typing import TYPE_CHECKING, TypeAlias

from chronicle.errors import KernelError

if TYPE_CHECKING:
    from chronicle.contracts import event_stores_pb2, jobs_pb2, namespaces_pb2

    # The contract repeats them in every package that uses them.
    Envelope: TypeAlias = (
        event_stores_pb2.CommandResult
        | event_stores_pb2.QueryResult_IEnumerable_String
        | jobs_pb2.CommandResult
        | jobs_pb2.QueryResult_IEnumerable_JobStepSummaryResponse
        | jobs_pb2.QueryResult_IEnumerable_JobSummaryResponse
        | namespaces_pb2.CommandResult
        | namespaces_pb2.QueryResult_IEnumerable_String
    )


def open_envelope(envelope: "Envelope", method: str) -> None:
    """Raises `KernelError` for an envelope that holds a failure, naming the `Service/Method` called."""
    reasons = [*(one.Message for one in envelope.ValidationResults), *envelope.ExceptionMessages]
    # Left out means authorised.
    if envelope.HasField("IsAuthorized") and not envelope.IsAuthorized:
        reasons.append("This client is not allowed to do that.")
    if reasons:
        raise KernelError(f"{method} failed: {' '.join(reasons)}", method=method)
