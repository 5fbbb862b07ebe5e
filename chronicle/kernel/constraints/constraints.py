"""The constraints of an event store: registered, kept, and put in force (events.md 7.1).

A new constraint is enforced from the moment at which it is known here; then the events that are older are
indexed, and once they are it is stored as being in force. Until then the one that it replaces is enforced as
well. Jobs of the database run in the order in which they are submitted. So no event slips through between old
and new, provided that its claims are made in the turn of the loop in which its own write job is submitted.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from chronicle.kernel.changes import Changes
from chronicle.kernel.completion import to_the_end
from chronicle.kernel.constraints.claims import Claims
from chronicle.kernel.constraints.definitions import Constraint, UniqueConstraint, decode, encode
from chronicle.kernel.constraints.events import Event
from chronicle.kernel.constraints.indexing import Release, index, nothing_to_release
from chronicle.kernel.constraints.rules import KnownConstraint, Rules, claims_of, compile_rules
from chronicle.kernel.storage import constraints as storage
from chronicle.kernel.storage.constraints import StoredConstraint
from chronicle.kernel.storage.database import Database


class Constraints:
    """The constraints of one event store, in memory and in the database."""

    def __init__(
        self,
        database: Database,
        *,
        event_store_id: int,
        stored: Iterable[StoredConstraint],
        release: Release = nothing_to_release,
    ) -> None:
        """`release` gives contents in the clear, for indexing events that are older than a constraint."""
        self.changes: Final = Changes()
        self._database = database
        self._event_store_id = event_store_id
        self._release = release
        self._known = {one.name: KnownConstraint(one.id, decode(one.definition)) for one in stored}
        self._rules: Rules = compile_rules(self._known.values())
        self._registering = asyncio.Lock()

    def all(self) -> Sequence[Constraint]:
        """All constraints, by name."""
        return [self._known[name].definition for name in sorted(self._known)]

    def concern(self, event_type: str) -> bool:
        """Whether events of this type claim anything at all."""
        return event_type in self._rules

    def claims(self, event: Event, content: Mapping[str, Any]) -> Claims:
        """What an event claims that is about to be appended; nothing for most.

        `content` is the shaped one, in the clear. To be called in the turn of the loop in which the write job
        that checks and applies the claims is submitted (see above).
        """
        return claims_of(self._rules, event, content)

    async def register(self, constraints: Sequence[Constraint]) -> None:
        """Adds constraints, or replaces those with the same names; constraints that are not mentioned stay.

        The last one counts when a name comes twice. They are in force, over the events that are there too, in
        all namespaces and event sequences, when this returns.
        """
        await to_the_end(self._register({constraint.name: constraint for constraint in constraints}))

    async def _register(self, constraints: Mapping[str, Constraint]) -> None:
        async with self._registering:
            changed = [
                constraint
                for name, constraint in constraints.items()
                if name not in self._known or constraint != self._known[name].definition
            ]
            if not changed:
                return
            await self._remove_unused()
            added = await self._add(changed)
            await self._bring_into_force(added)
            self.changes.notify()
            await self._remove_unused()

    async def _add(self, constraints: Sequence[Constraint]) -> list[KnownConstraint]:
        """Stores constraints that are not in force yet."""
        rows = [(constraint.name, encode(constraint)) for constraint in constraints]
        ids = await self._database.write(partial(storage.add, event_store_id=self._event_store_id, rows=rows))
        return [KnownConstraint(*known) for known in zip(ids, constraints, strict=True)]

    async def _bring_into_force(self, added: Sequence[KnownConstraint]) -> None:
        self._rules = compile_rules([*self._known.values(), *added])
        try:
            # In the same turn: whatever is appended beyond these tails is indexed by its own append.
            sequences = await self._database.write(
                partial(storage.sequences, event_store_id=self._event_store_id)
            )
            values = [known for known in added if isinstance(known.definition, UniqueConstraint)]
            await index(self._database, sequences, compile_rules(values), self._release)
            ids = [known.id for known in added]
            await self._database.write(partial(storage.bring_into_force, ids=ids))
            self._known |= {known.definition.name: known for known in added}
        finally:
            self._rules = compile_rules(self._known.values())

    async def _remove_unused(self) -> None:
        """Removes what was replaced, and what a kernel that died did not bring into force."""
        job = partial(storage.remove_unused, event_store_id=self._event_store_id)
        while await self._database.write(job):
            pass
