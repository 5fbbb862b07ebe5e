"""How far an observer has come in one namespace, in memory and in the database.

Invariant, also across a crash: a partition was handled up to, not including, the number at which it failed,
if it failed; else up to what `ahead` says of it, if anything; else up to `next_number`. Whatever moves these
numbers goes through `ObserverState.take`, and what a subscriber has caused is stored in the same transaction.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import msgspec

from chronicle.kernel.changes import Changes
from chronicle.kernel.observation.failures import (
    FailedPartition,
    FailedPartitions,
    from_stored,
    to_stored_attempt,
)
from chronicle.kernel.observation.settings import ObservationSettings
from chronicle.kernel.observation.subscriber import Effect
from chronicle.kernel.storage import failed_partitions, observers
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.failed_partitions import StoredFailure
from chronicle.kernel.storage.observers import StoredState
from chronicle.kernel.storage.writer import Job

_log = logging.getLogger(__name__)

_encode: Final = msgspec.json.Encoder().encode
_decode_ahead: Final = msgspec.json.Decoder(dict[str, int]).decode

_NEW: Final = StoredState(next_number=0, last_handled=None, handled_count=0, ahead="{}")


@dataclass(slots=True)
class Step:
    """What one delivery changes. Numbers that are not beyond the present ones change nothing."""

    next_number: int = 0
    last_handled: int | None = None
    handled: int = 0
    """Events that were handled."""
    ahead: Mapping[str, int] | None = None
    """Replaces what partitions are ahead, unless it is `None`."""
    effects: list[Effect] = field(default_factory=list)
    failed: list[FailedPartition] = field(default_factory=list)
    """New, or failed once more: the last attempt is the new one."""
    moved: list[FailedPartition] = field(default_factory=list)
    """Recovered in part."""
    recovered: list[FailedPartition] = field(default_factory=list)
    replayed: list[tuple[str, int]] = field(default_factory=list)
    """Partitions whose replay has ended, each with the request that it began with."""

    @property
    def is_light(self) -> bool:
        """Whether it only moves the position: then it may be stored a little later, together with others."""
        return self.ahead is None and not (
            self.effects or self.failed or self.moved or self.recovered or self.replayed
        )

    def add(self, later: "Step") -> None:
        """Takes a later light step into this one."""
        self.next_number = max(self.next_number, later.next_number)
        if later.last_handled is not None:
            self.last_handled = max(self.last_handled or 0, later.last_handled)
        self.handled += later.handled


class ObserverState:
    """The position of one observer and its failed partitions."""

    def __init__(
        self, observer_id: str, database: Database, *, namespace_id: int, settings: ObservationSettings
    ) -> None:
        self.observer_id = observer_id
        self.next_number = 0
        """What the observer expects next; everything before it was handled, or has failed."""
        self.last_handled: int | None = None
        """The highest number that was handled."""
        self.handled_count = 0
        self.ahead: Mapping[str, int] = {}
        """Partitions that were handled beyond `next_number`, and up to which number."""
        self.failed = FailedPartitions((), settings)
        self.replays: dict[str, int] = {}
        """Partitions to be handled again from their first event, and how often that was asked for."""
        self.changes: Final = Changes()
        """When any of this has changed, or who is subscribed."""
        self._database = database
        self._namespace_id = namespace_id
        self._settings = settings
        self._pending: Step | None = None
        self._writing: asyncio.Future[None] | None = None
        self._error: BaseException | None = None
        self._has_passed_over = False

    async def load(self) -> None:
        """Takes over what the database has kept; an observer that never moved starts at 0."""
        # A write job although it only reads: it comes after everything that is still to be written.
        stored, failures, replays = await self._database.write(
            partial(_read, namespace_id=self._namespace_id, observer_id=self.observer_id)
        )
        self.next_number, self.last_handled, self.handled_count, ahead = stored or _NEW
        self.ahead = _decode_ahead(ahead)
        self.failed = FailedPartitions(map(from_stored, failures), self._settings)
        self.replays = dict(replays)
        self._pending = self._error = None
        self._has_passed_over = False
        self.changes.notify()

    async def take(self, step: Step) -> None:
        """Makes a step.

        One that stores more than the position returns once all of it is on the disk. A light one returns at
        once and is stored soon: a crash in between delivers again. Raises what the database raised, also when
        that was about an earlier step.
        """
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        if step.is_light:
            self._apply(step)
            self._store_soon(step)
        else:
            # Jobs run in their order: what was put off is on the disk before, or together with, this step.
            self._write_pending()
            await self._database.write(self._job(step))
            self._apply(step)
            for effect in step.effects:
                effect.stored()

    async def request_replay(self, partition: str) -> None:
        """Notes that a partition has to be handled again from its first event; once begun it is finished."""
        job = partial(
            observers.request_replay,
            namespace_id=self._namespace_id,
            observer_id=self.observer_id,
            partition=partition,
        )
        self.take_replay_request(partition, await self._database.write(job))

    def take_replay_request(self, partition: str, request: int) -> None:
        """Takes in a request for a replay that is stored already."""
        self.replays[partition] = request
        self.changes.notify()

    async def forget_former_states(self) -> None:
        """Returns when nothing is left in the database's files of what steps have overwritten."""
        await self._database.forget_what_was_overwritten()

    def pass_over(self, number: int) -> None:
        """Moves on without having handled anything; that is stored with the next step, or by `flush`."""
        if number > self.next_number:
            self.next_number = number
            self._has_passed_over = True
            self.changes.notify()

    async def flush(self) -> None:
        """Returns when nothing is left to be stored."""
        if self._has_passed_over:
            await self.take(Step(next_number=self.next_number))
        while self._writing is not None:
            await asyncio.wait((self._writing,))

    def _apply(self, step: Step) -> None:
        self._has_passed_over = self._has_passed_over and step.next_number < self.next_number
        self.next_number = max(self.next_number, step.next_number)
        if step.last_handled is not None:
            self.last_handled = max(self.last_handled or 0, step.last_handled)
        self.handled_count += step.handled
        if step.ahead is not None:
            self.ahead = step.ahead
        if self.ahead and max(self.ahead.values()) < self.next_number:
            self.ahead = {}
        now = asyncio.get_running_loop().time()
        for failed in step.failed:
            self.failed.put(failed, now)
        for moved in step.moved:
            self.failed.move(moved)
        for recovered in step.recovered:
            self.failed.remove(recovered.partition)
        for partition, request in step.replayed:
            # Unless it was asked for once more meanwhile.
            if self.replays.get(partition) == request:
                del self.replays[partition]
        self.changes.notify()

    def _store_soon(self, step: Step) -> None:
        if self._pending is None:
            self._pending = step
        else:
            self._pending.add(step)
        if self._writing is None:
            self._write_pending()

    def _write_pending(self) -> None:
        if self._pending is not None:
            pending, self._pending = self._pending, None
            self._writing = self._database.write(self._job(pending))
            self._writing.add_done_callback(self._written)

    def _written(self, writing: asyncio.Future[None]) -> None:
        if (error := writing.exception()) is not None:
            _log.error("the position of observer '%s' could not be stored", self.observer_id, exc_info=error)
            self._error = error
        if writing is self._writing:
            self._writing = None
            if self._error is None:
                self._write_pending()

    def _job(self, step: Step) -> Job[None]:
        return partial(_write, namespace_id=self._namespace_id, observer_id=self.observer_id, step=step)


