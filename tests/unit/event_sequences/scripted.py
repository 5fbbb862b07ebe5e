"""Two event types, and a kernel that answers what the test says and keeps what it was asked."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc
from google.protobuf.empty_pb2 import Empty
from pydantic import BaseModel

from chronicle.connections.embedded import EmbeddedServices
from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.contracts.event_sequences_pb2_grpc import (
    EventSequencesServicer,
)
from chronicle.events.event_types import event_type


@event_type("account-opened", tags=["audit", "bank"])
class AccountOpened(BaseModel):
    owner: str
    initial_balance: int = 0


@event_type("funds-deposited", generation=2)
@dataclass
class FundsDeposited:
    amount: int
    notes: list[str] = field(default_factory=list)


@event_type("not-among-the-artifacts")
@dataclass
class Unregistered:
    amount: int = 0


Answer = TypeVar("Answer")


class ScriptedKernel(EventSequencesServicer):
    """Answers each call with what stands next in `answers`, or with a plain success."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.metadata: list[dict[str, str]] = []
        self.answers: list[Any] = []
        self.aborts_with: grpc.StatusCode | None = None
        self.asked = asyncio.Event()
        self.hold: asyncio.Event | None = None

    async def Append(self, request: pb.AppendRequest, context: Any) -> pb.AppendResponse:
        return await self._answer(request, context, pb.AppendResponse(SequenceNumber=0))

    async def AppendMany(self, request: pb.AppendManyRequest, context: Any) -> pb.AppendManyResponse:
        numbers = range(len(request.Events))
        return await self._answer(request, context, pb.AppendManyResponse(SequenceNumbers=numbers))

    async def GetTailSequenceNumber(
        self, request: pb.GetTailSequenceNumberRequest, context: Any
    ) -> pb.GetTailSequenceNumberResponse:
        return await self._answer(request, context, pb.GetTailSequenceNumberResponse(SequenceNumber=0))

    async def HasEventsForEventSourceId(
        self, request: pb.HasEventsForEventSourceIdRequest, context: Any
    ) -> pb.HasEventsForEventSourceIdResponse:
        return await self._answer(request, context, pb.HasEventsForEventSourceIdResponse(HasEvents=True))

    async def GetEventsFromEventSequenceNumber(
        self, request: pb.GetFromEventSequenceNumberRequest, context: Any
    ) -> pb.GetFromEventSequenceNumberResponse:
        return await self._answer(request, context, pb.GetFromEventSequenceNumberResponse())

    async def GetForEventSourceIdAndEventTypes(
        self, request: pb.GetForEventSourceIdAndEventTypesRequest, context: Any
    ) -> pb.GetForEventSourceIdAndEventTypesResponse:
        return await self._answer(request, context, pb.GetForEventSourceIdAndEventTypesResponse())

    async def QueryEvents(self, request: pb.QueryEventsRequest, context: Any) -> pb.QueryEventsResponse:
        return await self._answer(request, context, pb.QueryEventsResponse())

    async def GetHistogram(self, request: pb.GetHistogramRequest, context: Any) -> pb.GetHistogramResponse:
        return await self._answer(request, context, pb.GetHistogramResponse())

    async def CompleteStream(
        self, request: pb.CompleteStreamRequest, context: Any
    ) -> pb.CompleteStreamResponse:
        return await self._answer(request, context, pb.CompleteStreamResponse(IsSuccess=True))

    async def Redact(self, request: pb.RedactRequest, context: Any) -> pb.RedactResponse:
        return await self._answer(request, context, pb.RedactResponse())

    async def RedactForEventSource(self, request: pb.RedactForEventSourceRequest, context: Any) -> Empty:
        return await self._answer(request, context, Empty())

    async def Revise(self, request: pb.ReviseRequest, context: Any) -> Empty:
        return await self._answer(request, context, Empty())

    async def _answer(self, request: Any, context: Any, default: Answer) -> Answer:
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        self.asked.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.aborts_with is not None:
            await context.abort(self.aborts_with, "gone")
        return self.answers.pop(0) if self.answers else default


class Services(EmbeddedServices):
    """The generated code registers handlers twice; once is enough."""

    def add_registered_method_handlers(self, *_: Any) -> None: ...
