"""The hash of an event (events.md 11)."""

import json
from decimal import Decimal
from typing import Any

import pytest

from chronicle.kernel.schemas import content_of, event_hash
from chronicle.kernel.schemas.hashing import canonical


def hash_of(content: dict[str, Any]) -> str:
    return event_hash("the-event-type", "the-event-source", content)


@pytest.mark.row("E95")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", "Xt/WvAkQEIOex8k9F8n0dSxZOKpL6Sz5m6Vzim2tHyo="),
        ('{"zebra":"z","alpha":"a","middle":"m"}', "rHOIBN28B9DSuXCHaXotl60N/ZFcUZQGucM20BvD7Ck="),
        (
            '{"name":"John","address":{"street":"Main Street","city":"Oslo"}}',
            "JL6IQGhxi6G7CjVh/67ZnGDVRasAmUBYt3t/pHBatzU=",
        ),
        (
            '{"tags":["developer","architect","lead"],"numbers":[3,1,2],"items":[{"value":1},{"value":2}]}',
            "Sfv9UsNRwwC5j0vK3ggUk7d5SrqK/pqqlEeAgVkODPU=",
        ),
        (
            '{"text":"hello","integer":42,"longValue":9000000000,"floating":3.14,"decimalValue":12.5,"flag":true,'
            '"moment":"2024-01-02T03:04:05+00:00","identifier":"11112222-3333-4444-5555-666677778888",'
            '"missing":null}',
            "dtLMQLuKiQDTuYGBsvszYBOqAbD296KAKFRRaFaFjSQ=",
        ),
        (
            '{"norwegian":"blåbærsyltetøy","japanese":"日本語","emoji":"🚀✨",'
            '"quote":"he said \\"hi\\" & left"}',
            "FbS6mzc4fVrOq6WRIfDBprtpnxMMwyiZzm3yarjPz+Q=",
        ),
    ],
)
def test_the_hashes_of_the_specification(text: str, expected: str) -> None:
    assert hash_of(content_of(text)) == expected
    assert hash_of(json.loads(text)) == expected


@pytest.mark.row("E95")
def test_type_source_and_content_count_and_the_order_of_keys_does_not() -> None:
    content = {"a": 1, "b": {"c": 2, "d": 3}}

    assert hash_of(content) == hash_of({"b": {"d": 3, "c": 2}, "a": 1})
    others = [
        event_hash("other", "the-event-source", content),
        event_hash("the-event-type", "other", content),
        hash_of({"a": 1, "b": {"c": 2, "d": 4}}),
    ]
    assert len({hash_of(content), *others}) == 4


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (-0.0, "-0"),
        (3.14, "3.14"),
        (1e14, "100000000000000"),
        (123456789012345.0, "123456789012345"),
        (1e15, "1E+15"),
        (1234567890123456.0, "1.234567890123456E+15"),
        (-1.5e300, "-1.5E+300"),
        (0.0001, "0.0001"),
        (0.00001, "1E-05"),
        (5e-324, "5E-324"),
        (Decimal("12.50"), "12.50"),
        (Decimal("1E+2"), "100"),
        (Decimal("1E-7"), "0.0000001"),
        (Decimal("1E-999999999"), "1E-999999999"),
        (2**70, "1180591620717411303424"),
        ("\x1f\x7f\x85\n\t\\u001f", r'"\u001F\u007F\u0085\n\t\\u001f"'),
        ("</é&'\u2028🚀", '"</é&\'\u2028\\uD83D\\uDE80"'),
        ([1.0, None, {"b": 2.0, "a": [True]}], '[1,null,{"a":[true],"b":2}]'),
    ],
    ids=repr,
)
def test_values_are_written_as_dotnet_does(value: object, text: str) -> None:
    assert canonical({"a": value}) == f'{{"a":{text}}}'


def test_keys_are_sorted_by_code_units() -> None:
    assert list(json.loads(canonical({"\uffee": 1, "🚀": 2, "z": {"\uffee": 1, "🚀": 2}, "Z": 3}))) == [
        "Z",
        "z",
        "🚀",
        "\uffee",
    ]
