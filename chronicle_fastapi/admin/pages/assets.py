"""The files that the page consists of beside its HTML: style, script, icon."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import APIRouter, HTTPException, Request, Response

_FOLDER: Final = Path(__file__).parent.parent / "static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One of the files, read once."""

    content: bytes
    media_type: str
    version: str
    """Changes with the content, and is part of the address: browsers may keep what they have for ever."""


def _read() -> dict[str, Asset]:
    return {
        path.name: Asset(content, _TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:12])
        for path in sorted(_FOLDER.iterdir())
        if path.suffix in _TYPES
        for content in [path.read_bytes()]
    }


ASSETS: Final = _read()

router: Final = APIRouter()


@router.get("/static/{name}", name="chronicle_admin_asset")
async def asset(request: Request, name: str) -> Response:
    """One of the files: what is not in the folder when the process starts is not there."""
    found = ASSETS.get(name)
    if found is None:
        raise HTTPException(404)
    is_this_version = request.query_params.get("v") == found.version
    caching = "public, max-age=31536000, immutable" if is_this_version else "no-cache"
    return Response(found.content, media_type=found.media_type, headers={"Cache-Control": caching})


def address_of(name: str) -> str:
    """Where a page finds a file: relative to the page, so that no proxy in between has to be known."""
    return f"static/{name}?v={ASSETS[name].version}"
