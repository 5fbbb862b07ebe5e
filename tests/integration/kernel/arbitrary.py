"""Arbitrary requests: messages of any type of the contract, with whatever can be in their fields.

What makes a kernel stumble is seldom a random text. So most texts are of the kind that their field is for,
right or wrong, and most names are of what is there. The same seed gives the same requests.
"""

import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

EVENT_STORE: Final = "store"
EVENT_TYPE: Final = "noted"
READ_MODEL: Final = "model"

_LONG: Final = "x" * 1_000_000
_MARK: Final = '"compliance": [{"metadataType": "PII", "details": "why"}]'

_ODD_TEXTS: Final = (
    *(
        "",
        " ",
        "\0",
        "a\0b",
        "\r\n\t\x1b\x7f",
        "\ufeff",
        "\u202e",
        "e\u0301",
        "\U0001d518",
        "İ",
        "ß",
        "\uffff",
        _LONG,
    ),
    *(
        "[NotSet]",
        "*",
        "%",
        "'; DROP TABLE events; --",
        "../..",
        "null",
        "a.b",
        ".",
        "$eventSourceId",
        "\u017f",
    ),
)
_JSON_VALUES: Final = (
    *(
        "0",
        "-0",
        "1",
        "1.0",
        "1E2",
        "-1E-400",
        "1E400",
        "1E+999999999",
        "1E-999999999",
        "-0.0",
        "1E999999999999",
    ),
    *(str(2**63), str(2**64), str(-(2**70)), "9" * 400, "9" * 5_000, "0." + "1" * 5_000, "2024", "0.1"),
    *("NaN", "Infinity", "-Infinity", "true", "null", "{}", "[]", "[1E400]", "[18446744073709551616]"),
    *('"x"', '"X"', '""', '"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', '"İ"', f'"{_LONG}"', '"1.02:03:04"'),
    *('"2024-01-02T03:04:05+00:00"', '"9999-12-31T23:59:59-14:00"', '"0001-01-01"', '"AA=="', '"Q0VOVg=="'),
    *('{"value": 1}', '{"value": "x", "value": 2}', '{"\\ud800": 1}', '{"": {"": [null]}}', '["a", "b"]'),
)
_NOT_JSON: Final = ("", "{", '{"value": }', "\ufeff{}", "{'value': 1}", '{"value": 1,}', "{} {}", "\0", "nul")
_LEVELS: Final = (3, 32, 60, 64, 70, 150, 300, 500, 900, 5_000)
_TYPES: Final = (
    '"string"',
    '"integer"',
    '"number"',
    '"object"',
    '"array"',
    '["null", "string"]',
    '"what"',
    "5",
)
_FORMATS: Final = (
    "",
    "guid",
    "int32",
    "date-time-offset",
    "duration",
    "decimal",
    "byte",
    "double",
    "point",
    "x?",
)
_ODD_SCHEMAS: Final = (
    '{"$ref": "#"}',
    '{"properties": {"value": {"$ref": "#"}}}',
    '{"properties": {"value": {"type": "array", "items": {"$ref": "#"}}}}',
    '{"allOf": [{"$ref": "#"}, {"$ref": "#"}]}',
    '{"properties": [["value"]]}',
    '{"properties": {"value": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}}',
    '{"properties": {"value": {"type": "integer", "enum": {"a": 1}, "x-enumNames": 5}}}',
    '{"properties": {"value": {"type": "integer", "enum": [[1]], "x-enumNames": [[1]]}}}',
    '{"properties": {"value": {"additionalProperties": {"x": NaN, "compliance": []}}}}',
    f'{{"properties": {{"value": {{"additionalProperties": {{{_MARK}}}}}}}}}',
)
_MIGRATIONS: Final = (
    "{}",
    '{"value": {"$rename": "value"}}',
    '{"value": {"$split": {"source": "value", "separator": "", "part": -1}}}',
    '{"value": {"$split": {"source": "value", "separator": "x", "part": 99999999999999999999}}}',
    '{"value": {"$combine": {"sources": ["value", "value"], "separator": "x"}}}',
    '{"value": {"$defaultValue": 1E+999999999}}',
    '{"value": {"$split": 5}}',
    '{"value": {"$combine": {"sources": "value"}}}',
    '{"value": "@.value"}',
    '{"value": "sort(@)"}',
    '{"value": "]["}',
    '{"value": "\\ud800"}',
    '{"value": "`1`"}',
    '{"value": "value[?@ > `1`] | [99999999999999999999]"}',
)
_MOMENTS: Final = (
    *("", "now", "2024-01-02T03:04:05.1234567+00:00", "2024-01-02", "2024-W01-1", "20240102T030405Z"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.9999999-14:00", "0001-01-01T00:00:00Z"),
    *("2024-02-30T00:00:00Z", "10000-01-01T00:00:00Z", "2024-01-02T24:00:00Z", "2024-01-02T03:04:05+99:99"),
)
_EVENT_TYPES: Final = (
    EVENT_TYPE,
    EVENT_TYPE,
    "other",
    "EventRedacted",
    "EventRedactionRequested",
    "EventRevised",
)
_NAMES: Final[Mapping[str, Sequence[str]]] = {
    "EventStore": (EVENT_STORE,),
    "Namespace": ("Default", "default", "other"),
    "EventSequenceId": ("event-log", "event-log", "system", "other"),
    "EventSourceId": ("a", "b"),
    "EventStreamType": ("", "All", "x"),
    "EventStreamId": ("", "Default", "x"),
    "EventTypeId": _EVENT_TYPES,
    "EventTypeIds": _EVENT_TYPES,
    "RemovedWith": _EVENT_TYPES,
    "Id": _EVENT_TYPES,
    "Properties": ("value", "value.value"),
    "Subject": ("", "somebody", "other"),
    "Identifier": ("somebody", READ_MODEL),
    "UserName": ("user", "USER"),
    "ReadModel": (READ_MODEL,),
    "ReadModelIdentifier": (READ_MODEL,),
    "ReadModelKey": ("a", "b"),
    "SessionId": ("",),
    "Occurrence": ("", READ_MODEL),
    "TypeId": ("", "SQL"),
}
"""What is there, or might be, by the names of the fields."""

_UINT32: Final = (1, 1, 1, 2, 3, 0, 2**31 - 1, 2**32 - 1)
_NUMBERS: Final[Mapping[int, Sequence[Any]]] = {
    FieldDescriptor.CPPTYPE_BOOL: (False, True),
    FieldDescriptor.CPPTYPE_INT32: (0, 1, 2, 100, -1, 2**31 - 1, -(2**31)),
    FieldDescriptor.CPPTYPE_UINT32: _UINT32,
    FieldDescriptor.CPPTYPE_UINT64: (0, 1, 2, 3, 2**63 - 1, 2**63, 2**64 - 3, 2**64 - 2, 2**64 - 1),
    # Numbers that the contract does not know arrive all the same.
    FieldDescriptor.CPPTYPE_ENUM: (0, 1, 2, 3, 99, -1),
}


class Arbitrary:
    """Makes requests."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def request(self, descriptor: Descriptor) -> Message:
        """A message of a type; nearly all of its fields are set."""
        message = GetMessageClass(descriptor)()
        for field in descriptor.fields:
            self._set(message, field)
        return message

    def choice(self, choices: Sequence[Any]) -> Any:
        """One of several."""
        return self._random.choice(choices)

    def _set(self, message: Message, field: FieldDescriptor) -> None:
        holds_itself = field.message_type is field.containing_type
        if not self._happens(0.3 if holds_itself else 0.02 if _is_unwritable(field) else 0.98):
            return
        if field.is_repeated:
            self._fill(getattr(message, field.name), field)
        elif field.message_type is not None:
            getattr(message, field.name).CopyFrom(self.request(field.message_type))
        else:
            setattr(message, field.name, self._scalar(field))

    def _fill(self, values: Any, field: FieldDescriptor) -> None:
        for _ in range(self.choice((1, 1, 1, 2, 3)) if self._happens(0.97) else 0):
            if field.message_type is None:
                values.append(self._scalar(field))
            elif field.message_type.GetOptions().map_entry:
                entry: Any = self.request(field.message_type)
                if field.message_type.fields_by_name["value"].message_type is None:
                    values[entry.key] = entry.value
                else:
                    values[entry.key].CopyFrom(entry.value)
            else:
                values.add().CopyFrom(self.request(field.message_type))

    def _scalar(self, field: FieldDescriptor) -> Any:
        if field.cpp_type != FieldDescriptor.CPPTYPE_STRING:
            return self.choice(_NUMBERS[field.cpp_type])
        match field.name:
            case "Content" | "Payload":
                return self._content()
            case "Schema":
                return self._schema()
            case "UpcastJmesPath" | "DowncastJmesPath":
                return self.choice(_MIGRATIONS) if self._happens(0.9) else self._content()
            case "Value" if field.full_name.endswith("SerializableDateTimeOffset.Value"):
                return self.choice(_MOMENTS) if self._happens(0.1) else ""
        names = _NAMES.get(field.name)
        return self.choice(names) if names and self._happens(0.97) else self.choice(_ODD_TEXTS)

    def _content(self) -> str:
        chance = self._random.random()
        if chance < 0.8:
            return f'{{"value": {self.choice(_JSON_VALUES)}}}'
        if chance < 0.9:
            return self._nested('{"value": ', "}") if self._happens(0.5) else self._nested("[", "]")
        return str(self.choice(_JSON_VALUES if self._happens(0.5) else _NOT_JSON))

    def _schema(self) -> str:
        chance = self._random.random()
        if chance < 0.6:
            mark = f", {_MARK}" if self._happens(0.3) else ""
            what = f'"type": {self.choice(_TYPES)}, "format": {json.dumps(self.choice(_FORMATS))}'
            return f'{{"type": "object", "properties": {{"value": {{{what}{mark}}}}}}}'
        if chance < 0.7:
            return str(self.choice(_ODD_SCHEMAS))
        if chance < 0.8:
            name = self.choice(
                ("properties", "required", "items", "anyOf", "allOf", "$ref", "enum", "compliance")
            )
            return f'{{"{name}": {self.choice(_JSON_VALUES)}, {_MARK}}}'
        if chance < 0.9:
            return self._nested(
                *self.choice(
                    (('{"properties": {"value": ', "}}"), ('{"items": ', "}"), ('{"allOf": [', "]}"))
                )
            )
        return self._content()

    def _nested(self, opening: str, closing: str) -> str:
        levels = self.choice(_LEVELS)
        return f"{opening * levels}{{}}{closing * levels}"

    def _happens(self, chance: float) -> bool:
        return self._random.random() < chance


def _is_unwritable(field: FieldDescriptor) -> bool:
    """Whether a field is of a message type for which the contract has no encoding."""
    return field.message_type is not None and not field.message_type.fields
