"""The statements of a `.sql` file, by name.

A statement begins at its line `-- name: some_name` and ends where the next one begins. Where it says
`{other_name}` the text of another one is put, so that what several have in common is written once.
"""

import re
from collections.abc import Mapping
from pathlib import Path

_FOLDER = Path(__file__).parent / "sql"
_HEADER = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)
_OTHER = re.compile(r"\{(\w+)\}")


def load(name: str) -> Mapping[str, str]:
    """The named statements of `sql/<name>.sql`."""
    text = (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    _, *parts = _HEADER.split(text)
    names, statements = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"sql/{name}.sql names a statement twice")
    texts = dict(zip(names, (statement.strip().rstrip(";") for statement in statements), strict=True))

    def whole(statement: str) -> str:
        return _OTHER.sub(lambda other: whole(texts[other[1]]), statement)

    return {name: whole(statement) for name, statement in texts.items()}
