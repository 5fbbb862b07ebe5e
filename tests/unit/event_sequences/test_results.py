"""What became of an append, and what a refusal says (events.md 4.3, 4.4)."""

import pytest

from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.errors import AppendError, ConcurrencyError, ConstraintViolationError
from chronicle.event_sequences.concurrency import ConcurrencyScope
from chronicle.event_sequences.event_for import EventFor
from chronicle.event_sequences.event_sequence import EventSequence
from chronicle.values import BEFORE_FIRST, UNAVAILABLE
from chronicle.violations import ConcurrencyViolation, ConstraintType
from tests.unit.event_sequences.scripted import AccountOpened, FundsDeposited, ScriptedKernel

ALICE = AccountOpened(owner="Alice")

TAKEN = pb.ConstraintViolation(
    EventTypeId="account-opened",
    SequenceNumber=3,
    ConstraintType=pb.CONSTRAINT_TYPE_Unique,
    ConstraintName="unique-owner",
    Message="Event 'account-opened' on member 'owner' violated a unique constraint on sequence number 3",
    Details={"PropertyName": "owner", "PropertyValue": "Alice"},
)


async def test_a_success_has_its_number_and_nothing_else(log: EventSequence, kernel: ScriptedKernel) -> None:
    kernel.answers = [pb.AppendResponse(SequenceNumber=7)]
    result = await log.try_append("a", ALICE)
    result.raise_for_failure()
    assert result.is_success
    assert result.sequence_number == 7
    assert (result.constraint_violations, result.concurrency_violations, result.errors) == ((), (), ())


async def test_a_constraint_violation_is_in_the_result_with_all_its_parts(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    kernel.answers = [pb.AppendResponse(SequenceNumber=UNAVAILABLE, ConstraintViolations=[TAKEN])]
    result = await log.try_append("a", ALICE)
    assert not result.is_success
    assert result.sequence_number is None
    (violation,) = result.constraint_violations
    assert violation.constraint_type is ConstraintType.UNIQUE
    assert violation.constraint_name == "unique-owner"
    assert violation.event_type_id == "account-opened"
    assert violation.sequence_number == 3
    assert violation.details == {"PropertyName": "owner", "PropertyValue": "Alice"}


@pytest.mark.row("E58")
async def test_its_error_says_what_happened_and_what_to_do_but_not_the_value(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    kernel.answers = [pb.AppendResponse(SequenceNumber=UNAVAILABLE, ConstraintViolations=[TAKEN])]
    with pytest.raises(ConstraintViolationError) as raised:
        await log.append("a", ALICE)
    text = str(raised.value)
    assert text == (
        "Nothing was appended. 'account-opened' violates 'unique-owner': Event 'account-opened' on member "
        "'owner' violated a unique constraint on sequence number 3. Use another value, or append what "
        "releases it first."
    )
    assert "Alice" not in text
    assert raised.value.violations[0].details["PropertyValue"] == "Alice"


@pytest.mark.parametrize("constraint_type", [*ConstraintType, None])
async def test_every_kind_of_constraint_has_its_advice(
    log: EventSequence, kernel: ScriptedKernel, constraint_type: ConstraintType | None
) -> None:
    number = 99 if constraint_type is None else constraint_type.value
    violation = pb.ConstraintViolation(ConstraintName="c", SequenceNumber=UNAVAILABLE)
    violation.ConstraintType = number  # type: ignore[assignment]
    kernel.answers = [pb.AppendResponse(SequenceNumber=UNAVAILABLE, ConstraintViolations=[violation])]
    (read,) = (await log.try_append("a", ALICE)).constraint_violations
    assert read.constraint_type is (constraint_type or ConstraintType.UNKNOWN)
    assert read.sequence_number is None
    assert str(read).endswith(".")


@pytest.mark.row("S43")
async def test_a_concurrency_violation_names_the_source_which_the_kernel_does_not(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    kernel.answers = [
        pb.AppendResponse(
            SequenceNumber=UNAVAILABLE,
            ConcurrencyViolation=pb.ConcurrencyViolation(ExpectedSequenceNumber=3, ActualSequenceNumber=5),
        )
    ]
    with pytest.raises(ConcurrencyError) as raised:
        await log.append("account-42", ALICE, concurrency=ConcurrencyScope.at(3).for_source())
    assert raised.value.violations == (ConcurrencyViolation("account-42", 3, 5),)
    assert str(raised.value) == (
        "Nothing was appended. The concurrency scope for 'account-42' expected nothing newer than event 3, "
        "but event 5 is there. Read what is new, decide again, and append with a new scope."
    )


@pytest.mark.row("S46")
async def test_where_nothing_was_expected_the_violation_says_so(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    violation = pb.ConcurrencyViolation(ExpectedSequenceNumber=BEFORE_FIRST, ActualSequenceNumber=0)
    kernel.answers = [pb.AppendResponse(SequenceNumber=UNAVAILABLE, ConcurrencyViolation=violation)]
    (read,) = (await log.try_append("a", ALICE)).concurrency_violations
    assert (read.expected_sequence_number, read.actual_sequence_number) == (None, 0)
    assert "expected no event" in str(read)


async def test_errors_of_the_kernel_are_passed_on(log: EventSequence, kernel: ScriptedKernel) -> None:
    kernel.answers = [pb.AppendResponse(SequenceNumber=UNAVAILABLE, Errors=["The disk is full."])]
    with pytest.raises(AppendError, match=r"Nothing was appended\. The disk is full\.") as raised:
        await log.append("a", ALICE)
    assert raised.value.errors == ("The disk is full.",)


@pytest.mark.row("S175")
async def test_an_answer_without_a_number_and_without_a_reason_is_no_success(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    kernel.answers = [pb.AppendResponse(SequenceNumber=UNAVAILABLE), pb.AppendManyResponse()]
    assert not (await log.try_append("a", ALICE)).is_success
    result = await log.try_append_many("a", [ALICE])
    assert not result.is_success
    assert result.errors


@pytest.mark.row("S35", "S175")
async def test_a_rejected_batch_has_all_reasons_and_no_numbers(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    kernel.answers = [pb.AppendManyResponse(ConstraintViolations=[TAKEN, TAKEN], Errors=["And more."])]
    result = await log.try_append_many("a", [ALICE, FundsDeposited(1)])
    assert result.sequence_numbers == ()
    assert len(result.constraint_violations) == 2
    assert result.errors == ("And more.",)
    with pytest.raises(ConstraintViolationError, match=r"And more\."):
        result.raise_for_failure()


async def test_a_batch_with_one_scope_names_its_source_and_one_with_several_does_not(
    log: EventSequence, kernel: ScriptedKernel
) -> None:
    violation = pb.ConcurrencyViolation(ExpectedSequenceNumber=3, ActualSequenceNumber=5)
    kernel.answers = [pb.AppendManyResponse(ConcurrencyViolations=[violation]) for _ in range(2)]
    events = [EventFor("a", ALICE), EventFor("b", ALICE)]
    one = await log.try_append_many(events, concurrency={"a": ConcurrencyScope.at(3)})
    several = await log.try_append_many(events, concurrency=ConcurrencyScope.at(3))
    assert one.concurrency_violations == (ConcurrencyViolation("a", 3, 5),)
    assert several.concurrency_violations == (ConcurrencyViolation("", 3, 5),)
    with pytest.raises(ConcurrencyError, match="The concurrency scope expected"):
        several.raise_for_failure()
