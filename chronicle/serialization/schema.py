"""JSON schemas of events and read models, in the shape of events.md 3.4."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias
from uuid import UUID

from chronicle.errors import UnsupportedTypeError
from chronicle.serialization.derived import derived_types_of
from chronicle.serialization.members import members_of
from chronicle.serialization.naming import NamingPolicy, camel_case
from chronicle.serialization.shapes import (
    Anything,
    Entries,
    Enumeration,
    Family,
    Geometry,
    Items,
    Leaf,
    Nullable,
    Personal,
    Record,
    Scalar,
    Shape,
    Words,
    shape_of,
)

Schema: TypeAlias = dict[str, Any]
Around: TypeAlias = dict[tuple[type, str | None], str]
"""Where the classes around a place are described, as personal data or not: pointers into the document."""

# JSON type and format. Every number has a format: without one an integer is a 32-bit one (events.md 16).
_SCALARS: Final[dict[type, tuple[str, str | None]]] = {
    bool: ("boolean", None),
    str: ("string", None),
    int: ("integer", "int64"),
    float: ("number", "double"),
    Decimal: ("number", "decimal"),
    UUID: ("string", "guid"),
    bytes: ("string", "byte-array"),
    datetime: ("string", "date-time-offset"),
    date: ("string", "date"),
    time: ("string", "time"),
    timedelta: ("string", "duration"),
}


def json_schema(type_: type, naming: NamingPolicy = camel_case) -> Schema:
    """The JSON schema of a class's content (events.md 3.4), names by `naming`.

    Nested classes stand inline; a class inside itself is a `$ref`, a JSON pointer into this document.
    `required` lists the members without a default that may not be null: a null is never written.

    Raises `UnsupportedTypeError`, naming the place, for a type that the value contract does not know.
    """
    name = getattr(type_, "__name__", str(type_))
    schema = _Writer(naming).write(shape_of(type_, name), name, "#", {})
    return {"title": name, **schema}


class _Writer:
    """Writes shapes as schemas, remembering in which classes it is and where in the document they began."""

    def __init__(self, naming: NamingPolicy) -> None:
        self._naming = naming
        self._families: set[type] = set()

    def write(
        self, shape: Shape, place: str, pointer: str, around: Around, personal: str | None = None
    ) -> Schema:
        """`personal` is why all of it is personal, if it is."""
        match shape:
            case Personal(of=inner, details=details):
                return self.write(inner, place, pointer, around, details or personal or "")
            case Record(type=type_):
                return self._record(type_, place, pointer, around, personal)
            case Nullable(of=inner):
                return _nullable(self.write(inner, place, pointer, around, personal))
            case Family(base=base) if personal is None:
                self._check_family(base, place)
        schema = self._leaf(shape, place, pointer, around)
        return schema if personal is None else _marked(schema, personal)

    def _leaf(
        self,
        shape: Leaf,
        place: str,
        pointer: str,
        around: Around,
    ) -> Schema:
        match shape:
            case Anything():
                return {}
            case Scalar(base=base) | Words(base=base):
                json_type, format_ = _SCALARS[base]
                return {"type": json_type, "format": format_} if format_ else {"type": json_type}
            case Enumeration(type=type_):
                return {
                    "type": "integer",
                    "enum": [member.value for member in type_],
                    "x-enumNames": [member.name for member in type_],
                }
            case Items(item=item):
                return {"type": "array", "items": self.write(item, f"{place}[]", f"{pointer}/items", around)}
            case Entries(value=Anything()):
                return {"type": "object", "format": "dynamic"}
            case Entries(value=value):
                values = self.write(value, f"{place}{{}}", f"{pointer}/additionalProperties", around)
                schema = {"type": "object", "additionalProperties": values}
                # A kernel looks for marks in properties and items only.
                details = _first_mark(values)
                return schema if details is None else _marked(schema, details)
            case Geometry(type=type_):
                return {"type": "object", "format": type_.__name__.lower()}
            case Family():
                # Open: which members there are depends on the class of the value.
                return {"type": "object"}

    def _check_family(self, base: type, place: str) -> None:
        """Refuses personal data inside an open object: no kernel would find it there, and encrypt it."""
        if base in self._families:
            return
        self._families.add(base)
        for type_ in derived_types_of(base).values():
            if _first_mark(self._record(type_, f"{place}({type_.__name__})", "#", {}, None)) is not None:
                raise UnsupportedTypeError(
                    f"{place} may be a {type_.__qualname__}, which holds personal data, and the kernel "
                    f"cannot find it there. Mark all of it: Annotated[{base.__name__}, Pii(...)]."
                )

    def _record(self, type_: type, place: str, pointer: str, around: Around, personal: str | None) -> Schema:
        known = around.get((type_, personal))
        if known is not None:
            return {"$ref": known}
        around = {**around, (type_, personal): pointer}
        properties: Schema = {}
        required = []
        for member in members_of(type_, self._naming):
            name = member.content_name
            member_place = f"{place}.{member.name}"
            shape = shape_of(member.annotation, member_place)
            properties[name] = self.write(
                shape, member_place, f"{pointer}/properties/{_escape(name)}", around, personal
            )
            if not member.has_default and not isinstance(shape, Nullable | Anything):
                required.append(name)
        schema: Schema = {"type": "object", "properties": properties}
        if required:
            schema["required"] = required
        return schema


def _marked(schema: Schema, details: str) -> Schema:
    return {**schema, "compliance": [{"metadataType": "PII", "details": details}]}


def _first_mark(schema: Any) -> str | None:
    """The details of the first mark anywhere in a schema."""
    for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        details = _first_mark(part)
        if details is not None:
            return details
    if isinstance(schema, dict) and schema.get("metadataType") == "PII":
        return str(schema["details"])
    return None


def _nullable(schema: Schema) -> Schema:
    if "$ref" in schema:
        return {"oneOf": [schema, {"type": "null"}]}
    nullable = {**schema, "type": [schema["type"], "null"]}
    if "format" in schema:
        nullable["format"] = f"{schema['format']}?"
    return nullable


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
