"""Naming policies: how a member of a class is called in content, schemas, constraints and projections."""

from typing import Protocol


class NamingPolicy(Protocol):
    """Turns the name of a member, as declared in Python, into its name in content."""

    def __call__(self, name: str, /) -> str:
        """The name in content of the member called `name`."""
        ...


def camel_case(name: str) -> str:
    """`initial_balance` becomes `initialBalance`; what other clients of Chronicle send, and the default.

    Leading underscores stay, a trailing one (`from_`, `id_`) goes: it only keeps Python's own words apart.
    """
    words = name.strip("_").split("_")
    head = words[0][:1].lower() + words[0][1:]
    leading = name[: len(name) - len(name.lstrip("_"))]
    return leading + head + "".join(word[:1].upper() + word[1:] for word in words[1:])


def as_declared(name: str) -> str:
    """The name as it is; what .NET does unless told otherwise."""
    return name
