"""Which rows of the specification are shown, not shown, or under a deviation."""

from pathlib import Path

import pytest

from tests.conformance import coverage


@pytest.mark.parametrize(
    ("text", "letter", "rows"),
    [
        ("| # | Behaviour |\n|---|---|\n| E1 | a |\n| E2 | refers to E9 |\n", "E", ["E1", "E2"]),
        ("- O1 Given, when, then.\n- O12 Given O3, then.\n- no row\n", "O", ["O1", "O12"]),
        ("| P127 | given |\n| P127 | again |\n| S5 | another file's |\n", "P", ["P127"]),
    ],
)
def test_rows_are_first_cells_or_list_items_of_the_files_letter(
    text: str, letter: str, rows: list[str]
) -> None:
    assert coverage.listed_rows(text, letter) == rows


def test_a_row_is_shown_under_a_deviation_or_missing() -> None:
    specification = {"events.md": "| E1 | a |\n| E2 | b |\n| E3 | c |\n| E4 | d |\n"}
    (found,) = coverage.coverage(specification, shown=["E1", "E3"], deviating=["E3", "E4"])
    assert (found.shown, found.deviating, found.missing) == (["E1"], ["E3", "E4"], ["E2"])


def test_only_the_first_cell_of_a_table_names_deviating_rows() -> None:
    text = "In prose E1.\n| Row or area | Ours |\n| --- | --- |\n| E2, S72: units | unlike E3 |\n"
    assert coverage.deviating_rows(text) == {"E2", "S72"}


def test_marks_are_read_from_the_source(tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_it.py").write_text(
        'import pytest\n\n@pytest.mark.row("E1", "C2")\ndef test_it():\n    pass\n', encoding="utf-8"
    )
    assert [mark.row for mark in coverage.marks(tests)] == ["E1", "C2"]


def test_a_mark_of_a_row_that_no_specification_lists_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    specification, tests = tmp_path / "spec", tmp_path / "tests"
    specification.mkdir()
    tests.mkdir()
    (specification / "events.md").write_text("| E1 | a |\n", encoding="utf-8")
    (tests / "test_it.py").write_text('@pytest.mark.row("E1")\ndef test_it(): ...\n', encoding="utf-8")
    monkeypatch.setattr(coverage, "ROOT", tmp_path)
    assert coverage.main([str(specification)]) == 0
    (tests / "test_it.py").write_text('@pytest.mark.row("E2")\ndef test_it(): ...\n', encoding="utf-8")
    assert coverage.main([str(specification)]) == 1
    assert "unknown row 'E2'" in capsys.readouterr().out
