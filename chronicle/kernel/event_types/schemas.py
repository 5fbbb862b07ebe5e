"""What the registration of event types needs to know about JSON schemas."""

import json
from typing import Any

from chronicle.kernel.schemas import SchemaDocument


def properties(schema: str) -> frozenset[str]:
    """The names of the properties that a schema declares at its root."""
    declared = SchemaDocument(schema).root.get("properties")
    return frozenset(declared) if isinstance(declared, dict) else frozenset()


def are_equal(one: str, other: str) -> bool:
    """Whether two schemas ask for the same.

    Neither the order of keys, nor that of compliance metadata, nor a `?` at the end of a format makes a
    difference (events.md 3.2).
    """
    return one == other or _canonical(one) == _canonical(other)


def _canonical(schema: str) -> str:
    return json.dumps(_normalised(SchemaDocument(schema).root), sort_keys=True)


def _normalised(value: Any) -> Any:
    if isinstance(value, list):
        return [_normalised(item) for item in value]
    if not isinstance(value, dict):
        return value
    result = {name: _normalised(item) for name, item in value.items()}
    if isinstance(format_ := result.get("format"), str):
        result["format"] = format_.removesuffix("?")
    if isinstance(compliance := result.get("compliance"), list):
        if compliance:
            result["compliance"] = sorted(compliance, key=lambda entry: json.dumps(entry, sort_keys=True))
        else:
            del result["compliance"]
    return result
