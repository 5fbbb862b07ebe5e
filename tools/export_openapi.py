"""Writes docs/openapi.json: the admin API as OpenAPI, for those who generate clients.

    python -m tools.export_openapi [--check]

With --check nothing is written, and the exit status is 1 if the file is not what the code gives.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI

from chronicle.software_version import software_version
from chronicle_fastapi.admin.router import chronicle_admin

TARGET: Final = Path(__file__).resolve().parents[1] / "docs" / "openapi.json"


def admin_api() -> dict[str, Any]:
    """The OpenAPI document of an application that has the admin API and nothing else."""
    app = FastAPI(
        title="Chronicle admin API",
        version=software_version(),
        description="What `app.include_router(chronicle_admin)` adds to an application.",
    )
    app.include_router(chronicle_admin)
    return app.openapi()


def main() -> int:
    """Write or check; return the exit status."""
    parser = argparse.ArgumentParser(description="Export the OpenAPI document of the admin API.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the file is stale")
    arguments = parser.parse_args()

    text = json.dumps(admin_api(), indent=2, ensure_ascii=False) + "\n"
    is_fresh = TARGET.exists() and TARGET.read_text("utf-8") == text
    if arguments.check:
        print("docs/openapi.json is fresh." if is_fresh else "stale: docs/openapi.json. Run 'make openapi'.")
        return 0 if is_fresh else 1
    TARGET.write_text(text, "utf-8")
    print(f"docs/openapi.json: {'unchanged' if is_fresh else 'written'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
