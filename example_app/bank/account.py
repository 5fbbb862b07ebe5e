"""The read model of an account: a state kept up to date by a reducer, there to be asked for."""

from decimal import Decimal

from pydantic import BaseModel

from chronicle import EventContext, reducer
from example_app.bank.events import AccountOpened, Movement, change


class Account(BaseModel):
    id: str
    owner: str
    balance: Decimal


@reducer(model=Account)
class AccountReducer:
    def opened(self, event: AccountOpened, current: Account | None, context: EventContext) -> Account:
        return Account(id=context.event_source_id, owner=event.owner, balance=change(event))

    def moved(self, event: Movement, current: Account) -> Account:
        return current.model_copy(update={"balance": current.balance + change(event)})
