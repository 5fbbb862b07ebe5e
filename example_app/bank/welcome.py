"""A reactor with an effect outside: it asks for a service by annotation, and is left out of replays."""

from typing import Protocol

from chronicle import reactor
from example_app.bank.events import CustomerRegistered


class Mailer(Protocol):
    async def send(self, to: str, text: str) -> None: ...


@reactor(once_only=True)
async def welcome(event: CustomerRegistered, mailer: Mailer) -> None:
    # Empty when the customer was forgotten before this was handled: the bank may have been stopped meanwhile.
    if event.email:
        await mailer.send(event.email, f"Welcome to the bank, {event.name}!")
