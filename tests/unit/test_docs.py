"""What the documentation says about tests is true."""

import ast
import re
from pathlib import Path

import pytest

from tests.conformance.coverage import ROOT, SPECIFICATIONS, deviating_rows, marks

TESTS = ROOT / "tests"
PARITY = ROOT / "docs" / "parity.md"
DEVIATIONS = ROOT / "docs" / "deviations.md"

_ROW = re.compile(r"^\| (\d+) \|(.*)\|(.*)\|(.*)\|$", re.MULTILINE)
_TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")


def parity_rows() -> list[tuple[int, str, str]]:
    """The number, our API and the test of every row of docs/parity.md."""
    found = _ROW.findall(PARITY.read_text("utf-8"))
    return [(int(number), api.strip(), test.strip()) for number, _, api, test in found]


def names_of_tests(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {function.name for function in functions if function.name.startswith("test_")}


def test_parity_has_every_row_of_the_feature_matrix_in_its_order() -> None:
    assert [number for number, _, _ in parity_rows()] == list(range(1, 168))


def test_every_row_of_parity_with_an_api_names_a_test_and_no_other_does() -> None:
    assert [number for number, api, test in parity_rows() if bool(api) != bool(test)] == []


@pytest.mark.parametrize("name", sorted({test for _, _, test in parity_rows() if test}))
def test_a_test_that_parity_names_exists(name: str) -> None:
    named = _TEST.fullmatch(name)
    assert named is not None, "write `path/below/tests.py::test_name`"
    path, test = named.groups()
    assert (TESTS / path).is_file()
    assert test in names_of_tests(TESTS / path)


def test_deviations_and_marks_name_rows_by_a_letter_that_a_specification_has() -> None:
    letters = set(SPECIFICATIONS.values())
    named = {mark.row for mark in marks(TESTS)} | deviating_rows(DEVIATIONS.read_text("utf-8"))
    assert [row for row in named if not re.fullmatch(f"[{''.join(sorted(letters))}][0-9]+", row)] == []
