"""Which addresses the kernel may be made to call: public ones.

Whoever adds a webhook has the kernel send requests from where it stands, and from there it may reach what
nobody outside does: databases, other services, the metadata of a cloud. A name is looked up here and now; the
kernel looks it up again when it delivers, so this keeps out mistakes and curiosity, and a network that must
be safe from a hostile name server guards the kernel's way out itself.
"""

import asyncio
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

from fastapi import HTTPException

_WRAPPINGS: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
"""What begins so ends in an address of version 4."""


class AddressRefusedError(HTTPException):
    """The kernel is not to call this address: status 422."""


async def require_public(url: str) -> None:
    """Raises `AddressRefusedError` unless all that the host of a URL stands for are public addresses."""
    host, port = _host_and_port(url)
    for address in await _addresses(host, port):
        if not _is_public(address):
            raise AddressRefusedError(
                422,
                f"'{host}' is or leads to an address that is not public. If webhooks are meant to stay "
                "inside, say so: create_admin_router(private_webhooks=True).",
            )


def require_http(url: str) -> None:
    """Raises `AddressRefusedError` for what is no address of the web, or holds a password."""
    _host_and_port(url)


def _host_and_port(url: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise AddressRefusedError(422, "The URL cannot be understood.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise AddressRefusedError(422, "The URL must begin with https:// or http://, and name a host.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefusedError(
            422, "The URL holds a user name or a password. Give them as the authorization of the webhook."
        )
    return host, port


async def _addresses(host: str, port: int | None) -> Iterable[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AddressRefusedError(
            422, f"The host '{host}' is not known here, so it cannot be told whether it is a public one."
        ) from None
    return [str(address[0]) for *_, address in found]


def _is_public(text: str) -> bool:
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        address = _inner(address)
    return address.is_global and not address.is_multicast


def _inner(address: IPv6Address) -> IPv4Address | IPv6Address:
    """The address that one of version 6 is a wrapping of; itself for most."""
    if any(address in wrapping for wrapping in _WRAPPINGS):
        return IPv4Address(address.packed[-4:])
    # 6to4 and Teredo lead to an address of version 4 as well.
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, address))[1]