def _read(
    connection: sqlite3.Connection, namespace_id: int, observer_id: str
) -> tuple[StoredState | None, list[StoredFailure], list[tuple[str, int]]]:
    return (
        observers.state(connection, namespace_id, observer_id),
        failed_partitions.of_observer(connection, namespace_id, observer_id),
        observers.replays(connection, namespace_id, observer_id),
    )


def _write(connection: sqlite3.Connection, namespace_id: int, observer_id: str, step: Step) -> None:
    for effect in step.effects:
        effect(connection)
    for recovered in step.recovered:
        failed_partitions.remove_failed_partition(connection, recovered.id.bytes)
    for partition, request in step.replayed:
        observers.end_replay(connection, namespace_id, observer_id, partition=partition, request=request)
    for one in (*step.failed, *step.moved):
        failed_partitions.set_failed_partition(
            connection,
            namespace_id,
            observer_id,
            id=one.id.bytes,
            partition=one.partition,
            sequence_number=one.sequence_number,
        )
    for failed in step.failed:
        failed_partitions.add_attempt(
            connection, failed.id.bytes, len(failed.attempts), to_stored_attempt(failed.attempts[-1])
        )
    observers.advance(
        connection,
        namespace_id,
        observer_id,
        next_number=step.next_number,
        last_handled=step.last_handled,
        handled=step.handled,
        ahead=None if step.ahead is None else _encode(step.ahead).decode(),
    )
