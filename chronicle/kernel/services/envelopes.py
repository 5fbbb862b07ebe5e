"""The envelopes in which commands and queries answer (contract README, "Envelopes").

Their failures travel inside, with gRPC status OK. Stack traces stay in the kernel's log: they are of no use
to a caller, and tell of the machine that the kernel runs on.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import NamedTuple, TypeVar

from chronicle.contracts import event_stores_pb2, namespaces_pb2
from chronicle.contracts.bcl_pb2 import Guid
from chronicle.errors import ChronicleError, NotRunningError
from chronicle.kernel.changes import Changes
from chronicle.values import guid_halves, uuid7

_log = logging.getLogger(__name__)

_ERROR = 3
"""`ValidationResultSeverity`, alike in all packages."""

# The contract repeats the envelopes in every package that uses them.
CommandResult = TypeVar("CommandResult", event_stores_pb2.CommandResult, namespaces_pb2.CommandResult)
NamesResult = TypeVar(
    "NamesResult",
    event_stores_pb2.QueryResult_IEnumerable_String,
    namespaces_pb2.QueryResult_IEnumerable_String,
)


class Invalid(NamedTuple):
    """A member of a command that is not as it must be."""

    member: str
    message: str


class Names(NamedTuple):
    """Names that a query asks for, and when they change."""

    all: Callable[[], Iterable[str]]
    changes: Changes


def required(**members: tuple[str, str]) -> list[Invalid]:
    """What is missing, of members given with their value and the message for a blank one."""
    return [Invalid(member, message) for member, (value, message) in members.items() if not value.strip()]


async def command(
    result_type: type[CommandResult], invalid: Iterable[Invalid], run: Callable[[], Awaitable[object]]
) -> CommandResult:
    """Runs a command unless something in it is invalid, and says what became of it."""
    result = result_type(CorrelationId=_new_id(), IsAuthorized=True)
    for member, message in invalid:
        result.ValidationResults.add(Severity=_ERROR, Message=message, Members=[member])
    if not result.ValidationResults:
        try:
            await run()
        except NotRunningError:
            raise
        except Exception as error:
            _note(error)
            result.ExceptionMessages.extend(_messages(error))
    return result


async def query(result_type: type[NamesResult], find: Callable[[], Awaitable[Names]]) -> NamesResult:
    """Answers with names, or with why there are none."""
    result = result_type(CorrelationId=_new_id(), IsAuthorized=True)
    try:
        result.Data.extend((await find()).all())
    except NotRunningError:
        raise
    except Exception as error:
        _fail(result, error)
    return result


async def observe(
    result_type: type[NamesResult], find: Callable[[], Awaitable[Names]]
) -> AsyncIterator[NamesResult]:
    """All names now, and all of them again after each change. A failure is the last answer."""
    correlation_id = _new_id()
    try:
        names = await find()
        async for _ in names.changes.each():
            yield result_type(CorrelationId=correlation_id, IsAuthorized=True, Data=names.all())
    except NotRunningError:
        raise
    except Exception as error:
        result = result_type(CorrelationId=correlation_id, IsAuthorized=True)
        _fail(result, error)
        yield result


def _fail(result: NamesResult, error: Exception) -> None:
    _note(error)
    result.ExceptionMessages.append(_text(error))


def _new_id() -> Guid:
    lo, hi = guid_halves(uuid7())
    return Guid(lo=lo, hi=hi)


def _note(error: Exception) -> None:
    if not isinstance(error, ChronicleError):
        _log.error("a command or a query failed", exc_info=error)


def _messages(error: BaseException | None) -> list[str]:
    """The texts of an error and of those that caused it, the outermost first."""
    texts = []
    while error is not None:
        texts.append(_text(error))
        error = error.__cause__
    return texts


def _text(error: BaseException) -> str:
    return str(error) or type(error).__name__
