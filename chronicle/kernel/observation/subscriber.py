"""What stands at the other end of an observer: it takes batches and says what became of them."""

import sqlite3
from collections.abc import Sequence
from enum import IntEnum
from typing import Final, NamedTuple, Protocol

from chronicle.kernel.storage.events import StoredEvent
from chronicle.values import UNAVAILABLE


class Effect(Protocol):
    """What must be stored together with the observer's position."""

    def __call__(self, connection: sqlite3.Connection) -> None:
        """Its part of the write job."""
        ...

    def stored(self) -> None:
        """Called on the event loop, once it is on the disk."""
        ...


class ObservationState(IntEnum):
    """What became of a batch; the first three are the contract's numbers."""

    NONE = 0
    SUCCESS = 1
    FAILED = 2
    DISCONNECTED = 3
    """Nobody is there to answer. Nothing is known of the batch, so it is delivered again."""


class ReplayState(IntEnum):
    """What a notice says of a replay; the numbers are the contract's."""

    NONE = 0
    """It is no notice, but a batch."""
    BEGIN = 1
    END = 2
    BEGIN_PARTITION = 3
    END_PARTITION = 4


class Batch(NamedTuple):
    """Events of one partition, at least one, in the order of their numbers; or a notice without any."""

    partition: str
    events: Sequence[StoredEvent]
    initial_state: str | None = None
    """What a reducer starts from, a JSON object's text; nothing for all others."""
    is_replay: bool = False
    """Whether the events were handled before. A reducer then starts from `initial_state`, stored or not."""
    notice: ReplayState = ReplayState.NONE
    """Nobody answers a notice."""


class Outcome(NamedTuple):
    """What became of a batch."""

    state: ObservationState
    last_successful: int = UNAVAILABLE
    """The number of the last event that was handled without failure."""
    messages: Sequence[str] = ()
    """Why it failed, outermost first."""
    stack_trace: str = ""
    read_model: str | None = None
    """The state, a JSON object's text, that a reducer came to; `None` when there is none any more."""
    effect: Effect | None = None


DISCONNECTED: Final = Outcome(ObservationState.DISCONNECTED)


class Subscriber(Protocol):
    """Takes the batches of an observer."""

    @property
    def folds(self) -> bool:
        """Whether what a batch comes to rests on the batches of the partition before it."""
        ...

    async def deliver(self, batches: Sequence[Batch]) -> Sequence[Outcome]:
        """Delivers batches of different partitions side by side, and says what became of each, in order.

        Whatever it raises fails all of the partitions.
        """
        ...

    async def undo(self, partition: str) -> Effect | None:
        """What takes back all that the events of a partition have come to: in a replay there were none."""
        ...
