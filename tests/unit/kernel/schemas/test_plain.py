"""The short way of plain content: where it is taken, it comes to what the long way comes to."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chronicle.kernel.schemas import Schema, content_of, repeats_names, text_of
from chronicle.kernel.schemas.hashing import canonical

MEMBERS: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "count": {"type": "integer"},
    "large": {"type": "integer", "format": "int64"},
    "huge": {"type": "integer", "format": "uint64"},
    "price": {"type": "number", "format": "double"},
    "weight": {"type": "number"},
    "is_open": {"type": "boolean"},
    "Tags": {"type": "array", "items": {"type": "string"}},
    "id": {"type": "string", "format": "guid"},
    "at": {"type": "string", "format": "date-time-offset"},
    "maybe": {"type": ["string", "null"]},
}
SCHEMA = Schema.of(json.dumps({"type": "object", "properties": MEMBERS}))

GUID = "0d3c7c1e-9a55-4d4b-8a6e-000000000001"
PLAIN: dict[str, Any] = {
    "text": "a note",
    "count": 3,
    "large": 2**40,
    "huge": 2**64 - 1,
    "price": 1299.95,
    "weight": 3.5,
    "is_open": True,
    "Tags": ["web", "spring"],
    "id": GUID,
    "at": "2026-11-23T18:27:45.1234567+00:00",
    "maybe": "so",
}

NUMBERS = (
    st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([1e15, 1e-7, -0.0])
)
VALUES = st.one_of(st.text(), NUMBERS, st.booleans(), st.none(), st.lists(st.text(), max_size=2))


def written(content: dict[str, Any]) -> str:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)


def short_way(text: str) -> str | None:
    assert SCHEMA.plain is not None
    return SCHEMA.plain.canonical(text)


def check_long_way(text: str, short: str) -> None:
    """What the short way takes is right, stored as it is, and has the same canonical form."""
    content = content_of(text)
    assert SCHEMA.validate(content) == []
    shaped = SCHEMA.shape(content)
    assert text_of(shaped) == text or (shaped == content and not repeats_names(text, content))
    assert canonical(shaped) == short


def test_plain_content_takes_the_short_way() -> None:
    text = written(PLAIN)
    short = short_way(text)
    assert short is not None
    check_long_way(text, short)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(MEMBERS, VALUES)))
def test_both_ways_come_to_the_same(changes: dict[str, Any]) -> None:
    text = written({**PLAIN, **changes})
    short = short_way(text)
    if short is not None:
        check_long_way(text, short)


@given(
    st.fixed_dictionaries(
        {
            **{name: st.just(value) for name, value in PLAIN.items()},
            "text": st.text(),
            "count": st.integers(-(2**31), 2**31 - 1),
            "price": st.floats(allow_nan=False, allow_infinity=False),
            "weight": st.floats(-1e15, 1e15),
            "Tags": st.lists(st.text(), max_size=3),
        }
    )
)
def test_values_of_the_right_types_come_to_the_same(content: dict[str, Any]) -> None:
    text = written(content)
    short = short_way(text)
    if short is not None:
        check_long_way(text, short)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(written({**PLAIN, "more": 1}), id="undeclared"),
        pytest.param(written({name: PLAIN[name] for name in PLAIN if name != "count"}), id="absent"),
        pytest.param(written({**PLAIN, "maybe": None}), id="null"),
        pytest.param(written({**PLAIN, "count": "3"}), id="wrong type"),
        pytest.param(written({**PLAIN, "count": 2**31}), id="too large"),
        pytest.param(written({**PLAIN, "id": GUID.upper()}), id="to be shaped"),
        pytest.param(written({**PLAIN, "at": "yesterday"}), id="misfit"),
        pytest.param(written(PLAIN)[:-1] + ',"text":"again"}', id="repeated"),
        pytest.param(json.dumps(PLAIN), id="whitespace"),
        pytest.param(written(dict(reversed(PLAIN.items()))), id="another order"),
        pytest.param(written({**PLAIN, "text": "\x7f"}), id="written otherwise in .NET"),
        pytest.param("[]", id="no object"),
        pytest.param("{", id="no JSON"),
    ],
)
def test_whatever_differs_takes_the_long_way(text: str) -> None:
    assert short_way(text) is None


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"type": "object"}, id="nothing declared"),
        pytest.param({"properties": {"a": {"type": "string"}}}, id="no type"),
        pytest.param({"type": "object", "properties": {"a": {}}}, id="anything"),
        pytest.param({"type": "object", "properties": {"a": {"type": "object"}}}, id="nested"),
        pytest.param({"type": "object", "properties": {"a": {"type": ["string", "integer"]}}}, id="choice"),
        pytest.param(
            {"type": "object", "properties": {"a": {"type": "number", "format": "decimal"}}}, id="decimal"
        ),
        pytest.param(
            {"type": "object", "properties": {"\u00e5": {"type": "string"}}}, id="names beyond ASCII"
        ),
        pytest.param(
            {
                "type": "object",
                "properties": {
                    "a": {"type": "string", "compliance": [{"metadataType": "PII", "details": "why"}]}
                },
            },
            id="personal",
        ),
    ],
)
def test_schemas_of_more_than_simple_members_have_no_short_way(schema: dict[str, Any]) -> None:
    assert Schema.of(json.dumps(schema)).plain is None
