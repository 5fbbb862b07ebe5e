"""A read model's JSON schema, compiled once: what of a document is kept, and how it is given out."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Protocol

import msgspec

from chronicle.kernel.read_models.errors import InvalidReadModel, InvalidReadModelState
from chronicle.kernel.read_models.values import DEFAULTS, RENDERERS, TYPE_DEFAULTS, Render, as_is
from chronicle.kernel.schemas import InvalidSchema, SchemaDocument
from chronicle.kernel.schemas.documents import Place
from chronicle.kernel.schemas.formats import OPAQUE_FORMATS

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

    def __init__(self) -> None:
        # Filled after it was made, as objects are.
        self._items: Node = _Value()

    def fill(self, items: Node) -> None:
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
            document = SchemaDocument(text)
            root = document.place(document.root)
            self._properties: Mapping[str, Any] = document.properties(root)
            # Without properties everything passes as it is.
            self._root: Node = _Compiler(document).compile(document.root) if self._properties else _Value()
        except (InvalidSchema, RecursionError) as error:
            raise InvalidReadModel(f"This cannot be the schema of a read model: {error}") from error
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
    """Makes nodes of schemas."""

    def __init__(self, document: SchemaDocument) -> None:
        self._document = document
        # By the identity of parts of the document, which live as long as it does.
        self._nodes: dict[int, Node] = {}

    def compile(self, schema: Any) -> Node:
        known = self._nodes.get(id(schema))
        if known is not None:
            return known
        place = self._document.place(schema)
        properties = {} if place.format in OPAQUE_FORMATS else self._document.properties(place)
        if properties:
            return self._object(schema, properties)
        # More than one choice leaves open what a value is: it passes as it came.
        if place.format in OPAQUE_FORMATS or place.choices:
            return _Value()
        if "array" in place.types or place.items is not None:
            return self._array(schema, place)
        if "integer" in place.types and place.schema.get("enum") and place.schema.get("x-enumNames"):
            return _enum(place)
        type_ = next((name for name in TYPE_DEFAULTS if name in place.types), "")
        default = None if place.is_nullable else DEFAULTS.get(place.format, TYPE_DEFAULTS.get(type_))
        return _Value(RENDERERS.get(place.format, as_is), default)

    def _object(self, schema: Any, properties: Mapping[str, Any]) -> Node:
        node = self._nodes[id(schema)] = _Object()
        node.fill({name: self.compile(property_) for name, property_ in properties.items()})
        return node

    def _array(self, schema: Any, place: Place) -> Node:
        node = self._nodes[id(schema)] = _Array()
        node.fill(self.compile(place.items))
        return node


def _enum(place: Place) -> Node:
    numbers, texts = place.schema["enum"], place.schema["x-enumNames"]
    are_lists = isinstance(numbers, list) and isinstance(texts, list)
    pairs = zip(numbers, texts, strict=False) if are_lists else ()
    names = {number: text for number, text in pairs if isinstance(number, int) and isinstance(text, str)}
    known = frozenset(names.values())

    def render(value: Any) -> Any:
        if isinstance(value, str):
            return value if value in known else None
        return names.get(value) if isinstance(value, int) else None

    return _Value(render, None if place.is_nullable else names.get(0))
