"""A reactor with an effect outside: it asks for a service by annotation, and gets what main.py gave."""

from typing import Protocol

from chronicle import reactor
from example_app.bank.events import CustomerRegistered


class Mailer(Protocol):
    async def send(self, to: str, text: str) -> None: ...


@reactor
async def welcome(event: CustomerRegistered, mailer: Mailer) -> None:
    await mailer.send(event.email, f"Welcome to the bank, {event.name}!")
