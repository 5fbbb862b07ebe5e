"""What one generation of an event type marks as personal is so in all of them.

An application of before goes on to append in a generation without the mark: what it appends must be encrypted
there as well, and in the generations that are made of it. And what a later generation has encrypted must fit
the schemas of the earlier ones, to which it is led back.

A mark is carried over to the place of the same name, or of the one that a migration renames it to. What is
split or combined is not followed: of encrypted texts nothing could be made that is readable.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final

from chronicle.kernel.event_types.definitions import EventTypeDefinition
from chronicle.kernel.event_types.operations import Operations, Rename
from chronicle.kernel.schemas import SchemaDocument, text_of

_MARKS: Final = "compliance"

_Names = Mapping[str, str]
_AS_THEY_ARE: Final[_Names] = MappingProxyType({})


def protecting(definition: EventTypeDefinition) -> EventTypeDefinition:
    """The event type with every mark in the schemas of all its generations."""
    schemas = definition.schemas
    if len(schemas) == 1 or not any(f'"{_MARKS}"' in schema for schema in schemas.values()):
        return definition
    documents = {generation: SchemaDocument(schema) for generation, schema in schemas.items()}
    steps = [(lower, upper, _renamed(definition, lower, upper)) for lower, upper in pairwise(documents)]
    # The highest generation has every mark once all steps have led up to it, and hands them down from there.
    for lower, upper, names in steps:
        _Carrying(documents[lower], documents[upper]).carry(names)
    for lower, upper, names in reversed(steps):
        _Carrying(documents[upper], documents[lower]).carry({new: old for old, new in names.items()})
    return replace(
        definition, schemas={generation: text_of(dict(one.root)) for generation, one in documents.items()}
    )


def _renamed(definition: EventTypeDefinition, lower: int, upper: int) -> _Names:
    """The properties of the lower generation that have another name in the upper one."""
    names: dict[str, str] = {}
    for migration in definition.migrations:
        if (migration.from_generation, migration.to_generation) == (lower, upper):
            for old, operation in Operations.of(migration.downcast).made.items():
                if isinstance(operation, Rename):
                    names[old] = operation.source
            for new, operation in Operations.of(migration.upcast).made.items():
                if isinstance(operation, Rename):
                    names[operation.source] = new
    return names


class _Carrying:
    """Carries the marks of one schema over to another one."""

    def __init__(self, source: SchemaDocument, target: SchemaDocument) -> None:
        self._source = source
        self._target = target
        # Types may hold themselves.
        self._seen: set[tuple[int, int]] = set()

    def carry(self, names: _Names) -> None:
        """`names` are those at the root that differ."""
        self._carry(self._source.root, self._target.root, names)

    def _carry(self, source: Any, target: Any, names: _Names = _AS_THEY_ARE) -> None:
        pair = (id(source), id(target))
        if not isinstance(source, dict) or not isinstance(target, dict) or pair in self._seen:
            return
        self._seen.add(pair)
        here, there = self._source.place(source), self._target.place(target)
        known = _marks(there.schema)
        if missing := [mark for mark in _marks(here.schema) if mark not in known]:
            target[_MARKS] = [*known, *missing]
        properties = self._target.properties(there)
        for name, part in self._source.properties(here).items():
            self._carry(part, properties.get(names.get(name, name)))
        for key in ("items", "additionalProperties"):
            self._carry(here.schema.get(key), there.schema.get(key))


def _marks(schema: Mapping[str, Any]) -> list[Any]:
    marks = schema.get(_MARKS)
    return marks if isinstance(marks, list) else []
