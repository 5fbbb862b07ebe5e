"""The statements of `.sql` files."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from chronicle.kernel.storage import queries


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that takes the place of `sql/written.sql`."""
    monkeypatch.setattr(queries, "_FOLDER", tmp_path)
    return tmp_path / "written.sql"


def load(file: Path, text: str) -> Mapping[str, str]:
    file.write_text(text, encoding="utf-8")
    return queries.load("written")


def test_statements_go_by_their_names(written: Path) -> None:
    assert load(written, "-- name: one\nSELECT 1;\n\n-- name: two\n-- Why.\nSELECT 2;\n") == {
        "one": "SELECT 1",
        "two": "-- Why.\nSELECT 2",
    }


def test_a_statement_may_contain_another_which_may_contain_a_third(written: Path) -> None:
    text = "-- name: whole\nSELECT {part};\n-- name: part\na, '{}', {rest}\n-- name: rest\nb;\n"
    assert load(written, text)["whole"] == "SELECT a, '{}', b"


def test_what_is_not_there_cannot_be_contained(written: Path) -> None:
    with pytest.raises(KeyError, match="nowhere"):
        load(written, "-- name: one\nSELECT {nowhere};\n")


def test_a_name_stands_for_one_statement(written: Path) -> None:
    with pytest.raises(ValueError, match="twice"):
        load(written, "-- name: one\nSELECT 1;\n-- name: one\nSELECT 2;\n")
