"""What an outcome means for the position (observation.md 3.1 and 3.2)."""

import pytest

from chronicle.kernel.observation.subscriber import DISCONNECTED, Batch, ObservationState, Outcome
from chronicle.kernel.observation.verdicts import Verdict, judge, raised
from chronicle.values import UNAVAILABLE
from tests.unit.kernel.observation.events import stored_event

SUCCESS, FAILED, NONE = ObservationState.SUCCESS, ObservationState.FAILED, ObservationState.NONE
BATCH = Batch("A", [stored_event(number) for number in (4, 6, 9)])


def verdict(state: ObservationState, last: int, *, is_live: bool = True) -> Verdict | None:
    return judge(BATCH, Outcome(state, last), is_live=is_live)


@pytest.mark.parametrize("is_live", [True, False])
@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (9, Verdict(9, 3, None, True)),
        (6, Verdict(6, 2, None, False)),
        (7, Verdict(7, 2, None, False)),
        (UNAVAILABLE, Verdict(None, 0, None, False)),
        # Outside the batch: as the TypeScript and Kotlin clients answer when nothing was handled.
        (4294967295, Verdict(None, 0, None, False)),
        (0, Verdict(None, 0, None, False)),
    ],
)
def test_success_counts_up_to_its_number(is_live: bool, last: int, expected: Verdict) -> None:
    assert verdict(SUCCESS, last, is_live=is_live) == expected


@pytest.mark.row("O38", "O39")
@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (UNAVAILABLE, Verdict(None, 0, 4, False)),
        (4, Verdict(4, 1, 4, False)),
        (6, Verdict(6, 2, 6, False)),
        (0, Verdict(None, 0, 4, False)),
    ],
)
def test_a_live_failure_resumes_at_the_last_event_that_was_handled(last: int, expected: Verdict) -> None:
    assert verdict(FAILED, last) == expected


@pytest.mark.row("O40")
@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (UNAVAILABLE, Verdict(None, 0, 4, False)),
        (4, Verdict(4, 1, 6, False)),
        (9, Verdict(9, 3, 10, False)),
    ],
)
def test_any_other_failure_resumes_after_the_last_event_that_was_handled(
    last: int, expected: Verdict
) -> None:
    assert verdict(FAILED, last, is_live=False) == expected


@pytest.mark.row("O148")
def test_no_state_is_success_when_live_and_nothing_otherwise() -> None:
    assert verdict(NONE, 9) == Verdict(9, 3, None, True)
    assert verdict(NONE, 9, is_live=False) == Verdict(None, 0, None, False)


def test_nobody_there_is_no_verdict() -> None:
    assert judge(BATCH, DISCONNECTED, is_live=True) is None


@pytest.mark.row("O152")
def test_what_was_raised_comes_with_all_its_causes_outermost_first() -> None:
    try:
        try:
            raise OSError("inner")
        except OSError as error:
            raise ValueError("outer") from error
    except ValueError as error:
        outcome = raised(error)
    assert outcome.state is FAILED
    assert outcome.last_successful == UNAVAILABLE
    assert list(outcome.messages) == ["outer", "inner"]
    assert "OSError: inner" in outcome.stack_trace
    assert list(raised(KeyError()).messages) == ["KeyError"]
