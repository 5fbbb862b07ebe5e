"""Texts that say one name twice: only the last value is looked at, and so only that may be stored."""

import pytest

from chronicle.kernel.schemas import content_of, repeats_names


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"a":1,"a":1}',
        '{"a":1,"\\u0061":2}',
        '{"a": 1 , "a" : 2}',
        '{"x":{"a":1,"a":2}}',
        '{"x":[{"a":1},{"b":2,"b":3}]}',
        # Written anew, as long as it was.
        '{"a":1,"a":2,"b":[1E5,1E5,1E5,1E5,1E5,1E5]}',
    ],
)
def test_a_name_that_is_there_twice_is_found(text: str) -> None:
    assert repeats_names(text, content_of(text))


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"a":1,"A":2}',
        '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}',
        '{ "a" : "\\"a\\":1", "b" : 1E5 }',
        '{"a": ' + "9" * 4_000 + "}",
    ],
)
def test_names_that_are_there_once_are_not(text: str) -> None:
    assert not repeats_names(text, content_of(text))
