"""The addresses of kernels: host and port, as connection strings write them (connection.md 1.1, 1.2)."""

from typing import Final, NamedTuple

from chronicle.errors import ConnectionStringError

DEFAULT_PORT: Final = 35000


class ServerAddress(NamedTuple):
    """A host, IPv6 without its brackets, and a port."""

    host: str
    port: int = DEFAULT_PORT

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine."""
        if self.host.lower() == "localhost":
            return True
        import ipaddress  # not needed where the kernel is embedded

        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_addresses(text: str, *, may_quote: bool) -> tuple[ServerAddress, ...]:
    """The comma-separated addresses of a text; entries without a port get 35000, empty ones are left out.

    Errors name the entry only if `may_quote`: beside user information, half a password can look like a host.
    """
    entries = [entry for entry in map(str.strip, text.split(",")) if entry]
    if not entries:
        raise ConnectionStringError("The connection string names no server. Write chronicle://host:35000.")
    return tuple(
        _parse_address(entry, repr(entry) if may_quote else f"number {position}")
        for position, entry in enumerate(entries, start=1)
    )


def _parse_address(entry: str, name: str) -> ServerAddress:
    if entry.startswith("["):
        host, bracket, port = entry[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise ConnectionStringError(f"Server address {name} is no [IPv6]:port. Write [::1]:35000.")
        port = port[1:]
    else:
        host, _, port = entry.rpartition(":") if ":" in entry else (entry, "", "")
        if ":" in host:
            raise ConnectionStringError(
                f"Server address {name} has more than one colon. Put an IPv6 address in brackets: "
                "[::1]:35000."
            )
    if not host or any(character.isspace() for character in host):
        raise ConnectionStringError(f"Server address {name} has no usable host. Write host:35000.")
    return ServerAddress(host, _parse_port(port, name))


def _parse_port(text: str, name: str) -> int:
    if not text:
        return DEFAULT_PORT
    # Not int() alone, which also takes "+1", "1_000" and digits of other scripts.
    port = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
    if not 1 <= port <= 65535:
        raise ConnectionStringError(f"Server address {name} has no port from 1 to 65535 after its colon.")
    return port
