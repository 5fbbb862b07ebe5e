"""SQL of the benchmarks: in files beside the modules, each statement under its name."""

import re
from pathlib import Path

_NAMED = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name:|\Z)", re.MULTILINE | re.DOTALL)


def load(path: Path) -> dict[str, str]:
    """The statements of a file by name."""
    return dict(_NAMED.findall(path.read_text("utf-8")))
