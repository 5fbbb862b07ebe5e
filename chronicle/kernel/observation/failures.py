"""Partitions that an observer could not go on with (observation.md 6)."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import msgspec

from chronicle.kernel.observation.settings import ObservationSettings
from chronicle.kernel.storage.failed_partitions import StoredAttempt, StoredFailure
from chronicle.values import uuid7


@dataclass(frozen=True, slots=True)
class Attempt:
    """One failure of a partition."""

    occurred: int
    """Ticks, see `chronicle.values`."""
    sequence_number: int
    """Where to resume."""
    messages: Sequence[str]
    """Outermost first."""
    stack_trace: str


@dataclass(frozen=True, slots=True)
class FailedPartition:
    """A partition that failed. It keeps its id until it recovers; a later failure is a new one."""

    id: UUID
    partition: str
    sequence_number: int
    """Where the next attempt begins; beyond the last attempt's number once some of it was recovered."""
    attempts: tuple[Attempt, ...]

    @staticmethod
    def first(partition: str, attempt: Attempt) -> "FailedPartition":
        """A partition that has failed just now."""
        return FailedPartition(uuid7(), partition, attempt.sequence_number, (attempt,))

    def again(self, attempt: Attempt) -> "FailedPartition":
        """The partition after one more failure."""
        return replace(self, sequence_number=attempt.sequence_number, attempts=(*self.attempts, attempt))

    def moved_to(self, sequence_number: int) -> "FailedPartition":
        """The partition after some of it was recovered."""
        return replace(self, sequence_number=sequence_number)


class FailedPartitions:
    """The failed partitions of one observer, and when each is tried again, in the event loop's time."""

    def __init__(self, failed: Iterable[FailedPartition], settings: ObservationSettings) -> None:
        self._settings = settings
        self._failed = {one.partition: one for one in failed}
        self._due: dict[str, float] = {}
        # Nothing is due before this; it spares the look at every one of them.
        self._earliest = math.inf

    def __len__(self) -> int:
        return len(self._failed)

    def __iter__(self) -> Iterator[FailedPartition]:
        return iter(self._failed.values())

    def get(self, partition: str) -> FailedPartition | None:
        """The failure of a partition, if it has failed."""
        return self._failed.get(partition)

    def among(self, partitions: Iterable[str]) -> set[str]:
        """Those of the partitions that have failed."""
        return self._failed.keys() & set(partitions) if self._failed else set()

    def put(self, failed: FailedPartition, now: float) -> None:
        """Takes in a new failure, and plans the next attempt unless there were enough of them."""
        self._failed[failed.partition] = failed
        attempts = len(failed.attempts)
        if self._settings.may_retry(attempts):
            self._plan(failed.partition, now + self._settings.retry_delay(attempts))
        else:
            self._due.pop(failed.partition, None)

    def move(self, failed: FailedPartition) -> None:
        """Takes in how far a partition has recovered; it stays due."""
        self._failed[failed.partition] = failed

    def remove(self, partition: str) -> None:
        """Forgets a partition that has recovered."""
        self._failed.pop(partition, None)
        self._due.pop(partition, None)

    def retry_all(self, now: float) -> None:
        """Makes every partition due, also those that failed too often: someone has subscribed anew."""
        self._due = dict.fromkeys(self._failed, now)
        self._earliest = now

    def retry_later(self, partition: str, now: float) -> None:
        """Plans one more attempt, after the delay of the last failure."""
        self._plan(partition, now + self._settings.retry_delay(len(self._failed[partition].attempts)))

    def due(self, now: float, *, before: int) -> list[FailedPartition]:
        """What to try now, the longest waiting first: only what failed at a number lower than `before`."""
        if now < self._earliest:
            return []
        self._earliest = min(self._due.values(), default=math.inf)
        waiting = sorted(
            (due, partition)
            for partition, due in self._due.items()
            if due <= now and self._failed[partition].sequence_number < before
        )
        return [self._failed[partition] for _, partition in waiting[: self._settings.concurrent_recoveries]]

    def next_due(self, *, before: int) -> float | None:
        """When something is due next; `None` for never."""
        return min(
            (due for partition, due in self._due.items() if self._failed[partition].sequence_number < before),
            default=None,
        )

    def _plan(self, partition: str, due: float) -> None:
        self._due[partition] = due
        self._earliest = min(self._earliest, due)


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(tuple[str, ...]).decode


def to_stored_attempt(attempt: Attempt) -> StoredAttempt:
    """An attempt as the database keeps it."""
    return StoredAttempt(
        attempt.occurred, attempt.sequence_number, _encode(attempt.messages).decode(), attempt.stack_trace
    )


def from_stored(stored: StoredFailure) -> FailedPartition:
    """A failed partition as the database has kept it."""
    attempts = [
        Attempt(occurred, sequence_number, _decode(messages), stack_trace)
        for occurred, sequence_number, messages, stack_trace in stored.attempts
    ]
    return FailedPartition(UUID(bytes=stored.id), stored.partition, stored.sequence_number, tuple(attempts))
