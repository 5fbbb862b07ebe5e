"""Who acts in a request: from the principal that the application's authentication has found."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from fastapi.requests import HTTPConnection

from chronicle import Identity

IdentityResolver: TypeAlias = Callable[[HTTPConnection], Identity | None]
"""Says who acts, `None` for nobody in particular. Asked when something is appended, perhaps several times."""


def identity_of_principal(connection: HTTPConnection) -> Identity:
    """The principal in `scope["user"]`, where Starlette's `AuthenticationMiddleware` and its kin put it.

    Its claims `sub`, `name` and `preferred_username` are the identity's subject, name and user name. A
    principal without them is named by its `display_name`, and told apart by its `identity` or else its
    name. `Identity.NOT_SET` without a principal, and for one that is not authenticated.
    """
    name = claim_of(connection, "name") or claim_of(connection, "display_name")
    user_name = claim_of(connection, "preferred_username") or name
    subject = claim_of(connection, "sub") or claim_of(connection, "identity") or user_name
    return Identity(subject, name, user_name) if subject else Identity.NOT_SET


def claim_of(connection: HTTPConnection, name: str) -> str:
    """A claim of the authenticated principal; empty when there is no such claim or no principal.

    Principals are mappings, have a mapping `claims`, or have claims for attributes.
    """
    user = connection.scope.get("user")
    if user is None or getattr(user, "is_authenticated", True) is False:
        return ""
    value = _look_up(user, name)
    return "" if value is None else str(value).strip()


def _look_up(user: Any, name: str) -> Any:
    if isinstance(user, Mapping):
        return user.get(name)
    claims = getattr(user, "claims", None)
    if isinstance(claims, Mapping) and name in claims:
        return claims[name]
    # Starlette's users raise it for what they do not have.
    with suppress(NotImplementedError):
        return getattr(user, name, None)
    return None
