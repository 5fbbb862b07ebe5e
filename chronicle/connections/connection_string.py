"""Connection strings: which kernel to talk to, and how (connection.md 1, client-surface.md 1.5).

chronicle+embedded:///library.db        a file in the working directory (four slashes: absolute path)
chronicle+embedded://:memory:           nothing on disk
chronicle://user:secret@kernel:35000    a kernel on the network
chronicle://a:35000,b:35000             several addresses of one cluster
chronicle+srv://cluster.example.com     addresses from DNS
"""

from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Final, Self, TypeVar
from urllib.parse import quote, unquote

from chronicle.connections.server_address import ServerAddress, parse_addresses
from chronicle.errors import ConnectionStringError

LOAD_BALANCERS: Final = ("least-connections", "round-robin", "random")

_IN_MEMORY: Final = ":memory:"
_REDACTED: Final = "REDACTED"
_SECRET_WORDS: Final = ("password", "secret", "token", "key", "credential")
# The options that have a meaning, in the order in which they are rendered; keys are matched in any case.
_KEYS: Final = (
    "apiKey",
    "disableTls",
    "skipTlsValidation",
    "loadBalancer",
    "srvNameServer",
    "certificatePath",
    "certificatePassword",
)


class Scheme(Enum):
    """The kind of kernel that a connection string names."""

    REMOTE = "chronicle"
    SRV = "chronicle+srv"
    EMBEDDED = "chronicle+embedded"


