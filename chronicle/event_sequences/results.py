"""What became of an append: numbers, or the reasons why nothing was stored (events.md 4.3, 4.4)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.errors import AppendError, ConcurrencyError, ConstraintViolationError
from chronicle.values import is_actual
from chronicle.violations import ConcurrencyViolation, ConstraintType, ConstraintViolation

_CONSTRAINT_TYPES: Final = {member.value: member for member in ConstraintType}


@dataclass(frozen=True, slots=True)
class _Outcome:
    correlation_id: UUID
    constraint_violations: tuple[ConstraintViolation, ...] = ()
    concurrency_violations: tuple[ConcurrencyViolation, ...] = ()
    errors: tuple[str, ...] = ()
    """Whatever else went wrong, in the kernel's words."""

    @property
    def is_success(self) -> bool:
        """Whether everything was stored; otherwise nothing was."""
        return not (self.constraint_violations or self.concurrency_violations or self.errors)

    def raise_for_failure(self) -> None:
        """Raises `ConstraintViolationError`, `ConcurrencyError` or `AppendError`, unless all was stored."""
        if self.constraint_violations:
            reasons = (*self.constraint_violations, *self.errors)
            raise ConstraintViolationError(_refusal(reasons), violations=self.constraint_violations)
        if self.concurrency_violations:
            raise ConcurrencyError(
                _refusal(self.concurrency_violations), violations=self.concurrency_violations
            )
        if self.errors:
            raise AppendError(_refusal(self.errors), errors=self.errors)


@dataclass(frozen=True, slots=True)
class AppendResult(_Outcome):
    """What became of one event."""

    sequence_number: int | None = None
    """The number it was given; None when it was not stored."""


@dataclass(frozen=True, slots=True)
class AppendManyResult(_Outcome):
    """What became of a batch, which is stored as a whole or not at all."""

    sequence_numbers: tuple[int, ...] = ()
    """The numbers in the order of the events; none when nothing was stored."""


Word: TypeAlias = Callable[[Sequence[ConstraintViolation]], tuple[ConstraintViolation, ...]]
"""Puts declared messages in place of the kernel's."""


def read_append_response(
    response: pb.AppendResponse, correlation_id: UUID, event_source_id: str, word: Word = tuple
) -> AppendResult:
    """An append's result, for the event source that was appended to: the kernel does not name it."""
    number = response.SequenceNumber
    if is_actual(number):
        return AppendResult(correlation_id, sequence_number=number)
    failed = [response.ConcurrencyViolation] if response.HasField("ConcurrencyViolation") else []
    return AppendResult(correlation_id, *_read_reasons(response, failed, event_source_id, word))


def read_append_many_response(
    response: pb.AppendManyResponse,
    correlation_id: UUID,
    scoped_sources: Sequence[str],
    word: Word = tuple,
    count: int = 1,
) -> AppendManyResult:
    """A batch's result, for the sources whose scopes were sent: the kernel does not say whose failed.

    Of a batch of no events, `count`, no numbers come back.
    """
    numbers = tuple(response.SequenceNumbers)
    is_refused = response.ConstraintViolations or response.ConcurrencyViolations or response.Errors
    if numbers or not (count or is_refused):
        return AppendManyResult(correlation_id, sequence_numbers=numbers)
    source = scoped_sources[0] if len(scoped_sources) == 1 else ""
    reasons = _read_reasons(response, response.ConcurrencyViolations, source, word)
    return AppendManyResult(correlation_id, *reasons)


_Reasons: TypeAlias = tuple[
    tuple[ConstraintViolation, ...], tuple[ConcurrencyViolation, ...], tuple[str, ...]
]


def _read_reasons(
    response: pb.AppendResponse | pb.AppendManyResponse,
    concurrency_violations: Iterable[pb.ConcurrencyViolation],
    event_source_id: str,
    word: Word,
) -> _Reasons:
    constraints = word([_read_constraint_violation(one) for one in response.ConstraintViolations])
    concurrency = tuple(
        ConcurrencyViolation(
            event_source_id=violation.EventSourceId or event_source_id,
            expected_sequence_number=_actual(violation.ExpectedSequenceNumber),
            actual_sequence_number=violation.ActualSequenceNumber,
        )
        for violation in concurrency_violations
    )
    errors = tuple(response.Errors)
    # Without a number nothing was stored, whatever else the answer says or does not say.
    if not (constraints or concurrency or errors):
        errors = ("The kernel gave no reason.",)
    return constraints, concurrency, errors


def _read_constraint_violation(violation: pb.ConstraintViolation) -> ConstraintViolation:
    return ConstraintViolation(
        constraint_type=_CONSTRAINT_TYPES.get(violation.ConstraintType, ConstraintType.UNKNOWN),
        constraint_name=violation.ConstraintName,
        event_type_id=violation.EventTypeId,
        message=violation.Message,
        sequence_number=_actual(violation.SequenceNumber),
        details=dict(violation.Details),
    )


def _actual(number: int) -> int | None:
    return number if is_actual(number) else None


def _refusal(reasons: Sequence[object]) -> str:
    return "Nothing was appended. " + " ".join(map(str, reasons))
