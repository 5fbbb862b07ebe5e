"""Texts of values, as .NET writes them (events.md 7.2)."""

from decimal import Decimal
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
        (Decimal("1.50"), "1.5"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E+15"), "1E+15"),
        (Decimal("-0.0"), "-0"),
        (Decimal("0.1234567890123456789"), "0.1234567890123456789"),
        # As many zeros as the exponent says would take a gigabyte.
        (Decimal("-1.5E+999999999"), "-1.5E+999999999"),
        (Decimal("1E-999999999"), "1E-999999999"),
        ({"b": 1, "a": [True]}, '{"a":[true],"b":1}'),
        (
            {"é": [2**70, 1.5, Decimal("1.50"), None, "\n"]},
            '{"é":[1180591620717411303424,1.5,1.5,null,"\\n"]}',
        ),
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
