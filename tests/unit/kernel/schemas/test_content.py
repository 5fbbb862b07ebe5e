"""Contents as text and as values."""

import json
from decimal import Decimal

import pytest

from chronicle.kernel.compliance.plans import plan_of
from chronicle.kernel.schemas import InvalidContent, InvalidSchema, Schema, content_of, event_hash, text_of


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '"text"',
        "{",
        '{"a":NaN}',
        '{"a":1}x',
        '{"a":"\\ud800"}',
        '{"a":"\ud800"}',
        "[" * 100_000,
        '{"a":' + "[" * 64 + "]" * 64 + "}",
        '{"a":1e99999999999999999999999}',
        '{"a":' + "9" * 10_000 + "}",
    ],
    ids=lambda text: text[:20].encode("ascii", "backslashreplace").decode(),
)
def test_what_is_no_text_of_a_json_object_is_refused(text: str) -> None:
    with pytest.raises(InvalidContent, match=r"^Content must "):
        content_of(text)


def test_numbers_keep_their_digits_and_the_way_they_were_written() -> None:
    text = '{"whole":1,"point":1.0,"exact":0.100,"large":99999999999999999999999,"list":[1.50]}'
    content = content_of(text)

    assert type(content["whole"]) is int
    assert type(content["point"]) is Decimal
    assert text_of(content) == text


def test_sixty_four_levels_are_enough_and_allowed() -> None:
    text = '{"a":' * 64 + "1" + "}" * 64
    content = content_of(text)

    assert text_of(content) == text
    assert text_of(
        Schema.of('{"properties":{"a":{"$ref":"#"}}}').shape(content_of('{"a":' * 63 + "{}" + "}" * 63))
    )
    assert event_hash("type", "source", content)


def test_many_brackets_side_by_side_are_no_levels() -> None:
    assert content_of('{"a":[' + ",".join(["[]"] * 1000) + "]}")


@pytest.mark.parametrize("text", ["[]", "null", "{", "1", "[" * 100_000, '{"a":' * 5_000 + "1" + "}" * 5_000])
def test_what_is_no_schema_is_refused(text: str) -> None:
    with pytest.raises(InvalidSchema, match=r"^A schema must "):
        Schema.of(text)


def test_a_schema_nested_too_deep_is_refused() -> None:
    text = '{"properties":{"a":' * 400 + "{}" + "}}" * 400

    with pytest.raises(InvalidSchema, match="nested deeper than 256 levels"):
        Schema.of(text)


def test_a_schema_whose_references_lead_too_deep_is_refused() -> None:
    types = {f"t{n}": {"properties": {"a": {"$ref": f"#/$defs/t{n + 1}"}}} for n in range(1_000)}
    text = json.dumps({"$defs": types, "$ref": "#/$defs/t0"})

    with pytest.raises(InvalidSchema, match="nested too deep"):
        Schema.of(text)
    marked = text.replace('"$defs"', '"compliance": [], "$defs"', 1)
    with pytest.raises(InvalidSchema, match="nested too deep"):
        plan_of(marked)
