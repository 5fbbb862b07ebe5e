"""Texts of values, as .NET writes them (events.md 7.2)."""

from typing import Any

import pytest

from chronicle.kernel.constraints.texts import text_of, value_at


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("", ""),
        ("Ada", "Ada"),
        (True, "True"),
        (False, "False"),
        (0, "0"),
        (-12, "-12"),
        (2**70, "1180591620717411303424"),
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (100.0, "100"),
        (0.1, "0.1"),
        (-2.5, "-2.5"),
        (0.0001, "0.0001"),
        (0.00001, "1E-05"),
        (1.25e-7, "1.25E-07"),
        (123456789012345.6, "123456789012345.6"),
        (1e14, "100000000000000"),
        (1e15, "1E+15"),
        (1.5e300, "1.5E+300"),
        ({"b": 1, "a": [True]}, '{"a":[true],"b":1}'),
    ],
)
def test_a_value_has_the_text_that_dotnet_gives_it(value: Any, text: str | None) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", "Ada"),
        ("address.city", "London"),
        ("address.town", None),
        ("name.first", None),
        ("nothing.at.all", None),
        ("Name", None),
        ("tags.0", None),
    ],
)
def test_a_path_leads_into_objects_by_exact_names(path: str, value: Any) -> None:
    content = {"name": "Ada", "address": {"city": "London"}, "tags": ["a"]}
    assert value_at(content, tuple(path.split("."))) == value
