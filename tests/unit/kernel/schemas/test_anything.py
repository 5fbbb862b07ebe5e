"""Whatever arrives as a schema or as content, there is an answer or an error that is documented."""

import contextlib
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chronicle.kernel.schemas import (
    InvalidContent,
    InvalidSchema,
    Schema,
    ShapingError,
    content_of,
    event_hash,
    text_of,
)
from chronicle.kernel.schemas.formats import FORMATS, OPAQUE_FORMATS

TYPES = ["array", "boolean", "integer", "null", "number", "object", "string", "nonsense"]
NAMES = ["a", "b", "A", "c/d", "é", ""]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=4,
)
pointers = st.sampled_from(
    ["#", "#/properties/a", "#/properties/b/items", "#/anyOf/0", "#/$defs/x", "#/0", "x"]
)
schemas: st.SearchStrategy[Any] = st.deferred(
    lambda: st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(TYPES) | st.lists(st.sampled_from(TYPES), max_size=3) | junk,
            "format": st.sampled_from([*FORMATS, *OPAQUE_FORMATS, "int32?", "GUID"]) | junk,
            "properties": st.dictionaries(st.sampled_from(NAMES), schemas, max_size=3) | junk,
            "required": st.lists(st.sampled_from(NAMES), max_size=2) | junk,
            "items": schemas | junk,
            "anyOf": st.lists(schemas, max_size=3) | junk,
            "oneOf": st.lists(schemas, max_size=2) | junk,
            "allOf": st.lists(schemas, max_size=2) | junk,
            "$ref": pointers | junk,
            "$defs": st.fixed_dictionaries({"x": schemas}),
            "enum": st.lists(st.integers(-1, 2)) | junk,
            "compliance": st.just([{"metadataType": "PII", "details": ""}]) | junk,
            "additionalProperties": st.booleans() | schemas,
        },
    )
)
formatted = st.sampled_from(
    [
        "2024-01-02T03:04:05+00:00",
        "9999-12-31T23:59:59-14:00",
        "2024-02-30",
        "0a0b0c0d-0000-0000-0000-00000000ABCD",
        "12:30",
        "1.02:03:04",
        "AA==",
    ]
)
contents = st.dictionaries(
    st.sampled_from(NAMES) | texts,
    st.recursive(
        junk | formatted | st.integers(-(2**70), 2**70),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
        ),
        max_leaves=6,
    ),
    max_size=4,
)

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@unhurried
@given(schemas, contents)
def test_any_content_meets_any_schema(schema_of_something: Any, value: dict[str, Any]) -> None:
    schema = Schema.of(json.dumps(schema_of_something))
    content = content_of(json.dumps(value))
    is_right = schema.validate(content) == []
    try:
        shaped = schema.shape(content)
    except ShapingError:
        return

    assert event_hash("type", "source", shaped) == event_hash("type", "source", content_of(text_of(shaped)))
    if is_right:
        assert schema.shape(shaped) == shaped, "shaping twice is shaping once"


@unhurried
@given(st.text() | junk.map(json.dumps))
def test_any_text_is_a_schema_or_no_schema(text: str) -> None:
    with contextlib.suppress(InvalidSchema):
        Schema.of(text).validate({})


@unhurried
@given(st.text() | contents.map(json.dumps))
def test_any_text_is_a_content_or_no_content(text: str) -> None:
    with contextlib.suppress(InvalidContent):
        content = content_of(text)
        assert content_of(text_of(content)) == content
        assert len(event_hash("type", "source", content)) == 44
