"""The statements of a `.sql` file, by name.

A statement begins at its line `-- name: some_name` and ends where the next one begins.
"""

import re
from collections.abc import Mapping
from pathlib import Path

_FOLDER = Path(__file__).parent / "sql"
_HEADER = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


def load(name: str) -> Mapping[str, str]:
    """The named statements of `sql/<name>.sql`."""
    text = (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    _, *parts = _HEADER.split(text)
    names, statements = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"sql/{name}.sql names a statement twice")
    return dict(zip(names, (statement.strip().rstrip(";") for statement in statements), strict=True))
