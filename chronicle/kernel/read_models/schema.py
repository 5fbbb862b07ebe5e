"""A read model's JSON schema, compiled once: what of a document is kept, and how it is given out."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Protocol

import msgspec

from chronicle.kernel.read_models.errors import InvalidReadModel, InvalidReadModelState
from chronicle.kernel.read_models.values import (
    DEFAULTS,
    OPAQUE_FORMATS,
    RENDERERS,
    TYPE_DEFAULTS,
    Render,
    as_is,
)

LAST_HANDLED: Final = "__lastHandledEventSequenceNumber"

# Numbers keep every digit that they came with.
_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


class Node(Protocol):
    """One place in a schema."""

    default: Any
    """What is given out when the value is not set; `None` for nothing."""

    def shape(self, value: Any) -> Any:
        """What is stored of a value: declared members, in the schema's spelling, without nulls."""
        ...

    def render(self, value: Any) -> Any:
        """What is given out of a stored value; `None` as if it were not set."""
        ...


class _Value:
    def __init__(self, render: Render = as_is, default: Any = None) -> None:
        self.default = default
        self.render = render

    def shape(self, value: Any) -> Any:
        return value


class _Array:
    default = None

    def __init__(self, items: Node) -> None:
        self._items = items

    def shape(self, value: Any) -> Any:
        return [self._items.shape(item) for item in value] if isinstance(value, list) else value

    def render(self, value: Any) -> Any:
        return [self._items.render(item) for item in value] if isinstance(value, list) else value


