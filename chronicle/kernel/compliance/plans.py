"""Where personal data stands in content, by its JSON schema (events.md 13.1 to 13.3). Compiled once."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from chronicle.kernel.compliance.errors import CompliancePropertyNotFoundInSchema
from chronicle.kernel.schemas import InvalidSchema
from chronicle.kernel.schemas.content import encoded
from chronicle.kernel.schemas.documents import Json, SchemaDocument

_PERSONAL: Final = "PII"
_MARK: Final = '"compliance"'
_OPAQUE_FORMATS: Final = frozenset({"point", "linestring", "polygon"})
"""GeoJSON: objects that are values, whatever stands in them."""
_CONTAINERS: Final = (dict, list)

# Numbers keep every digit that they came with.
_encoder: Final = msgspec.json.Encoder(decimal_format="number").encode
_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode


class Place:
    """One place in a schema."""

    __slots__ = ("is_container", "is_opaque", "is_personal", "items", "json_types", "others", "properties")

    def __init__(self) -> None:
        # Filled after it was made: a type may hold itself.
        self.is_personal = False
        self.is_opaque = False
        self.json_types: frozenset[str] = frozenset()
        self.properties: Mapping[str, Place] = {}
        self.others: Place | None = None
        """For the properties that are not declared, when they are described all the same."""
        self.items: Place | None = None

    @property
    def blank(self) -> Any:
        """What a value is given out as that nobody can read any more."""
        if "array" in self.json_types:
            return []
        return {} if "object" in self.json_types else ""

    def restored(self, text: str) -> Any:
        """The value whose text form was encrypted."""
        is_container = not self.json_types.isdisjoint(("array", "object"))
        if not self.json_types or ("string" in self.json_types and not is_container):
            return text
        try:
            value = _decode(text)
        except (msgspec.DecodeError, ValueError, ArithmeticError):
            return self.blank if is_container else text
        if is_container or not isinstance(value, str | list | dict):
            return value
        return text


class Finding(NamedTuple):
    """A personal value in a document: `holder[key]`."""

    holder: Any
    key: Any
    place: Place
    path: str


class Plan:
    """Finds the personal data in content of one schema, which has a mark for it somewhere."""

    def __init__(self, root: Place) -> None:
        self._root = root

    def has_personal(self, content: dict[str, Any], identifier: str, *, is_strict: bool = True) -> bool:
        """Whether content has any personal value; as `find`."""
        return bool(self.find(content, identifier, is_strict=is_strict))

    def find(self, document: dict[str, Any], identifier: str, *, is_strict: bool = True) -> list[Finding]:
        """The personal values that are not null.

        Raises `CompliancePropertyNotFoundInSchema`, unless it is lenient: then what the schema does not
        declare is passed over.
        """
        found: list[Finding] = []
        _search(self._root, {"": document}, "", document, "", found, identifier if is_strict else None)
        return found


def plan_of(schema: str) -> Plan | None:
    """The plan of a schema; `None` when it marks nothing as personal.

    Raises `InvalidSchema` for a text that is no JSON object, or nested too deep.
    """
    document = SchemaDocument(schema)
    # Most schemas mark nothing, and most of them are found out here.
    if _MARK not in schema:
        return None
    compiler = _Compiler(document)
    try:
        place = compiler.place(document.root)
    except RecursionError as error:
        raise InvalidSchema("The schema is nested too deep.") from error
    return Plan(place) if compiler.has_marks else None


def text_of(value: Any) -> str:
    """The text form of a value: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else encoded(value, _encoder).decode()


def copied(value: Any) -> Any:
    """A copy of objects and arrays, whatever is in them."""
    if isinstance(value, dict):
        return {name: copied(item) if type(item) in _CONTAINERS else item for name, item in value.items()}
    if isinstance(value, list):
        return [copied(item) if type(item) in _CONTAINERS else item for item in value]
    return value


def _search(
    place: Place, holder: Any, key: Any, value: Any, path: str, found: list[Finding], identifier: str | None
) -> None:
    """`identifier` is for messages; without one nothing is refused."""
    if value is None:
        return
    if place.is_personal:
        found.append(Finding(holder, key, place, path))
    elif place.is_opaque or type(value) not in _CONTAINERS:
        return
    elif type(value) is dict:
        _search_object(place, value, path, found, identifier)
    else:
        items = place.items or _NOWHERE
        for index, item in enumerate(value):
            if items.is_personal or type(item) in _CONTAINERS:
                _search(items, value, index, item, f"{path}[{index}]", found, identifier)


def _search_object(
    place: Place, value: dict[str, Any], path: str, found: list[Finding], identifier: str | None
) -> None:
    properties, others = place.properties, place.others
    for name, item in value.items():
        declared = properties.get(name, others)
        if declared is None:
            if item is not None and identifier is not None:
                raise CompliancePropertyNotFoundInSchema(f"{path}.{name}" if path else name, identifier)
        elif declared.is_personal or type(item) in _CONTAINERS:
            _search(declared, value, name, item, f"{path}.{name}" if path else name, found, identifier)


_NOWHERE: Final = Place()


class _Compiler:
    """Makes places of schemas."""

    def __init__(self, document: SchemaDocument) -> None:
        self.has_marks = False
        self._document = document
        # By the schema's id, which stays its own: the document holds all of them.
        self._places: dict[tuple[int, bool], Place] = {}

    def place(self, schema: Any, is_personal: bool = False) -> Place:
        """The place that a schema describes, inside an object that is marked or not."""
        key = (id(schema), is_personal)
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = Place()
            self._fill(place, schema, is_personal)
        return place

    def _fill(self, place: Place, schema: Any, is_personal: bool) -> None:
        described = self._document.place(schema)
        is_personal = is_personal or _is_marked(described.schema)
        self.has_marks = self.has_marks or is_personal
        place.json_types = described.types - {"null"}
        place.is_opaque = described.format in _OPAQUE_FORMATS
        properties = {} if place.is_opaque else self._document.properties(described)
        if properties:
            # A mark on an object is one on everything that it declares; the object itself stays readable.
            place.properties = {name: self.place(one, is_personal) for name, one in properties.items()}
        elif is_personal:
            place.is_personal = True
            return
        if described.items is not None:
            place.items = self.place(described.items)
        others = described.schema.get("additionalProperties")
        if isinstance(others, dict) and _MARK in text_of(others):
            place.others = self.place(others, is_personal)


def _is_marked(schema: Json) -> bool:
    """Whether a schema has a mark that counts: both of its members must be texts."""
    entries = schema.get("compliance")
    return isinstance(entries, list) and any(
        isinstance(entry, dict)
        and entry.get("metadataType") == _PERSONAL
        and isinstance(entry.get("details"), str)
        for entry in entries
    )
