"""JSON schemas as documents: references followed, and what is said of one place put together."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import msgspec

from chronicle.kernel.schemas.content import is_nested_deeper
from chronicle.kernel.schemas.errors import InvalidSchema

Json = Mapping[str, Any]

TYPES: Final = ("array", "boolean", "integer", "null", "number", "object", "string")
"""The types of JSON values, in the order in which messages name them (events.md 3.5)."""

MOST_LEVELS: Final = 256
"""How deep a schema may be nested: several levels of it describe one of a content."""

# A chain of references that never ends is no schema of anything.
_MOST_STEPS: Final = 32


class Place(NamedTuple):
    """What a schema says of one place."""

    schema: Json
    """Everything that is said, references and the only choice besides null followed."""
    types: frozenset[str]
    """The types that values may have, `null` among them if it may; empty when any will do."""
    format: str
    """The format in lower case and without `?`; empty for none."""
    is_nullable: bool
    choices: tuple[Any, ...]
    """The schemas of which one must fit, when there is more than one besides null."""

    @property
    def items(self) -> Any:
        """The schema of an array's items; `None` when nothing is said."""
        return self.schema.get("items")


class SchemaDocument:
    """A JSON schema. References lead into the document itself."""

    def __init__(self, text: str) -> None:
        """Reads a schema; an empty text says nothing, as `{}` does. Raises `InvalidSchema`."""
        self.text: Final = text
        try:
            root = msgspec.json.decode(text or "{}")
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise InvalidSchema(f"A schema must be the text of a JSON object: {error}") from error
        if not isinstance(root, dict):
            raise InvalidSchema("A schema must be the text of a JSON object.")
        if is_nested_deeper(MOST_LEVELS, root, text):
            raise InvalidSchema(f"A schema must not be nested deeper than {MOST_LEVELS} levels.")
        self.root: Final[Json] = root

    def place(self, schema: Any) -> Place:
        """What a part of this document says."""
        is_nullable = False
        for _ in range(_MOST_STEPS):
            if not isinstance(schema, dict):
                schema = {}
            choices = _choices(schema)
            if "$ref" in schema:
                # What stands beside a reference adds to it.
                target = self._at(schema["$ref"])
                rest = {key: value for key, value in schema.items() if key != "$ref"}
                schema = {**target, **rest} if rest and isinstance(target, dict) else target
            elif choices is None:
                return _place(schema, is_nullable)
            else:
                others = [choice for choice in choices if not _is_null(choice)]
                is_nullable = is_nullable or len(others) < len(choices)
                if len(others) != 1:
                    return _place(schema, is_nullable, tuple(choices))
                rest = {key: value for key, value in schema.items() if key not in ("oneOf", "anyOf")}
                schema = {**others[0], **rest} if rest and isinstance(others[0], dict) else others[0]
        return _place({}, is_nullable)

    def properties(self, place: Place) -> dict[str, Any]:
        """The schemas of the properties of a place by name, those from `allOf` included."""
        properties: dict[str, Any] = {}
        self._collect(place.schema, properties, _MOST_STEPS)
        return properties

    def _collect(self, schema: Json, properties: dict[str, Any], steps: int) -> None:
        parts = schema.get("allOf")
        if isinstance(parts, list) and steps:
            for part in parts:
                # Steps are shared among the parts: two that hold each other must not double at each level.
                self._collect(self.place(part).schema, properties, (steps - 1) // len(parts))
        own = schema.get("properties")
        if isinstance(own, dict):
            properties.update(own)

    def _at(self, pointer: Any) -> Any:
        """Where a JSON Pointer into this document leads; nowhere is a schema that says nothing."""
        if not isinstance(pointer, str) or not pointer.startswith("#"):
            return {}
        found = self._walk(pointer[1:])
        return self._walk(unquote(pointer[1:])) if found is None else found

    def _walk(self, pointer: str) -> Any:
        place: Any = self.root
        for part in pointer.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(place, dict) and name in place:
                place = place[name]
            elif isinstance(place, list) and name.isdecimal() and int(name[:9]) < len(place):
                place = place[int(name[:9])]
            else:
                return None
        return place


def has_compliance(schema: Json) -> bool:
    """Whether values are protected: an entry counts when both of its members are texts (events.md 13.1)."""
    entries = schema.get("compliance")
    return isinstance(entries, list) and any(
        isinstance(entry, dict)
        and isinstance(entry.get("metadataType"), str)
        and isinstance(entry.get("details"), str)
        for entry in entries
    )


def _choices(schema: Json) -> list[Any] | None:
    for key in ("oneOf", "anyOf"):
        choices = schema.get(key)
        if isinstance(choices, list) and choices:
            return choices
    return None


def _is_null(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("type") in ("null", ["null"])


def _place(schema: Json, is_nullable: bool, choices: tuple[Any, ...] = ()) -> Place:
    declared = schema.get("type")
    names = declared if isinstance(declared, list) else [declared]
    types = {name for name in names if isinstance(name, str) and name in TYPES}
    format_ = schema.get("format")
    format_ = format_.lower() if isinstance(format_, str) else ""
    is_nullable = is_nullable or format_.endswith("?") or "null" in types
    if types and is_nullable:
        types.add("null")
    return Place(schema, frozenset(types), format_.removesuffix("?"), is_nullable, choices)
