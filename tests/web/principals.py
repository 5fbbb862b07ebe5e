"""Who is there, as the authentication of an application has found out."""

from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send


class Authenticated:
    """Says who is there, as an authentication middleware does."""

    def __init__(self, app: ASGIApp, user: Any) -> None:
        self.app = app
        self.user = user

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            scope["user"] = self.user
        await self.app(scope, receive, send)


@dataclass
class Principal:
    """A principal with claims, as token verifiers make them."""

    claims: dict[str, str]
    is_authenticated: bool = True
