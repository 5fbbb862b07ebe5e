"""The value contract: Python values to JSON content and back, and the JSON schemas that describe it.

    naming.py    how members of classes are called in content
    members.py   the members of a model, dataclass or Struct
    shapes.py    what a type annotation means to the contract; every type the contract knows is listed there
    scalars.py   the text and number forms of single values
    derived.py   classes that stand for others; concepts.py and geometry.py types for values
    schema.py    a shape as JSON schema
    forms.py     a shape as converters; records.py those of models, dataclasses and Structs
    values.py    the `Serializer`, which holds what was compiled

Schemas and converters are made from the same shapes and members, so they cannot disagree about a name.
Source: events.md 3.4 and 16.
"""

from chronicle.serialization.concepts import Concept
from chronicle.serialization.derived import derived_type
from chronicle.serialization.naming import NamingPolicy, as_declared, camel_case
from chronicle.serialization.schema import json_schema
from chronicle.serialization.values import Serializer

__all__ = [
    "Concept",
    "NamingPolicy",
    "Serializer",
    "as_declared",
    "camel_case",
    "derived_type",
    "json_schema",
]
