"""What happens to accounts. Events are facts: named in the past tense, never changed afterwards."""

from decimal import Decimal

from pydantic import BaseModel

from chronicle import event_type


@event_type("account-opened")
class AccountOpened(BaseModel):
    owner: str
    initial_balance: Decimal


@event_type("funds-deposited")
class FundsDeposited(BaseModel):
    amount: Decimal


@event_type("funds-withdrawn")
class FundsWithdrawn(BaseModel):
    amount: Decimal


@event_type("transfer-sent")
class TransferSent(BaseModel):
    to_account: str
    amount: Decimal


@event_type("transfer-received")
class TransferReceived(BaseModel):
    from_account: str
    amount: Decimal


@event_type("notification-sent")
class NotificationSent(BaseModel):
    text: str
    about: int
    """The sequence number of the event that it tells of."""


Movement = FundsDeposited | FundsWithdrawn | TransferSent | TransferReceived


def change(event: AccountOpened | Movement) -> Decimal:
    """By how much an event changes the balance of its account."""
    match event:
        case AccountOpened():
            return event.initial_balance
        case FundsDeposited() | TransferReceived():
            return event.amount
        case FundsWithdrawn() | TransferSent():
            return -event.amount
