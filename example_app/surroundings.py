"""What the bank finds around it: who calls, for which branch, and what sends its mail."""

from typing import Final

from fastapi.requests import HTTPConnection

from chronicle import Identity

BRANCHES: Final = {"north", "south"}
"""Each is a namespace, which the header x-cratis-tenant-id names; without it there is the default one."""


def teller(connection: HTTPConnection) -> Identity | None:
    """Who acts, for the context of all events: whoever the header says, as there is no sign-in here.

    An application that authenticates its users leaves this out; Chronicle finds them in `request.user`.
    """
    name = connection.headers.get("x-user")
    return Identity(subject=name, name=name) if name else None


class PrintingMailer:
    """Prints that a mail would be sent, and neither to whom nor what: both are personal."""

    async def send(self, to: str, text: str) -> None:
        print("A mail goes out.", flush=True)
