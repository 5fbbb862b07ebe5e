"""A small domain for the tests of the plugin."""

from typing import Final

from pydantic import BaseModel

from chronicle import Artifacts, event_type, reducer


@event_type("deposited")
class Deposited(BaseModel):
    amount: int


class Balance(BaseModel):
    amount: int = 0


@reducer(model=Balance)
class BalanceReducer:
    def deposited(self, event: Deposited, current: Balance | None) -> Balance:
        return Balance(amount=(current or Balance()).amount + event.amount)


ARTIFACTS: Final = Artifacts(event_types=[Deposited], reducers=[BalanceReducer])
