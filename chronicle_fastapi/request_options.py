"""`RequestOptions`: what requests mean to Chronicle."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chronicle import ConfigurationError
from chronicle_fastapi.identity import IdentityResolver, identity_of_principal
from chronicle_fastapi.namespaces import HeaderNamespace, NamespaceResolver

_BY_HEADER: Final = HeaderNamespace()
EXCLUDED_PATHS: Final = ("/.cratis", "/docs", "/redoc", "/openapi.json", "/health")


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """How a request says who it is from and what it is about: `Chronicle(..., requests=RequestOptions(...))`.

    Raises `ConfigurationError` for what is no resolver, and for a path that does not begin with a slash.
    """

    namespace: NamespaceResolver = _BY_HEADER
    """Which namespace it is about; a header says so by default, and without it that of `Chronicle`."""
    allowed_namespaces: Collection[str] | None = None
    """The namespaces that requests may ask for; all others are answered with 403. `None` allows every
    namespace, and whoever asks for one that does not exist creates it."""
    identity: IdentityResolver = identity_of_principal
    """Who acts in it."""
    excluded_paths: Sequence[str] = EXCLUDED_PATHS
    """Where these paths begin, the system acts, and nothing is said of the request in causations."""
    roll_back_on_error_status: bool = False
    """Whether a response with a status of 400 and above rolls the unit of work back."""

    def __post_init__(self) -> None:
        _check_resolver("namespace", self.namespace)
        _check_resolver("identity", self.identity)
        if isinstance(self.allowed_namespaces, str) or isinstance(self.excluded_paths, str):
            raise ConfigurationError("allowed_namespaces and excluded_paths take several texts, not one.")
        for path in self.excluded_paths:
            if not path.startswith("/"):
                raise ConfigurationError(f"'{path}' excludes nothing: a path begins with a slash.")

    def excludes(self, path: str) -> bool:
        """Whether a path is one of the excluded ones, or below one."""
        if not path.startswith(tuple(self.excluded_paths)):
            return False
        return any(path == each or path.startswith(f"{each}/") for each in self.excluded_paths)


def _check_resolver(what: str, resolver: Any) -> None:
    if isinstance(resolver, type) or not callable(resolver):
        name = resolver.__qualname__ if isinstance(resolver, type) else type(resolver).__qualname__
        raise ConfigurationError(
            f"{name} resolves no {what}: RequestOptions({what}=...) takes a function of the connection, or "
            f"an object that can be called with it{', not its class' if isinstance(resolver, type) else ''}."
        )
