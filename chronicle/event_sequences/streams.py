"""Completing streams of an event sequence (events.md 8)."""

from typing import Final

from chronicle.connections.calls import Call
from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.contracts.event_sequences_pb2_grpc import EventSequencesStub
from chronicle.errors import DefaultStreamError, StreamCompletedError
from chronicle.store_access import StoreAccess
from chronicle.values import is_actual

_DEFAULT_STREAM: Final = pb.COMPLETE_STREAM_ERROR_DefaultStreamCannotBeCompleted


class Streams:
    """The streams of one event sequence."""

    def __init__(self, store: StoreAccess, sequence_id: str) -> None:
        self._store = store
        self._sequence_id = sequence_id
        stub = EventSequencesStub(store.channel)
        self._complete = Call(stub.CompleteStream, "EventSequences/CompleteStream", store.calls)

    async def complete(self, stream_type: str, stream_id: str) -> int | None:
        """Completes a stream; see `EventSequence.complete_stream`."""
        response = await self._complete(
            pb.CompleteStreamRequest(
                EventStore=self._store.event_store,
                Namespace=self._store.namespace,
                EventSequenceId=self._sequence_id,
                EventStreamType=stream_type,
                EventStreamId=stream_id,
            )
        )
        if not response.IsSuccess:
            error = DefaultStreamError if response.Error == _DEFAULT_STREAM else StreamCompletedError
            raise error(stream_type, stream_id)
        return response.SequenceNumber if is_actual(response.SequenceNumber) else None
