"""The read models of one event store (projections-and-read-models.md 3.1 and 3.2)."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import Final
from uuid import UUID

import msgspec

from chronicle.kernel.changes import Changes
from chronicle.kernel.completion import to_the_end
from chronicle.kernel.read_models.errors import InvalidReadModel, ReadModelNotFound
from chronicle.kernel.read_models.schema import ReadModelSchema
from chronicle.kernel.storage import read_models as storage
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.read_models import StoredReadModel
from chronicle.values import NO_GUID

PASSIVE_SINK: Final = "None"
"""The type of a sink that keeps nothing: the model is folded from its events whenever it is read."""


class ReadModelObserverType(IntEnum):
    """What makes the instances; the numbers are the contract's."""

    NOT_SET = 0
    REDUCER = 1
    PROJECTION = 2


class ReadModelDefinition(msgspec.Struct, frozen=True):
    """What a read model is, but for its schema."""

    identifier: str
    generation: int = 1
    container: str = ""
    """Where instances are kept. Read models with one container share it."""
    display_name: str = ""
    sink_type: str = ""
    sink_configuration: UUID = NO_GUID
    indexes: tuple[str, ...] = ()
    """Property paths, dotted. Kept, and of no use to this kernel."""
    observer_type: int = ReadModelObserverType.NOT_SET
    observer_id: str = ""
    owner: int = 0
    source: int = 1

    @property
    def is_materialized(self) -> bool:
        """Whether instances are kept."""
        return self.sink_type != PASSIVE_SINK


@dataclass(frozen=True, slots=True)
class ReadModel:
    """A read model with its schema, compiled."""

    definition: ReadModelDefinition
    schema: ReadModelSchema


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(ReadModelDefinition).decode


class ReadModelDefinitions:
    """The read models of one event store. They are read when first asked for, and kept."""

    def __init__(self, database: Database, *, event_store_id: int) -> None:
        self.changes: Final = Changes()
        """When a read model was registered, or has changed."""
        self._database = database
        self._event_store_id = event_store_id
        self._read_models: dict[str, ReadModel] | None = None
        self._changing = asyncio.Lock()

    async def get(self, identifier: str) -> ReadModel:
        """The read model with this identifier; raises `ReadModelNotFound`."""
        read_model = (await self._known()).get(identifier)
        if read_model is None:
            raise ReadModelNotFound(identifier)
        return read_model

    async def all(self) -> Sequence[ReadModel]:
        """All read models, by identifier."""
        known = await self._known()
        return [known[identifier] for identifier in sorted(known)]

    async def register(self, definitions: Iterable[tuple[ReadModelDefinition, str]]) -> None:
        """Stores read models and their schemas, all or none, in place of what had their identifiers.

        Raises `InvalidReadModel`.
        """
        read_models = [_read_model(definition, schema) for definition, schema in definitions]
        await to_the_end(self._store(read_models))

    async def update(
        self, identifier: str, *, container: str, schema: str, generation: int, indexes: tuple[str, ...]
    ) -> None:
        """Changes what may change of a read model; raises `ReadModelNotFound` or `InvalidReadModel`."""
        known = (await self.get(identifier)).definition
        changed = msgspec.structs.replace(known, container=container, generation=generation, indexes=indexes)
        await self.register([(changed, schema)])

    async def _store(self, read_models: Sequence[ReadModel]) -> None:
        known = await self._known()
        async with self._changing:
            changed = [one for one in read_models if _differs(one, known.get(one.definition.identifier))]
            if changed:
                stored = [_to_stored(read_model) for read_model in changed]
                await self._database.write(
                    partial(storage.set_definitions, event_store_id=self._event_store_id, changed=stored)
                )
                known.update((one.definition.identifier, one) for one in changed)
                self.changes.notify()

    async def _known(self) -> dict[str, ReadModel]:
        if self._read_models is None:
            async with self._changing:
                if self._read_models is None:
                    stored = await self._database.read(
                        partial(storage.definitions, event_store_id=self._event_store_id)
                    )
                    self._read_models = {
                        one.identifier: _read_model(_decode(one.definition), one.schema) for one in stored
                    }
        return self._read_models


def _read_model(definition: ReadModelDefinition, schema: str) -> ReadModel:
    if not definition.identifier.strip():
        raise InvalidReadModel("A read model needs an identifier.")
    return ReadModel(definition, ReadModelSchema(schema))


def _differs(read_model: ReadModel, known: ReadModel | None) -> bool:
    return (
        known is None
        or known.definition != read_model.definition
        or known.schema.text != read_model.schema.text
    )


def _to_stored(read_model: ReadModel) -> StoredReadModel:
    definition = read_model.definition
    return StoredReadModel(definition.identifier, _encode(definition).decode(), read_model.schema.text)
