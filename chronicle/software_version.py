"""The version of this distribution, as it tells it to kernels and writes it into causation."""

from functools import cache
from typing import Final

_DISTRIBUTION: Final = "chronicle-fastapi"


@cache
def software_version() -> str:
    """The installed version; `[N/A]` when run from sources that nobody installed."""
    # Slow to import, and nobody needs it before connecting.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(_DISTRIBUTION)
    except PackageNotFoundError:
        return "[N/A]"
