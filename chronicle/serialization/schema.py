"""JSON schemas of events and read models, in the shape of events.md 3.4."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias
from uuid import UUID

from chronicle.serialization.members import members_of
from chronicle.serialization.naming import NamingPolicy, camel_case
from chronicle.serialization.shapes import (
    Anything,
    Entries,
    Enumeration,
    Items,
    Nullable,
    Record,
    Scalar,
    Shape,
    Words,
    shape_of,
)

Schema: TypeAlias = dict[str, Any]

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

    def write(self, shape: Shape, place: str, pointer: str, around: dict[type, str]) -> Schema:
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
                return {"type": "object", "additionalProperties": values}
            case Record(type=type_):
                return self._record(type_, place, pointer, around)
            case Nullable(of=inner):
                return _nullable(self.write(inner, place, pointer, around))

    def _record(self, type_: type, place: str, pointer: str, around: dict[type, str]) -> Schema:
        if type_ in around:
            return {"$ref": around[type_]}
        around = {**around, type_: pointer}
        properties: Schema = {}
        required = []
        for member in members_of(type_, self._naming):
            name = member.content_name
            member_place = f"{place}.{member.name}"
            shape = shape_of(member.annotation, member_place)
            properties[name] = self.write(
                shape, member_place, f"{pointer}/properties/{_escape(name)}", around
            )
            if not member.has_default and not isinstance(shape, Nullable | Anything):
                required.append(name)
        schema: Schema = {"type": "object", "properties": properties}
        if required:
            schema["required"] = required
        return schema


def _nullable(schema: Schema) -> Schema:
    if "$ref" in schema:
        return {"oneOf": [schema, {"type": "null"}]}
    nullable = {**schema, "type": [schema["type"], "null"]}
    if "format" in schema:
        nullable["format"] = f"{schema['format']}?"
    return nullable


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
