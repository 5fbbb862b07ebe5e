"""The read model of an account: a state kept up to date by a reducer, there to be asked for."""

from decimal import Decimal

from pydantic import BaseModel

from chronicle import EventContext, reducer
from example_app.bank.events import AccountOpened, Movement, change


class Account(BaseModel):
    id: str
    owner: str
    balance: Decimal
    version: int
    """The sequence number of the last event that is in here."""


@reducer(model=Account)
class AccountReducer:
    def opened(self, event: AccountOpened, current: Account | None, context: EventContext) -> Account:
        return Account(
            id=context.event_source_id,
            owner=event.owner,
            balance=change(event),
            version=context.sequence_number,
        )

    def moved(self, event: Movement, current: Account, context: EventContext) -> Account:
        balance = current.balance + change(event)
        return current.model_copy(update={"balance": balance, "version": context.sequence_number})
