"""The names of event stores and namespaces (events.md 1)."""

from chronicle.kernel.errors import InvalidEventStoreName, InvalidNamespaceName
from chronicle.values import NOT_SET


def key_of(name: str) -> str:
    """Names are compared without regard to casing; the first casing is kept."""
    return name.lower()


def check_event_store(name: str) -> None:
    """Raises `InvalidEventStoreName` for a name that no event store can have."""
    if not name.strip():
        raise InvalidEventStoreName(name, "it must not be empty.")
    if name == NOT_SET:
        raise InvalidEventStoreName(name, "it is reserved for a name that is not set.")


def check_namespace(name: str) -> None:
    """Raises `InvalidNamespaceName` for a name that no namespace can have."""
    if not name.strip():
        raise InvalidNamespaceName(name, "it must not be empty.")
    if name == NOT_SET:
        raise InvalidNamespaceName(name, "it is reserved for a name that is not set.")
