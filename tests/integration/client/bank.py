"""What the tests' application declares."""

from dataclasses import dataclass

from pydantic import BaseModel

from chronicle.events.event_types import event_type


@event_type("account-opened")
class AccountOpened(BaseModel):
    owner: str


@event_type("funds-deposited")
@dataclass
class FundsDeposited:
    amount: int