class _Object:
    default = None

    def __init__(self) -> None:
        # Filled after it was made: a type may hold itself.
        self.properties: dict[str, Node] = {}
        self._spelling: dict[str, str] = {}

    def fill(self, properties: Mapping[str, Node]) -> None:
        self.properties = dict(properties)
        self._spelling = {name.lower(): name for name in properties}

    def shape(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {
            name: self.properties[name].shape(item)
            for name, item in self._declared(value)
            if item is not None
        }

    def render(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        present = dict(self._declared(value))
        rendered = {}
        for name, node in self.properties.items():
            item = present.get(name)
            shown = None if item is None else node.render(item)
            if shown is None:
                shown = node.default
            if shown is not None:
                rendered[name] = shown
        return rendered

    def _declared(self, value: dict[str, Any]) -> list[tuple[str, Any]]:
        """The members that the schema has: spelled alike, or else in any casing."""
        return [
            (name, item)
            for given, item in value.items()
            if (name := given if given in self.properties else self._spelling.get(given.lower())) is not None
        ]


class ReadModelSchema:
    """What a read model's schema says of its instances."""

    def __init__(self, text: str) -> None:
        """Compiles a JSON schema; raises `InvalidReadModel` for a text that is no JSON object."""
        self.text: Final = text
        try:
            root = _decode(text or "{}")
        except msgspec.DecodeError as error:
            raise InvalidReadModel(f"The schema of a read model is no JSON: {error}") from error
        if not isinstance(root, dict):
            raise InvalidReadModel("The schema of a read model must be a JSON object.")
        self._properties: Mapping[str, Any] = root.get("properties") or {}
        # Without properties everything passes as it is.
        self._root: Node = _Compiler(root).compile(root) if self._properties else _Value()
        self._key = next((name for name in ("id", "Id") if name in self._properties), None)

    def state_of(self, text: str) -> dict[str, Any]:
        """A state as a client has sent it; raises `InvalidReadModelState` unless it is a JSON object."""
        try:
            state = _decode(text)
        except msgspec.DecodeError as error:
            raise InvalidReadModelState(f"The state of a read model is no JSON: {error}") from error
        if not isinstance(state, dict):
            raise InvalidReadModelState("The state of a read model must be a JSON object.")
        return state

    def document(self, text: str, key: str) -> str:
        """What is stored of a state: the members that the schema declares, the key among them if it is one.

        Raises `InvalidReadModelState`.
        """
        state = self.state_of(text)
        document = self._root.shape(state)
        if self._key is not None and document.get(self._key) is None:
            document = {self._key: key, **document}
        return text if document == state else _encode(document).decode()

    def is_same(self, first: str, second: str) -> bool:
        """Whether two documents say the same."""
        return first == second or bool(_decode(first) == _decode(second))

    def rendered(self, document: str, *, last_handled: int, with_last_handled: bool = False) -> str:
        """An instance as `GetInstanceByKey` gives it out, if asked for with the number of its last event."""
        rendered = self._root.render(_decode(document))
        if with_last_handled or LAST_HANDLED in self._properties:
            rendered[LAST_HANDLED] = last_handled
        return _encode(rendered).decode()

    def raw(self, document: str, *, key: str, last_handled: int) -> str:
        """An instance as `GetInstances` gives it out: as stored, with its key and its last event's number."""
        stored = _decode(document)
        if self._key is None:
            stored = {"_id": key, **stored}
        return _encode({**stored, LAST_HANDLED: last_handled}).decode()


class _Compiler:
    """Makes nodes of schemas. References lead into the document that it was given."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._objects: dict[int, _Object] = {}

    def compile(self, schema: Any) -> Node:
        schema, is_nullable = self._resolve(schema)
        format_ = schema.get("format")
        format_ = format_.lower() if isinstance(format_, str) else ""
        if format_.endswith("?"):
            format_, is_nullable = format_[:-1], True
        type_ = schema.get("type")
        if isinstance(type_, list):
            is_nullable = is_nullable or "null" in type_
            type_ = next((one for one in type_ if one != "null"), None)
        if format_ in OPAQUE_FORMATS:
            return _Value()
        if schema.get("properties"):
            return self._object(schema)
        if type_ == "array" or "items" in schema:
            return _Array(self.compile(schema.get("items") or {}))
        if type_ == "integer" and schema.get("enum") and schema.get("x-enumNames"):
            return _enum(schema, is_nullable)
        default = None if is_nullable else DEFAULTS.get(format_, TYPE_DEFAULTS.get(type_ or ""))
        return _Value(RENDERERS.get(format_, as_is), default)

    def _object(self, schema: Mapping[str, Any]) -> Node:
        known = self._objects.get(id(schema))
        if known is None:
            known = self._objects[id(schema)] = _Object()
            known.fill({name: self.compile(property_) for name, property_ in schema["properties"].items()})
        return known

    def _resolve(self, schema: Any) -> tuple[Mapping[str, Any], bool]:
        """The schema behind references and choices, and whether null is one of the choices."""
        is_nullable = False
        # A chain of references that never ends is no schema of anything.
        for _ in range(32):
            if not isinstance(schema, dict):
                return {}, is_nullable
            choices = schema.get("oneOf") or schema.get("anyOf")
            if "$ref" in schema:
                schema = self._at(schema["$ref"])
            elif isinstance(choices, list) and not schema.get("properties"):
                others = [one for one in choices if one != {"type": "null"}]
                is_nullable = is_nullable or len(others) < len(choices)
                # More than one choice leaves open what a value is: it passes as it came.
                schema = others[0] if len(others) == 1 else {}
            else:
                return schema, is_nullable
        return {}, is_nullable

    def _at(self, pointer: Any) -> Any:
        """Where a JSON Pointer into the same document leads."""
        place: Any = self._root
        if not isinstance(pointer, str) or not pointer.startswith("#"):
            return {}
        for part in pointer[1:].split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(place, dict) or name not in place:
                return {}
            place = place[name]
        return place


def _enum(schema: Mapping[str, Any], is_nullable: bool) -> Node:
    names = dict(zip(schema["enum"], schema["x-enumNames"], strict=False))
    known = frozenset(names.values())

    def render(value: Any) -> Any:
        if isinstance(value, str):
            return value if value in known else None
        return names.get(value) if isinstance(value, int) else None

    return _Value(render, None if is_nullable else names.get(0))
