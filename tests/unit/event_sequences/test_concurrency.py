"""Concurrency scopes and their wire form (events.md 6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.errors import UnknownEventTypeError
from chronicle.event_sequences.concurrency import NO_CONCURRENCY_CHECK, ConcurrencyScope, write_scope
from chronicle.values import BEFORE_FIRST, MAX, UNAVAILABLE
from tests.unit.event_sequences.scripted import AccountOpened, FundsDeposited


def wire(scope: ConcurrencyScope) -> pb.ConcurrencyScope:
    message = pb.ConcurrencyScope(SequenceNumber=UNAVAILABLE)
    write_scope(scope, message)
    return message


@pytest.mark.row("E46")
def test_expecting_nothing_is_sent_as_a_flag_beside_the_number_that_checks_nothing() -> None:
    expected = pb.ConcurrencyScope(SequenceNumber=UNAVAILABLE, ExpectsNoMatchingEvent=True)
    assert wire(ConcurrencyScope.expect_none()) == expected
    assert wire(ConcurrencyScope.at(None)) == expected


@pytest.mark.row("S45")
def test_no_check_is_sent_as_such_and_never_as_an_empty_message() -> None:
    assert wire(NO_CONCURRENCY_CHECK) == pb.ConcurrencyScope(SequenceNumber=UNAVAILABLE)
    assert wire(NO_CONCURRENCY_CHECK).ByteSize() > 0


def test_a_scope_is_narrowed_step_by_step_and_each_step_leaves_the_one_before() -> None:
    whole = ConcurrencyScope.at(5)
    narrow = (
        whole.for_source()
        .for_source_type("account")
        .for_stream("transactions", "2024")
        .types(AccountOpened, FundsDeposited)
        .types(AccountOpened)
    )
    assert wire(whole) == pb.ConcurrencyScope(SequenceNumber=5)
    assert wire(narrow) == pb.ConcurrencyScope(
        SequenceNumber=5,
        EventSourceId=True,
        EventSourceType="account",
        EventStreamType="transactions",
        EventStreamId="2024",
        EventTypes=[
            pb.EventType(Id="account-opened", Generation=1),
            pb.EventType(Id="funds-deposited", Generation=2),
        ],
    )


def test_scopes_compare_by_value() -> None:
    assert ConcurrencyScope.at(5).for_source() == ConcurrencyScope.at(5).for_source()
    assert len({ConcurrencyScope.at(5), ConcurrencyScope.at(5), ConcurrencyScope.at(6)}) == 2


@pytest.mark.parametrize("number", [-1, BEFORE_FIRST, MAX, UNAVAILABLE, 2**64])
def test_a_number_that_no_event_can_have_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="expect_none"):
        ConcurrencyScope.at(number)


def test_a_class_that_is_no_event_type_is_refused() -> None:
    with pytest.raises(UnknownEventTypeError):
        ConcurrencyScope.at(1).types(str)


@given(st.integers(min_value=0, max_value=BEFORE_FIRST - 1))
def test_every_number_of_an_event_is_sent_as_it_is(number: int) -> None:
    assert wire(ConcurrencyScope.at(number)) == pb.ConcurrencyScope(SequenceNumber=number)
