"""Claims: what an event asks for under the constraints of its event store, and what becomes of it.

Claims are made when an event is about to be appended (see `Constraints.claims`). Inside the write job those
of all events of an append are checked before any is applied; they are applied in the order of the events.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from chronicle.kernel.constraints.event_types import EventTypeClaim
from chronicle.kernel.constraints.ledger import Ledger
from chronicle.kernel.constraints.values import BatchClaims, ValueClaim
from chronicle.kernel.constraints.violations import ConstraintViolation

Claim: TypeAlias = ValueClaim | EventTypeClaim
Claims: TypeAlias = Sequence[Claim]


def look_up(ledger: Ledger, claims: Iterable[Claim]) -> None:
    """Reads at once what checking these claims will ask for."""
    ledger.holders.look_up([claim.place for claim in claims if isinstance(claim, ValueClaim)])


def check(
    ledger: Ledger, claims: Claims, batch: BatchClaims, write_pending: Callable[[], None]
) -> list[ConstraintViolation]:
    """What stands against one event of an append.

    `batch` is empty for the first event of the append and is handed on to its others. `write_pending` stores
    the events of earlier appends that are not in the table yet; it is called only if events are looked at.
    """
    return [violation for claim in claims for violation in claim.violations(ledger, batch, write_pending)]


def apply(ledger: Ledger, claims: Claims, number: int) -> None:
    """Keeps what an event claims that is appended under `number`; runs in the write job of its `check`."""
    for claim in claims:
        claim.apply(ledger, number)
