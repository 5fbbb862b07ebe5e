"""What tests of the client declare: the events of a bank account, and what is kept of them."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field

from chronicle import Artifacts, event_type, reducer


@event_type("account-opened")
class AccountOpened(BaseModel):
    owner: str
    initial_balance: Decimal = Decimal(0)


@event_type("funds-deposited", tags=("money", "in"))
class FundsDeposited(BaseModel):
    amount: Decimal


@event_type("funds-withdrawn", tags=("money",))
class FundsWithdrawn(BaseModel):
    amount: Decimal


@event_type("account-closed")
class AccountClosed(BaseModel):
    reason: str | None = None


@event_type("branch-rated")
class BranchRated(BaseModel):
    # The schema says nothing of it: the kernel takes what the class refuses.
    stars: Annotated[int, Field(le=5)]


class NoEvent(BaseModel):
    """No event type: nothing says so."""

    amount: int = 0


EVENT_TYPES = (AccountOpened, FundsDeposited, FundsWithdrawn, AccountClosed, BranchRated)


class Account(BaseModel):
    owner: str
    balance: Decimal
    movements: int = 0


@reducer(model=Account, id="accounts")
class AccountReducer:
    def opened(self, event: AccountOpened, current: Account | None) -> Account:
        return Account(owner=event.owner, balance=event.initial_balance)

    def deposited(self, event: FundsDeposited, current: Account | None) -> Account:
        return _moved(current, event.amount)

    def withdrawn(self, event: FundsWithdrawn, current: Account | None) -> Account:
        return _moved(current, -event.amount)

    def closed(self, event: AccountClosed, current: Account | None) -> None:
        return None


BANK = Artifacts(event_types=EVENT_TYPES)


def _moved(account: Account | None, amount: Decimal) -> Account:
    if account is None:
        return Account(owner="nobody", balance=amount, movements=1)
    return Account(owner=account.owner, balance=account.balance + amount, movements=account.movements + 1)
