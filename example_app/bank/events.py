"""What happens in the bank. Events are facts: named in the past tense, never changed afterwards."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel

from chronicle import Pii, Unique, event_type, unique_event_type


@event_type("customer-registered")
@unique_event_type(message="A customer has this number already.")
class CustomerRegistered(BaseModel):
    """The one event with personal data. It is encrypted under a key of the customer, whom it happens to."""

    name: Annotated[str, Pii("to address the customer")]
    email: Annotated[
        str,
        Pii("to write to the customer"),
        Unique("email", ignore_casing=True, message="A customer has this e-mail address already."),
    ]


@event_type("account-opened")
@unique_event_type(message="This account is open already.")
class AccountOpened(BaseModel):
    owner: str
    """The customer's number, which says nothing about the person once the key is gone."""
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
