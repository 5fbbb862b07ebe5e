"""Queries that people save to look at events again, and the folders that they keep them in.

They are notes, not facts: edited in place, deleted for good, and seen by their owner or by everyone.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

from chronicle.kernel.changes import Changes
from chronicle.kernel.completion import to_the_end
from chronicle.kernel.errors import InvalidSequenceQuery
from chronicle.kernel.storage import sequence_queries as storage
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.sequence_queries import Kind, Saved


class SequenceQueries:
    """What is saved of one kind, queries or folders, in one event store."""

    def __init__(self, database: Database, *, event_store_id: int, kind: Kind) -> None:
        self.changes: Final = Changes()
        self._database = database
        self._event_store_id = event_store_id
        self._kind = kind

    async def visible_to(self, owner: str) -> Sequence[bytes]:
        """What an owner saved and what is for everyone, by name."""
        job = partial(storage.visible_to, event_store_id=self._event_store_id, kind=self._kind, owner=owner)
        return await self._database.read(job)

    async def save(self, saved: Saved) -> None:
        """Saves one, in place of the one with the same id, whoever owns that.

        Raises `InvalidSequenceQuery`.
        """
        if not saved.id.strip():
            raise InvalidSequenceQuery(
                f"'{saved.name}' cannot be saved without an id. Send Id, a new one for something new."
            )
        await to_the_end(self._save(saved))

    async def delete(self, id_: str) -> None:
        """Deletes one, if it is there; what is in a folder stays."""
        await to_the_end(self._delete(id_))

    async def _save(self, saved: Saved) -> None:
        job = partial(storage.save, event_store_id=self._event_store_id, kind=self._kind, saved=saved)
        await self._database.write(job)
        self.changes.notify()

    async def _delete(self, id_: str) -> None:
        job = partial(storage.delete, event_store_id=self._event_store_id, kind=self._kind, id_=id_)
        if await self._database.write(job):
            self.changes.notify()
