"""Calls of the contract that the client has no door for yet, with its deadline, correlation and errors."""

from typing import TypeVar
from uuid import UUID

import grpc.aio

from chronicle import ChronicleClient
from chronicle.connections.calls import Call
from chronicle.contracts.bcl_pb2 import Guid
from chronicle.values import guid_halves

Request = TypeVar("Request")
Response = TypeVar("Response")


async def ask(
    client: ChronicleClient,
    method: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
    name: str,
    request: Request,
) -> Response:
    """Calls a method of a stub on `client.channel`; `name` is its `Service/Method`.

    Raises `CallError` for what the kernel or the network reports.
    """
    return await Call(method, name, client.call_settings)(request)


def guid(value: UUID) -> Guid:
    """The message for a guid."""
    lo, hi = guid_halves(value)
    return Guid(lo=lo, hi=hi)
