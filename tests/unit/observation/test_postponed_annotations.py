"""Declarations in modules whose annotations are all texts (`from __future__ import annotations`)."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from chronicle.errors import HandlerSignatureError
from chronicle.event_sequences.event_for import EventFor
from chronicle.events.event_context import EventContext
from chronicle.events.event_types import event_type
from chronicle.observation.declarations import reactor, reactor_of, reducer, reducer_of


@event_type("opened")
@dataclass
class Opened:
    owner: str


@dataclass
class Account:
    owner: str


@reactor
class Welcome:
    async def opened(self, event: Opened, context: EventContext) -> list[Opened | EventFor] | None:
        return None


@reducer(model=Account)
class Accounts:
    def opened(self, event: Opened, current: Account | None, context: EventContext) -> Account | None:
        return Account(event.owner)


def test_at_module_level() -> None:
    assert reactor_of(Welcome).handlers["opened"].asks_for == (EventContext,)
    assert reducer_of(Accounts).handlers["opened"].asks_for == (EventContext,)


def test_in_a_function() -> None:
    @event_type("moved")
    @dataclass
    class Moved:
        to: str

    @dataclass
    class Home:
        address: str

    @reactor
    async def watch(event: Moved) -> Moved | None:
        return None

    @reducer(model=Home)
    class Homes:
        def moved(self, event: Moved, current: Home | None) -> Home:
            return Home(event.to)

    assert set(reactor_of(watch).handlers) == set(reducer_of(Homes).handlers) == {"moved"}


def test_what_cannot_be_resolved_is_named() -> None:
    with pytest.raises(HandlerSignatureError, match="'Elsewhere' cannot be resolved"):

        @reactor
        async def watch(event: Opened, other: Elsewhere) -> None:  # type: ignore[name-defined]  # noqa: F821
            return None
