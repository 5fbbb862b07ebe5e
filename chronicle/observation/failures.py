"""What the kernel is told of a batch that failed (observation.md 4 and 12.3)."""

import asyncio
import logging
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from chronicle.values import UNAVAILABLE

_logger: Final = logging.getLogger("chronicle.observation")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a batch stopped: messages, the outermost first, and the text of a stack trace."""

    messages: Sequence[str]
    stack_trace: str = ""

    @property
    def summary(self) -> str:
        """All messages in one line."""
        return "; ".join(self.messages)

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """The messages of the whole chain of an exception, and the stack trace with its causes."""
        trace = "".join(traceback.format_exception(error))
        return cls(tuple(_sendable(_message(each)) for each in _chain(error)), _sendable(trace))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a batch went."""

    last_successful: int = UNAVAILABLE
    """The last sequence number that was handled; `UNAVAILABLE` when none was."""
    failure: Failure | None = None
    """Why it went no further."""


def log_failure(observer: str, failure: Failure) -> None:
    """Tells the application's log, too: the kernel keeps a failure, but nobody may be looking there."""
    trace = f"\n{failure.stack_trace}" if failure.stack_trace else ""
    _logger.error("%s failed: %s. It is tried again later.%s", observer, failure.summary.rstrip("."), trace)


def is_cancelled() -> bool:
    """Whether the running task was told to end; a `CancelledError` may come from what it awaits as well."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop(0)
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            waiting.extend(current.exceptions)
        # As Python itself prints them: a context only counts where no cause was given and it was not
        # suppressed.
        waiting.append(current.__cause__ or (None if current.__suppress_context__ else current.__context__))


def _message(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:
        text = ""
    return text or type(error).__name__


def _sendable(text: str) -> str:
    # A lone surrogate has no place in a message, and an answer that cannot be sent would end the stream.
    return text.encode(errors="replace").decode()
