"""Every Python snippet of README.md and docs/ runs as written, and prints what the page says it prints.

A snippet is a fenced block of `python`. One whose first line is a comment with a file name (`# bank.py`) is
saved under that name, and later snippets of the page may import it. A block of `text` right after a snippet
is its output. A snippet marked `python no-run` is shown only, because it needs a server or is no program by
itself.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FENCE = re.compile(
    r"^```python(?P<mark> no-run)?\n(?P<code>.*?)^```\n(?:\n```text\n(?P<output>.*?)^```$)?", re.M | re.S
)
FILE_NAME = re.compile(r"# ([\w/]+\.py)$", re.M)


@dataclass(frozen=True)
class Snippet:
    page: Path
    line: int
    code: str
    output: str | None
    runs: bool

    @property
    def file_name(self) -> str:
        named = FILE_NAME.match(self.code)
        return named[1] if named else f"line_{self.line}.py"

    def save(self, directory: Path) -> Path:
        path = directory / self.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.code, encoding="utf-8")
        return path


def snippets_of(page: Path) -> list[Snippet]:
    text = page.read_text(encoding="utf-8")
    return [
        Snippet(
            page, text.count("\n", 0, found.start()) + 1, found["code"], found["output"], not found["mark"]
        )
        for found in FENCE.finditer(text)
    ]


PAGES = {page: snippets_of(page) for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]}
SNIPPETS = [snippet for snippets in PAGES.values() for snippet in snippets if snippet.runs]


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda each: f"{each.page.relative_to(ROOT)}:{each.line}")
def test_a_snippet_runs_and_prints_what_the_page_says(snippet: Snippet, tmp_path: Path) -> None:
    for earlier in PAGES[snippet.page]:
        if earlier.line < snippet.line:
            earlier.save(tmp_path)
    ran = subprocess.run(
        [sys.executable, "-W", "error", snippet.save(tmp_path)],
        cwd=tmp_path,
        env=os.environ
        | {"CHRONICLE_CONNECTION_STRING": "chronicle+embedded://:memory:", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        timeout=50,
    )
    assert ran.returncode == 0, ran.stderr
    if snippet.output is not None:
        assert ran.stdout == snippet.output


def test_the_pages_have_snippets() -> None:
    """Else a change of the fence would make the test above pass by finding nothing."""
    assert {"README.md", "getting-started.md", "fastapi.md"} <= {snippet.page.name for snippet in SNIPPETS}
