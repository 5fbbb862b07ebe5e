"""The read model of a customer: what is personal is marked here as in the event, and goes with the key."""

from typing import Annotated

from pydantic import BaseModel

from chronicle import EventContext, Pii, reducer
from example_app.bank.events import CustomerRegistered


class Customer(BaseModel):
    id: str
    name: Annotated[str, Pii("to address the customer")]
    email: Annotated[str, Pii("to write to the customer")]


@reducer(model=Customer)
class CustomerReducer:
    def registered(
        self, event: CustomerRegistered, current: Customer | None, context: EventContext
    ) -> Customer:
        return Customer(id=context.event_source_id, name=event.name, email=event.email)
