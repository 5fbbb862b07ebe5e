"""Which namespace of the event store a request is about: its tenant's.

A resolver is any callable, async or not, from the connection to a name, `None` for the namespace that
`Chronicle` was given. Those here are for the usual places.
"""

import ipaddress
import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Final, TypeAlias

from fastapi.requests import HTTPConnection

from chronicle_fastapi.identity import claim_of
from chronicle_fastapi.problems import ProblemError

NamespaceResolver: TypeAlias = Callable[[HTTPConnection], str | Awaitable[str | None] | None]

NAMESPACE_HEADER: Final = "x-cratis-tenant-id"

# What every storage of every kernel takes. It is a caller who chooses, so nothing else gets that far.
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class HeaderNamespace:
    """The value of a header; refused when it is sent twice, for which of them was meant is not known."""

    name: str = NAMESPACE_HEADER

    def __call__(self, connection: HTTPConnection) -> str | None:
        """The namespace. Raises `ProblemError`."""
        values = connection.headers.getlist(self.name)
        if len(values) > 1:
            raise _refused(400, f"The header {self.name} was sent more than once.")
        return values[0] if values else None


@dataclass(frozen=True, slots=True)
class SubdomainNamespace:
    """The first label of the host: `acme` of `acme.example.com`.

    Without `domain` the host has to have more than two labels; with it, those before it count, which is what
    a domain such as `example.co.uk` needs. Addresses have no labels, and those of `not_tenants` are none.
    """

    domain: str | None = None
    not_tenants: Collection[str] = ("www",)

    def __call__(self, connection: HTTPConnection) -> str | None:
        """The namespace."""
        host = (connection.url.hostname or "").lower()
        domain = self.domain.lower() if self.domain else ".".join(host.split(".")[-2:])
        if _is_address(host) or not host.endswith(f".{domain}"):
            return None
        label = host.split(".")[0]
        return None if label in self.not_tenants else label


@dataclass(frozen=True, slots=True)
class ClaimNamespace:
    """A claim of the authenticated principal in `scope["user"]`."""

    claim: str = "tenant_id"

    def __call__(self, connection: HTTPConnection) -> str | None:
        """The namespace."""
        return claim_of(connection, self.claim)


@dataclass(frozen=True, slots=True)
class PathNamespace:
    """A parameter of the route's path: `tenant` of `/{tenant}/accounts`."""

    parameter: str = "tenant"

    def __call__(self, connection: HTTPConnection) -> str | None:
        """The namespace."""
        value = connection.path_params.get(self.parameter)
        return None if value is None else str(value)


async def namespace_of(
    connection: HTTPConnection, resolver: NamespaceResolver, allowed: Collection[str] | None
) -> str | None:
    """The namespace that a request asks for, `None` when it asks for none; blank names are none.

    Raises `ProblemError`, 400 for what is no name and 403 for one that is not allowed.
    """
    found = resolver(connection)
    name = found if found is None or isinstance(found, str) else await found
    if name is None or not (name := name.strip()):
        return None
    if not _NAME.fullmatch(name):
        raise _refused(400, "A namespace has up to 64 letters, digits, '-' and '_'.")
    if allowed is not None and name not in allowed:
        raise _refused(403, "This namespace is not open to requests.")
    return name


def _refused(status: int, detail: str) -> ProblemError:
    return ProblemError(status, "Namespace refused", detail, type="urn:chronicle:namespace-refused")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
