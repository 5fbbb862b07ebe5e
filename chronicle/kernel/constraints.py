"""The constraints of an event store: their definitions, registered and stored (events.md 7.1).

Appends do not heed them yet.
"""

import asyncio
import sqlite3
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final, TypeAlias

import msgspec

from chronicle.kernel.changes import Changes
from chronicle.kernel.completion import to_the_end
from chronicle.kernel.storage import constraints as storage
from chronicle.kernel.storage.constraints import StoredConstraint
from chronicle.kernel.storage.database import Database


class ConstraintScope(msgspec.Struct, frozen=True):
    """The dimensions within which values are unique; a dimension counts when its text is not empty."""

    event_source_type: str = ""
    event_stream_type: str = ""
    event_stream_id: str = ""


class UniqueProperties(msgspec.Struct, frozen=True):
    """The properties of one event type whose values together are unique; dots lead into nested objects."""

    event_type: str
    properties: tuple[str, ...]


class UniqueConstraint(msgspec.Struct, frozen=True, tag="unique"):
    """Values that only one event source may hold."""

    name: str
    event_types: tuple[UniqueProperties, ...]
    ignore_casing: bool = False
    removed_with: tuple[str, ...] = ()
    scope: ConstraintScope = ConstraintScope()


class UniqueEventTypeConstraint(msgspec.Struct, frozen=True, tag="unique-event-type"):
    """Event types of which an event source has at most one event."""

    name: str
    event_types: tuple[str, ...]
    removed_with: tuple[str, ...] = ()
    scope: ConstraintScope = ConstraintScope()


Constraint: TypeAlias = UniqueConstraint | UniqueEventTypeConstraint

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Constraint).decode


class Constraints:
    """The constraints of one event store, in memory and in the database."""

    def __init__(
        self, database: Database, *, event_store_id: int, stored: Iterable[StoredConstraint]
    ) -> None:
        self.changes: Final = Changes()
        self._database = database
        self._event_store_id = event_store_id
        self._constraints: dict[str, Constraint] = {one.name: _decode(one.definition) for one in stored}
        self._registering = asyncio.Lock()

    def all(self) -> Sequence[Constraint]:
        """All constraints, by name."""
        return [self._constraints[name] for name in sorted(self._constraints)]

    async def register(self, constraints: Sequence[Constraint]) -> None:
        """Adds constraints, or replaces those with the same names; constraints that are not mentioned stay.

        The last one counts when a name comes twice.
        """
        await to_the_end(self._register({constraint.name: constraint for constraint in constraints}))

    async def _register(self, constraints: dict[str, Constraint]) -> None:
        async with self._registering:
            changed = {
                name: constraint
                for name, constraint in constraints.items()
                if constraint != self._constraints.get(name)
            }
            if not changed:
                return
            await self._database.write(partial(self._store, changed=changed))
            self._constraints.update(changed)
            self.changes.notify()

    def _store(self, connection: sqlite3.Connection, changed: dict[str, Constraint]) -> None:
        rows = [
            StoredConstraint(self._event_store_id, name, _encode(constraint).decode())
            for name, constraint in changed.items()
        ]
        storage.set_constraints(connection, rows)
