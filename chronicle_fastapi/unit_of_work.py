"""The unit of work of a request: committed when the endpoint has returned, before the response is sent."""

from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Annotated, Final

from fastapi import Depends
from fastapi.requests import HTTPConnection

from chronicle import ConfigurationError, UnitOfWork
from chronicle_fastapi.plugin import Chronicle
from chronicle_fastapi.rollback import end_with_response

# Where FastAPI keeps what ends with the endpoint, before the response is sent: what `scope="function"` comes
# to. Not a generator with that scope, because whoever asks by plain `Depends` would get FastAPI's default,
# request scope, which ends after the response: a violation could then no longer change the answer, and a
# client would be told of success before anything is stored. It would also cost thirty microseconds more.
_ENDS_WITH_THE_ENDPOINT: Final = "fastapi_function_astack"
_BEGUN: Final = "chronicle.begun_unit_of_work"


async def get_unit_of_work(connection: HTTPConnection) -> UnitOfWork:
    """The unit of work of this request; the same one for everything in the request that asks for it.

    Its events are appended in one piece when the endpoint returns, before the response is sent, so that a
    violation becomes the response. An exception rolls it back, `HTTPException` included; *returning* a
    response with an error status does so with `RequestOptions(roll_back_on_error_status=True)` only. After
    `await unit_of_work.commit()` or `rollback()` by hand the end of the request does nothing. Background
    tasks and the body of a streaming response run after the commit.

    However it is asked for, plain `Depends(get_unit_of_work)` included, it keeps that timing.
    """
    scope = connection.scope
    begun = scope.get(_BEGUN)
    if isinstance(begun, UnitOfWork):
        return begun
    stack = scope.get(_ENDS_WITH_THE_ENDPOINT)
    if not isinstance(stack, AsyncExitStack):
        raise ConfigurationError(
            "A unit of work cannot tell when this endpoint ends. It has to be asked for by a dependency or "
            "an endpoint of FastAPI; if it was, this version of FastAPI is too new for this one of Chronicle."
        )
    chronicle = Chronicle.of(connection.app)
    unit_of_work = (await chronicle.store_for(connection)).unit_of_work()
    unit_of_work.make_current()
    if chronicle.requests.roll_back_on_error_status and scope["type"] == "http":
        stack.push_async_exit(partial(_leave_to_response, connection, unit_of_work))
    else:
        stack.push_async_exit(unit_of_work)
    scope[_BEGUN] = unit_of_work
    return unit_of_work


UnitOfWorkDep = Annotated[UnitOfWork, Depends(get_unit_of_work)]


async def _leave_to_response(
    connection: HTTPConnection,
    unit_of_work: UnitOfWork,
    kind: type[BaseException] | None,
    error: BaseException | None,
    traceback: TracebackType | None,
) -> None:
    if error is not None:
        await unit_of_work.close()
    else:
        end_with_response(connection.scope, unit_of_work)
