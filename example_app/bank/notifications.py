"""A reactor that answers events with events: it tells the owner about large movements."""

from decimal import Decimal
from typing import Final

from chronicle import EventContext, reactor
from example_app.bank.events import FundsDeposited, FundsWithdrawn, NotificationSent, TransferReceived

LARGE: Final = Decimal(1000)


@reactor
class Notifications:
    """What handlers return is appended for the same account, with the event that led to it as its cause."""

    async def received(self, event: TransferReceived, context: EventContext) -> NotificationSent:
        text = f"You received {event.amount} from {event.from_account}."
        return NotificationSent(text=text, about=context.sequence_number)

    async def moved(
        self, event: FundsDeposited | FundsWithdrawn, context: EventContext
    ) -> NotificationSent | None:
        if event.amount < LARGE:
            return None
        what = "deposited to" if isinstance(event, FundsDeposited) else "withdrawn from"
        text = f"{event.amount} were {what} your account."
        return NotificationSent(text=text, about=context.sequence_number)