class AuthenticationMode(Enum):
    """How a client identifies itself to the kernel (connection.md 2.1)."""

    NONE = "none"
    CLIENT_CREDENTIALS = "client credentials"
    API_KEY = "API key"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ConnectionString:
    """A connection string, parsed by `parse`. `str` renders it whole, `redacted` without its secrets.

    `servers` is empty for the embedded scheme; `database` is None for every other one, and for `:memory:`.
    """

    scheme: Scheme = Scheme.REMOTE
    servers: tuple[ServerAddress, ...] = (ServerAddress("localhost"),)
    database: Path | None = None
    username: str | None = None
    password: str | None = None
    api_key: str | None = None
    disable_tls: bool | None = None
    """None when the string does not say: see `is_plaintext`."""
    skip_tls_validation: bool = True
    load_balancer: str | None = None
    srv_name_server: str | None = None
    certificate_path: str | None = None
    certificate_password: str | None = None
    other: tuple[tuple[str, str], ...] = ()
    """All other options, kept and rendered back; of these only `auth=none` has a meaning."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a connection string; a blank one is `chronicle://localhost:35000`.

        Raises `ConnectionStringError`, which never repeats a text that may hold a secret.
        """
        text = text.strip()
        if not text:
            return cls()
        scheme, rest = _split_scheme(text)
        if scheme is Scheme.EMBEDDED:
            location, _, query = rest.partition("?")
            database = _parse_database(location)
            return cls(scheme=scheme, servers=(), database=database, other=_parse_pairs(query))
        authority, query = _split_authority(rest)
        userinfo, at, hosts = authority.rpartition("@")
        servers = parse_addresses(hosts, may_quote=not at)
        if scheme is Scheme.SRV and len(servers) > 1:
            raise ConnectionStringError("chronicle+srv takes one host, whose DNS records name the servers.")
        # The first colon splits: a password may hold more of them.
        username, _, password = userinfo.partition(":")
        pairs = _parse_pairs(query)
        options = {key.lower(): value for key, value in pairs}
        return cls(
            scheme=scheme,
            servers=servers,
            username=unquote(username) or None,
            password=unquote(password) or None,
            api_key=options.get("apikey") or None,
            disable_tls=_parse_bool("disableTls", options.get("disabletls"), default=None),
            skip_tls_validation=_parse_bool(
                "skipTlsValidation", options.get("skiptlsvalidation"), default=True
            ),
            load_balancer=_parse_load_balancer(options.get("loadbalancer")),
            srv_name_server=options.get("srvnameserver"),
            certificate_path=options.get("certificatepath"),
            certificate_password=options.get("certificatepassword"),
            other=tuple(pair for pair in pairs if pair[0].lower() not in _KNOWN),
        )

    @classmethod
    def development(cls) -> Self:
        """A kernel on this machine, with the credentials of the development image."""
        return cls(username="chronicle-dev-client", password="chronicle-dev-secret")

    @property
    def is_embedded(self) -> bool:
        """Whether the kernel runs in this process."""
        return self.scheme is Scheme.EMBEDDED

    @property
    def authentication_mode(self) -> AuthenticationMode:
        """How the client identifies itself. With nothing given, by the development credentials.

        Raises `ConnectionStringError` for credentials beside an API key, and for half of the credentials.
        """
        auth = [value for key, value in self.other if key.lower() == "auth"]
        if self.is_embedded or [value.lower() for value in auth] == ["none"]:
            return AuthenticationMode.NONE
        if self.api_key and self.username and self.password:
            raise ConnectionStringError(
                "The connection string has client credentials (user:password@) and an API key (apiKey=). "
                "Keep one of them."
            )
        if self.api_key:
            return AuthenticationMode.API_KEY
        if bool(self.username) != bool(self.password):
            half = "user name but no password" if self.username else "password but no user name"
            raise ConnectionStringError(
                f"The connection string has a {half}. Write user:password@host, or auth=none to connect "
                "without credentials."
            )
        return AuthenticationMode.CLIENT_CREDENTIALS

    @property
    def has_secrets(self) -> bool:
        """Whether there is anything to identify the client with, that nobody else may read."""
        return bool(self.username or self.password or self.api_key)

    @property
    def is_plaintext(self) -> bool:
        """Whether to connect without TLS.

        What `disableTls` says. When it says nothing: yes for this machine's own addresses without
        credentials, which is how `chronicle serve --insecure` is reached.
        """
        if self.disable_tls is not None:
            return self.disable_tls
        return not self.has_secrets and all(server.is_loopback for server in self.servers)

    def with_credentials(self, username: str, password: str) -> Self:
        """A copy with these client credentials."""
        return replace(self, username=username, password=password)

    def with_api_key(self, api_key: str) -> Self:
        """A copy with this API key."""
        return replace(self, api_key=api_key)

    def require_supported(self) -> None:
        """Raises `ConnectionStringError` when the string asks for what this version cannot do yet."""
        if self.is_embedded:
            return
        plain = f"chronicle://{','.join(map(str, self.servers))}?disableTls=true"
        if self.scheme is Scheme.SRV:
            raise ConnectionStringError(
                f"Finding servers through DNS (chronicle+srv) is not supported yet. Name them: {plain}."
            )
        mode = self.authentication_mode
        if mode is not AuthenticationMode.NONE and self.has_secrets:
            raise ConnectionStringError(
                f"Connecting with {'an ' if self.api_key else ''}{mode.value} is not supported yet. "
                f"Connect to a kernel that asks for none, {plain}, or use the embedded one, "
                "chronicle+embedded:///chronicle.db."
            )
        if not self.is_plaintext:
            raise ConnectionStringError(
                "This connection string asks for TLS, as every one does that names another machine, and TLS "
                f"is not supported yet. On a network that you trust, write {plain}."
            )

    def redacted(self) -> str:
        """The string with every secret replaced: fit for logs and error messages."""
        return self._render(hide=True)

    def __str__(self) -> str:
        return self._render(hide=False)

    def __repr__(self) -> str:
        return f"ConnectionString({self.redacted()!r})"

    def _render(self, *, hide: bool) -> str:
        options = "&".join(
            f"{quote(key, safe='')}={_REDACTED if hide and _is_secret(key) else quote(value, safe='')}"
            for key, value in self._options()
        )
        text = f"{self.scheme.value}://{self._render_location(hide=hide)}"
        return f"{text}?{options}" if options else text

    def _render_location(self, *, hide: bool) -> str:
        if self.is_embedded:
            return _IN_MEMORY if self.database is None else "/" + quote(self.database.as_posix(), safe="/:")
        hosts = ",".join(map(str, self.servers))
        if not (self.username or self.password):
            return hosts
        userinfo = quote(self.username or "", safe="")
        if self.password:
            userinfo += ":" + (_REDACTED if hide else quote(self.password, safe=""))
        return f"{userinfo}@{hosts}"

    def _options(self) -> list[tuple[str, str]]:
        values = (
            self.api_key,
            None if self.disable_tls is None else str(self.disable_tls).lower(),
            None if self.skip_tls_validation else "false",
            self.load_balancer,
            self.srv_name_server,
            self.certificate_path,
            self.certificate_password,
        )
        known = [(key, value) for key, value in zip(_KEYS, values, strict=True) if value is not None]
        return known + list(self.other)


