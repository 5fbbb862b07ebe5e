"""Which rows of the specification the tests show: `python -m tests.conformance.coverage SPEC_FOLDER`.

A row is known when a specification file lists it, shown when a test carries it in `@pytest.mark.row(...)`,
and covered by a deviation when docs/deviations.md names it in the first column of its table. A mark that
names an unknown row fails the run: a typing error must not count as a behaviour shown.
"""

import argparse
import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SPECIFICATIONS = {
    "events.md": "E",
    "observation.md": "O",
    "projections-and-read-models.md": "P",
    "connection.md": "C",
    "client-surface.md": "S",
}
"""The files and the letter their rows begin with."""

# A row is listed as a table's first cell (`| E1 |`) or as a list item (`- O1 Given ...`).
_LISTED = re.compile(r"^(?:\|\s*|- )([A-Z][0-9]+)\b", re.MULTILINE)
_NAMED = re.compile(r"\b[EOPCS][0-9]+\b")
_WIDTH = 108


class Mark(NamedTuple):
    """One row named by one test, or by a whole class or module of them."""

    row: str
    where: str


class FileCoverage(NamedTuple):
    """The rows of one specification file, in its order."""

    name: str
    shown: list[str]
    deviating: list[str]
    missing: list[str]


def listed_rows(text: str, letter: str) -> list[str]:
    """The rows that a specification file lists, in its order, each once."""
    return list(dict.fromkeys(row for row in _LISTED.findall(text) if row.startswith(letter)))


def marks(folder: Path) -> Iterator[Mark]:
    """Every row marked below the folder, read from the source: no test module is imported."""
    for path in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"), filename=str(path))):
            if isinstance(node, ast.Call) and _is_row_mark(node.func):
                for argument in node.args:
                    row = argument.value if isinstance(argument, ast.Constant) else ast.unparse(argument)
                    yield Mark(str(row), f"{path.relative_to(folder.parent)}:{node.lineno}")


def deviating_rows(text: str) -> set[str]:
    """The rows named in the first cell of the table lines of docs/deviations.md."""
    cells = (line.split("|")[1] for line in text.splitlines() if line.startswith("|"))
    return {row for cell in cells for row in _NAMED.findall(cell)}


def coverage(
    specifications: Mapping[str, str], shown: Iterable[str], deviating: Iterable[str]
) -> list[FileCoverage]:
    """Per specification file (its name to its text): rows shown, rows not yet, rows under a deviation.

    A row under a deviation counts as such whether or not a test shows what we do in its place.
    """
    shown, deviating = set(shown), set(deviating)
    files = []
    for name, text in specifications.items():
        rows = listed_rows(text, SPECIFICATIONS[name])
        files.append(
            FileCoverage(
                name,
                shown=[row for row in rows if row in shown - deviating],
                deviating=[row for row in rows if row in deviating],
                missing=[row for row in rows if row not in shown | deviating],
            )
        )
    return files


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the coverage; 1 when a mark or a deviation names a row that no specification lists."""
    options = _parser().parse_args(arguments)
    specifications = _read(options.folder or options.spec)
    if not specifications:
        sys.stdout.write(
            f"There is no specification in {options.folder or options.spec}: nothing to compare with.\n"
        )
        return 0
    deviations = ROOT / "docs" / "deviations.md"
    deviating = deviating_rows(deviations.read_text("utf-8")) if deviations.exists() else set()
    marked = list(marks(ROOT / "tests"))
    files = coverage(specifications, (mark.row for mark in marked), deviating)
    for file in files:
        _print_file(file)
    return _complain_of_unknown(files, marked, deviating)


def _is_row_mark(node: ast.expr) -> bool:
    return ast.unparse(node) == "pytest.mark.row"


def _read(folder: Path) -> dict[str, str]:
    paths = {name: folder / name for name in SPECIFICATIONS}
    return {name: path.read_text("utf-8") for name, path in paths.items() if path.exists()}


def _print_file(file: FileCoverage) -> None:
    total = len(file.shown) + len(file.deviating) + len(file.missing)
    sys.stdout.write(f"{file.name}: {len(file.shown)} of {total} rows shown")
    sys.stdout.write(f", {len(file.deviating)} under a deviation, {len(file.missing)} not yet\n")
    for title, rows in (("shown", file.shown), ("deviation", file.deviating), ("not yet", file.missing)):
        for line in _wrapped(rows):
            sys.stdout.write(f"  {title:10} {line}\n")


def _wrapped(rows: Sequence[str]) -> Iterator[str]:
    line = ""
    for part in _ranges(rows):
        if line and len(line) + len(part) + 1 > _WIDTH - 13:
            yield line
            line = ""
        line = f"{line} {part}".lstrip()
    if line:
        yield line


def _ranges(rows: Sequence[str]) -> Iterator[str]:
    """Neighbouring numbers as ranges: E1-E3 for E1, E2, E3."""
    numbers = sorted(int(row[1:]) for row in rows)
    letter = rows[0][0] if rows else ""
    start = 0
    for index, number in enumerate(numbers):
        if index + 1 == len(numbers) or numbers[index + 1] != number + 1:
            first = numbers[start]
            yield f"{letter}{first}" if first == number else f"{letter}{first}-{letter}{number}"
            start = index + 1


def _complain_of_unknown(
    files: Sequence[FileCoverage], marked: Sequence[Mark], deviating: Iterable[str]
) -> int:
    known = {row for file in files for row in (*file.shown, *file.deviating, *file.missing)}
    # Without all the files, a row of an absent one cannot be told from a mistake.
    letters = {SPECIFICATIONS[file.name] for file in files}
    unknown = [mark for mark in marked if mark.row not in known and (mark.row[:1] in letters or not mark.row)]
    unknown += [
        Mark(row, "docs/deviations.md") for row in sorted(deviating) if row not in known and row[0] in letters
    ]
    for mark in unknown:
        sys.stdout.write(f"unknown row {mark.row!r}: {mark.where}\n")
    return 1 if unknown else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.coverage", description=__doc__)
    parser.add_argument(
        "folder", nargs="?", type=Path, metavar="SPEC", help="the folder of the specification files"
    )
    parser.add_argument(
        "--spec", type=Path, default=ROOT.parent / "shared" / "spec", help="the same, as an option"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
