"""When failed partitions are tried again (observation.md 6.3)."""

import pytest

from chronicle.kernel.observation.failures import (
    Attempt,
    FailedPartition,
    FailedPartitions,
    from_stored,
    to_stored_attempt,
)
from chronicle.kernel.observation.settings import DEFAULT_SETTINGS, ObservationSettings
from chronicle.kernel.storage.failed_partitions import StoredFailure

ATTEMPT = Attempt(7, 3, ("outer", "inner"), "line 1")
EVERYTHING = 100


def failed(partition: str, attempts: int = 1) -> FailedPartition:
    failure = FailedPartition.first(partition, ATTEMPT)
    for _ in range(attempts - 1):
        failure = failure.again(ATTEMPT)
    return failure


def partitions(failed: FailedPartitions, now: float, before: int = EVERYTHING) -> list[str]:
    return [one.partition for one in failed.due(now, before=before)]


@pytest.mark.row("O35")
def test_each_failure_doubles_the_delay_up_to_ten_minutes() -> None:
    delays = [DEFAULT_SETTINGS.retry_delay(attempts) for attempts in range(1, 12)]
    assert delays == [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]


def test_a_delay_that_comes_to_nothing_is_the_first_one() -> None:
    settings = ObservationSettings(backoff_delay=3, backoff_factor=0)
    assert settings.retry_delay(1) == 3


def test_the_delay_is_bounded_after_any_number_of_attempts() -> None:
    assert ObservationSettings(max_retry_attempts=0).retry_delay(10**6) == 600


@pytest.mark.row("O42")
def test_the_last_attempt_is_followed_by_none() -> None:
    assert [DEFAULT_SETTINGS.may_retry(attempts) for attempts in (1, 10, 11)] == [True, True, False]
    assert ObservationSettings(max_retry_attempts=0).may_retry(10**6)


def test_a_failed_partition_is_due_when_its_delay_is_over() -> None:
    failures = FailedPartitions((), DEFAULT_SETTINGS)
    failures.put(failed("A"), now=10)
    failures.put(failed("B", attempts=2), now=10)
    assert failures.next_due(before=EVERYTHING) == 12
    assert partitions(failures, 11.9) == []
    assert partitions(failures, 12) == ["A"]
    assert partitions(failures, 14) == ["A", "B"]


def test_one_that_failed_beyond_what_was_looked_at_waits_for_it() -> None:
    failures = FailedPartitions([failed("A")], DEFAULT_SETTINGS)
    failures.retry_all(now=1)
    assert failures.next_due(before=3) is None
    assert partitions(failures, 1, before=3) == []
    assert partitions(failures, 1, before=4) == ["A"]


def test_one_that_failed_too_often_is_due_only_when_all_are() -> None:
    failures = FailedPartitions((), DEFAULT_SETTINGS)
    failures.put(failed("A", attempts=10), now=0)
    failures.put(failed("A", attempts=11), now=0)
    assert failures.next_due(before=EVERYTHING) is None
    failures.retry_all(now=5)
    assert partitions(failures, 5) == ["A"]


def test_not_more_are_due_at_once_than_are_tried_side_by_side() -> None:
    failures = FailedPartitions(map(failed, "ABCDE"), ObservationSettings(concurrent_recoveries=2))
    failures.retry_all(now=0)
    assert len(partitions(failures, 0)) == 2


def test_one_that_has_recovered_is_forgotten_and_one_in_part_stays_due() -> None:
    failures = FailedPartitions([failed("A"), failed("B")], DEFAULT_SETTINGS)
    failures.retry_all(now=0)
    failures.remove("A")
    failures.move(failed("B").moved_to(9))
    assert [(one.partition, one.sequence_number) for one in failures.due(0, before=EVERYTHING)] == [("B", 9)]
    assert failures.among(["A", "B", "C"]) == {"B"}
    assert len(failures) == 1


def test_trying_again_later_waits_as_long_as_after_the_last_failure() -> None:
    failures = FailedPartitions([failed("A", attempts=2)], DEFAULT_SETTINGS)
    failures.retry_all(now=0)
    failures.retry_later("A", now=1)
    assert failures.next_due(before=EVERYTHING) == 5


def test_the_id_stays_as_long_as_the_failure_lasts() -> None:
    failure = failed("A")
    assert failure.again(ATTEMPT).id == failure.moved_to(9).id == failure.id
    assert failed("A").id != failure.id


def test_failures_come_back_from_storage_as_they_were() -> None:
    failure = failed("A", attempts=2).moved_to(9)
    stored = StoredFailure(failure.id.bytes, "A", 9, [to_stored_attempt(one) for one in failure.attempts])
    assert from_stored(stored) == failure