_Default = TypeVar("_Default")

_KNOWN: Final = frozenset(key.lower() for key in _KEYS)


def _is_secret(key: str) -> bool:
    return any(word in key.lower() for word in _SECRET_WORDS)


def _split_scheme(text: str) -> tuple[Scheme, str]:
    prefix, separator, rest = text.partition("://")
    for scheme in Scheme:
        if separator and prefix.lower() == scheme.value:
            return scheme, rest
    raise ConnectionStringError(
        "A connection string begins with its scheme. Write chronicle+embedded:///file.db for a kernel in "
        "this process, chronicle://host:35000 for one on the network, or chronicle+srv://host for one that "
        "DNS knows."
    )


def _split_authority(rest: str) -> tuple[str, str]:
    """The part before the first `/` or `?`, and the query; a path in between has no meaning."""
    end = min((at for at in map(rest.find, "/?") if at >= 0), default=len(rest))
    authority, tail = rest[:end], rest[end:]
    if "@" in tail and "@" not in authority:
        # Most likely a password with a `/` or `?` in it: going on would take half of it for a host.
        raise ConnectionStringError(
            "The connection string has an '@' after its first '/' or '?'. In user names, passwords and "
            "options write '/' as %2F, '?' as %3F and '@' as %40."
        )
    return authority, tail.partition("?")[2]


def _parse_database(location: str) -> Path | None:
    if location == _IN_MEMORY:
        return None
    path = unquote(location[1:])
    if not location.startswith("/") or not path or path.endswith("/"):
        raise ConnectionStringError(
            "An embedded kernel needs the name of its file: chronicle+embedded:///library.db in the working "
            "directory (three slashes), chronicle+embedded:////data/library.db from the root (four), or "
            "chronicle+embedded://:memory: to keep nothing."
        )
    return Path(path)


def _parse_pairs(query: str) -> tuple[tuple[str, str], ...]:
    """Keys and values, decoded once. Of equal keys the last wins; what has no `=` is passed over."""
    pairs: dict[str, tuple[str, str]] = {}
    for pair in query.split("&"):
        key, equals, value = pair.partition("=")
        if equals and not key:
            raise ConnectionStringError("An option of the connection string has no name before its '='.")
        if equals:
            pairs[unquote(key).lower()] = unquote(key), unquote(value)
    return tuple(pairs.values())


def _parse_bool(key: str, text: str | None, *, default: _Default) -> bool | _Default:
    if text is None:
        return default
    if text.lower() not in ("true", "false"):
        raise ConnectionStringError(f"Option {key} of the connection string is either true or false.")
    return text.lower() == "true"


def _parse_load_balancer(text: str | None) -> str | None:
    if text is None or text.lower() in LOAD_BALANCERS:
        return text and text.lower()
    raise ConnectionStringError(
        f"Option loadBalancer of the connection string is one of {', '.join(LOAD_BALANCERS)}, not {text!r}."
    )
