"""Style sheets and scripts of the pages, and those that they share with the dashboard; read once, kept in memory."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import Request, Response
from starlette.types import Receive, Scope, Send

from datalab.dashboard.bundle import STATIC as DASHBOARD
from datalab_dagster.service.http_errors import AddressUnknown, MethodRefused

OWN = Path(__file__).parent.parent / "static"
FILES = {
    "portal.css": OWN,
    "early.js": OWN,
    "portal.js": OWN,
    "upload.js": OWN,
    "wizard.js": OWN,
    "icon.svg": OWN,
    "dashboard.css": DASHBOARD,
    "dashboard.js": DASHBOARD,
    "vega-bundle.js": DASHBOARD,
}
"""Every file that is served, and where it lies; nothing else is ever opened."""
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class StaticFile:
    """A file as it is sent."""

    content: bytes
    packed: bytes
    media_type: str
    version: str
    """Changes with the content, so that browsers may keep a file for ever."""


@cache
def static_file(name: str) -> StaticFile:
    """Return a file by name.

    Raises:
        AddressUnknown: there is none of this name.
    """
    if name not in FILES:
        raise AddressUnknown
    path = FILES[name] / name
    content = path.read_bytes()
    version = hashlib.sha256(content).hexdigest()[:12]
    return StaticFile(content, gzip.compress(content, 6, mtime=0), _TYPES[path.suffix], version)


def address(name: str) -> str:
    """Return where a page finds a file; the address changes with its content."""
    return f"/static/{name}?v={static_file(name).version}"


async def static(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a static file, which anybody may have: there is nothing of a lab in it.

    Raises:
        AddressUnknown: there is none of this name.
        MethodRefused: it is to be read only.
    """
    request = Request(scope)
    if request.method not in ("GET", "HEAD"):
        raise MethodRefused(request.method)
    file = static_file(scope["path"].rpartition("/")[2])
    await _answer(request, file)(scope, receive, send)


def _answer(request: Request, file: StaticFile) -> Response:
    asked = request.query_params.get("v") == file.version
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if asked else "no-cache",
        "ETag": f'"{file.version}"',
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        return Response(file.packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=file.media_type)
    return Response(file.content, headers=headers, media_type=file.media_type)
