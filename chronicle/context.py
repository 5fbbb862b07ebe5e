"""What surrounds the running task: its correlation id, who acts, and why (client-surface.md 1.13).

All of it lives in context variables: a task starts with a copy of what its creator had, and what it changes
it changes for itself alone. A `with` block puts back what was there, however it is left.
"""

import os
import platform
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import PurePath
from typing import ClassVar, Final, Protocol
from uuid import UUID

from chronicle.software_version import software_version
from chronicle.values import uuid7

ROOT: Final = "Root"
"""The type of the first entry of every causation chain."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Someone or something that acts, perhaps on behalf of another (events.md 5).

    Chronicle tells identities apart by `subject`; `name` is for people, `user_name` for signing in.
    """

    subject: str
    name: str
    user_name: str = ""
    on_behalf_of: "Identity | None" = None

    SYSTEM: ClassVar["Identity"]
    """The application itself; who acts as long as nobody else was set."""
    NOT_SET: ClassVar["Identity"]
    UNKNOWN: ClassVar["Identity"]

    def chain(self) -> Iterator["Identity"]:
        """The identity itself, then the one it acts on behalf of, and so on."""
        link: Identity | None = self
        while link is not None:
            yield link
            link = link.on_behalf_of

    def without_duplicates(self) -> "Identity":
        """The same chain with only the first identity of each subject."""
        if self.on_behalf_of is None:
            return self
        first: dict[str, Identity] = {}
        for link in self.chain():
            first.setdefault(link.subject, link)
        rest: Identity | None = None
        for link in reversed(first.values()):
            rest = Identity(link.subject, link.name, link.user_name, rest)
        return rest or self


Identity.SYSTEM = Identity("5d032c92-9d5e-41eb-947a-ee5314ed0032", "[System]", "[System]")
Identity.NOT_SET = Identity("1efc9b81-0612-4466-962c-86acc4e9a028", "[Not Set]", "[Not Set]")
Identity.UNKNOWN = Identity("3321cf62-db16-425e-8173-99fcfefe11dd", "[Unknown]", "[Unknown]")


@dataclass(frozen=True, slots=True)
class Causation:
    """One entry in the chain of what led to an event; keys and values of `properties` become texts.

    Events share their entries: nobody may change the mapping, whatever it is made of.
    """

    __chronicle_wire_names__: ClassVar[bool] = True

    type: str
    properties: Mapping[str, str] = field(default_factory=dict, hash=False)
    occurred: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        texts = {str(key): str(value) for key, value in self.properties.items()}
        object.__setattr__(self, "properties", texts)


class Surroundings(Protocol):
    """All that is ambient at once, of which nothing need be made before somebody asks for it."""

    @property
    def correlation_id(self) -> UUID | None:
        """The correlation id; None when there is none."""
        ...

    @property
    def identity(self) -> Identity:
        """Who acts."""
        ...

    @property
    def causation(self) -> tuple[Causation, ...]:
        """The chain of what led here, without the root."""
        ...


_correlation_id: ContextVar[UUID | Surroundings | None] = ContextVar("chronicle_correlation_id", default=None)
_identity: ContextVar[Identity | Surroundings] = ContextVar("chronicle_identity", default=Identity.SYSTEM)
_causation: ContextVar[tuple[Causation, ...] | Surroundings] = ContextVar("chronicle_causation", default=())


def surround(surroundings: Surroundings) -> None:
    """Sets all that is ambient from here on, in this task and in those that it starts. For observers."""
    _correlation_id.set(surroundings)
    _identity.set(surroundings)
    _causation.set(surroundings)


@contextmanager
def kept_surroundings() -> Iterator[None]:
    """A block after which all that is ambient is what it was before. For observers."""
    correlation_id = _correlation_id.set(_correlation_id.get())
    identity = _identity.set(_identity.get())
    causation = _causation.set(_causation.get())
    try:
        yield
    finally:
        _correlation_id.reset(correlation_id)
        _identity.reset(identity)
        _causation.reset(causation)


class surroundings:
    """A block in which all that is ambient is what one object says, each part when somebody asks for it.

    No generator, because every request of an application goes through it.
    """

    __slots__ = ("_before", "_surroundings")

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings

    def __enter__(self) -> None:
        there = self._surroundings
        self._before = _correlation_id.set(there), _identity.set(there), _causation.set(there)

    def __exit__(self, *_: object) -> None:
        correlation_id, identity, causation = self._before
        _correlation_id.reset(correlation_id)
        _identity.reset(identity)
        _causation.reset(causation)


def current_correlation_id() -> UUID:
    """The correlation id of the running task; one is made, and kept, if none is set."""
    current = _correlation_id.get()
    if isinstance(current, UUID):
        return current
    found = (current.correlation_id if current else None) or uuid7()
    _correlation_id.set(found)
    return found


def set_correlation_id(correlation_id: UUID | str) -> None:
    """Sets the correlation id from here on, in this task and in those that it starts.

    Raises `ValueError` for a text that is no UUID.
    """
    _correlation_id.set(_to_uuid(correlation_id))


def clear_correlation_id() -> None:
    """Forgets the correlation id; the next one who asks gets a new one."""
    _correlation_id.set(None)


@contextmanager
def correlation(correlation_id: UUID | str | None = None) -> Iterator[UUID]:
    """A block with a correlation id of its own, a new one if none is given.

    Raises `ValueError` for a text that is no UUID.
    """
    current = uuid7() if correlation_id is None else _to_uuid(correlation_id)
    token = _correlation_id.set(current)
    try:
        yield current
    finally:
        _correlation_id.reset(token)


def current_identity() -> Identity:
    """Who acts in the running task: `Identity.SYSTEM` unless set."""
    current = _identity.get()
    return current if isinstance(current, Identity) else current.identity


def set_identity(identity: Identity) -> None:
    """Sets who acts from here on, in this task and in those that it starts."""
    _identity.set(identity)


def clear_identity() -> None:
    """Lets the system act again."""
    _identity.set(Identity.SYSTEM)


@contextmanager
def identity(identity: Identity) -> Iterator[Identity]:
    """A block in which another identity acts."""
    token = _identity.set(identity)
    try:
        yield identity
    finally:
        _identity.reset(token)


def current_causation() -> tuple[Causation, ...]:
    """The chain of what led here: the root entry first, then an entry for each `causation` block around."""
    return (root_causation(), *_chain())


@contextmanager
def causation(causation_type: str, /, **properties: object) -> Iterator[Causation]:
    """A block whose events have one more entry in their causation chain."""
    entry = Causation(causation_type, {key: str(value) for key, value in properties.items()})
    token = _causation.set((*_chain(), entry))
    try:
        yield entry
    finally:
        _causation.reset(token)


def _chain() -> tuple[Causation, ...]:
    current = _causation.get()
    return current if isinstance(current, tuple) else current.causation


@cache
def root_causation() -> Causation:
    """The entry that every chain begins with: this process, as it was first asked for (events.md 5)."""
    return Causation(
        ROOT,
        {
            "softwareVersion": software_version(),
            "programIdentifier": PurePath(sys.argv[0] if sys.argv else "").name or "[N/A]",
            "os": f"{platform.system()} {platform.release()}",
            "machineName": platform.node(),
            "process": f"{PurePath(sys.executable).name} {os.getpid()}",
        },
    )


def _to_uuid(correlation_id: UUID | str) -> UUID:
    if isinstance(correlation_id, UUID):
        return correlation_id
    try:
        return UUID(correlation_id)
    except ValueError as error:
        raise ValueError(f"'{correlation_id}' is no correlation id: it must be a UUID.") from error
