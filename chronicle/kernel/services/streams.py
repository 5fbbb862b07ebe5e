"""Completing streams: CompleteStream of EventSequences (events.md 8)."""

from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.kernel.namespace import Namespace
from chronicle.kernel.sequences.streams import Stream
from chronicle.values import ALL_STREAM_TYPE, DEFAULT_STREAM_ID, UNAVAILABLE


async def complete_stream(
    namespace: Namespace, request: pb.CompleteStreamRequest
) -> pb.CompleteStreamResponse:
    """Completes a stream, or says why not. What is absent of its name is what it is for appends."""
    stream = Stream(request.EventStreamType or ALL_STREAM_TYPE, request.EventStreamId or DEFAULT_STREAM_ID)
    completion = await namespace.streams.complete(request.EventSequenceId, stream)
    if completion.refusal is not None:
        error = pb.CompleteStreamError.ValueType(completion.refusal.value)
        return pb.CompleteStreamResponse(IsSuccess=False, Error=error)
    tail = completion.tail
    return pb.CompleteStreamResponse(IsSuccess=True, SequenceNumber=UNAVAILABLE if tail is None else tail)
