"""A small bank: the events, the reducer and the model that the tests of observers share."""

from dataclasses import dataclass, field

from chronicle.events.event_context import EventContext
from chronicle.events.event_types import event_type
from chronicle.observation.declarations import reducer


@event_type("opened")
@dataclass
class Opened:
    owner: str


@event_type("deposited")
@dataclass
class Deposited:
    amount: int


@event_type("closed")
@dataclass
class Closed:
    reason: str


@event_type("noted")
@dataclass
class Noted:
    text: str


@dataclass
class Account:
    owner: str
    balance: int = 0
    numbers: list[int] = field(default_factory=list)


@reducer(model=Account, id="accounts")
class Accounts:
    def opened(self, event: Opened, current: Account | None) -> Account:
        return Account(event.owner)

    def deposited(self, event: Deposited, current: Account | None, context: EventContext) -> Account | None:
        if current is None:
            return None
        return Account(
            current.owner, current.balance + event.amount, [*current.numbers, context.sequence_number]
        )

    def closed(self, event: Closed, current: Account | None) -> None:
        return None
