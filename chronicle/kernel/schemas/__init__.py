"""JSON schemas of event types, and the content that they describe (events.md 3.4, 3.5, 11 and 16).

    content.py      texts to JSON values and back
    documents.py    a schema as a document: references, types, formats
    validation.py   what is wrong with a content
    shaping.py      a content as it is stored; formats.py has the conversions
    hashing.py      the hash of an event
    schema.py       all of it for one schema

What happens to an event on its way into the log, in this order:

    content = content_of(text)             InvalidContent: nothing is appended, not even looked at
    schema.validate(content)               SchemaViolations: the append is rejected
    content = schema.shape(content)        ShapingError: the append fails with an entry in `Errors`
    event_hash(type_id, source_id, content)
"""

from chronicle.kernel.schemas.content import content_of, repeats_names, text_of
from chronicle.kernel.schemas.documents import SchemaDocument
from chronicle.kernel.schemas.errors import InvalidContent, InvalidSchema, ShapingError
from chronicle.kernel.schemas.hashing import event_hash, hash_of_canonical
from chronicle.kernel.schemas.schema import Schema
from chronicle.kernel.schemas.validation import SchemaViolation, ViolationKind

__all__ = [
    "InvalidContent",
    "InvalidSchema",
    "Schema",
    "SchemaDocument",
    "SchemaViolation",
    "ShapingError",
    "ViolationKind",
    "content_of",
    "event_hash",
    "hash_of_canonical",
    "repeats_names",
    "text_of",
]
