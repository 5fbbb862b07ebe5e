"""Decisions: made on an account's own events, and stored only if no other decision came in between.

A read model follows its events a moment later. That is right for showing a balance and wrong for paying out
money, so what must hold is decided here, on the events themselves.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Self

from chronicle import AppendedEvent, ConcurrencyScope, EventLog
from example_app.bank.events import (
    AccountOpened,
    FundsDeposited,
    FundsWithdrawn,
    Movement,
    TransferReceived,
    TransferSent,
    change,
)
from example_app.bank.refusals import InsufficientFunds, NoSuchAccount

# Notifications have no say in a balance, and may be appended in between.
DECISIVE: Final = (AccountOpened, FundsDeposited, FundsWithdrawn, TransferSent, TransferReceived)


@dataclass(frozen=True)
class Ledger:
    """Everything that ever changed the balance of one account."""

    account_id: str
    events: Sequence[AppendedEvent[AccountOpened | Movement]]

    @classmethod
    async def of(cls, account_id: str, event_log: EventLog) -> Self:
        events = await event_log.events_for(account_id, *DECISIVE)
        if not events:
            raise NoSuchAccount(account_id)
        return cls(account_id, events)

    def entries(self) -> Iterator[tuple[AppendedEvent[AccountOpened | Movement], Decimal, Decimal]]:
        """Each event with its change and the balance after it."""
        balance = Decimal(0)
        for appended in self.events:
            balance += change(appended.event)
            yield appended, change(appended.event), balance

    @property
    def balance(self) -> Decimal:
        return sum((change(appended.event) for appended in self.events), Decimal(0))

    @property
    def newest(self) -> int:
        return self.events[-1].sequence_number

    @property
    def unchanged(self) -> ConcurrencyScope:
        """Holds as long as nobody else changes the balance: of two withdrawals at once, one fails."""
        return ConcurrencyScope.at(self.newest).for_source().types(*DECISIVE)

    def unchanged_since(self, seen: ConcurrencyScope | None) -> ConcurrencyScope:
        """The same for a caller who says what they have seen.

        Where that is older than the ledger, the append is refused. It stands for no more than was read here:
        whoever claims to have seen the future could overdraw the account.
        """
        is_older = seen is not None and (seen.sequence_number is None or seen.sequence_number < self.newest)
        return seen if seen is not None and is_older else self.unchanged

    def require(self, amount: Decimal) -> None:
        if amount > self.balance:
            raise InsufficientFunds(self.account_id, self.balance, amount)
