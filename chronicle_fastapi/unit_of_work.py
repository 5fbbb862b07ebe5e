"""The unit of work of a request: committed when the endpoint has returned, before the response is sent."""

from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection

from chronicle import UnitOfWork
from chronicle_fastapi.plugin import Chronicle


async def _unit_of_work(connection: HTTPConnection) -> AsyncGenerator[UnitOfWork]:
    async with Chronicle.of(connection.app).store.unit_of_work() as unit_of_work:
        yield unit_of_work


# Function scope ends with the endpoint, before the response is sent; FastAPI's default, request scope, ends
# after it: a violation could then no longer change the answer, and a client would be told of success before
# anything is stored.
_BeforeTheResponse = Annotated[UnitOfWork, Depends(_unit_of_work, scope="function")]


async def get_unit_of_work(unit_of_work: _BeforeTheResponse) -> UnitOfWork:
    """The unit of work of this request; the same one for everything in the request that asks for it.

    Its events are appended in one piece when the endpoint returns, before the response is sent, so that a
    violation becomes the response. An exception rolls it back, `HTTPException` included; *returning* a
    response with an error status does not. After `await unit_of_work.commit()` or `rollback()` by hand the
    end of the request does nothing. Background tasks and the body of a streaming response run after the
    commit.

    Being no generator itself, it keeps that timing however it is asked for, plain `Depends(get_unit_of_work)`
    included.
    """
    return unit_of_work


UnitOfWorkDep = Annotated[UnitOfWork, Depends(get_unit_of_work)]
