"""Style sheets and scripts of the pages, including those of the dashboard; read once and kept in memory."""

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
    "choose.js": OWN,
    "upload.js": OWN,
    "wizard.js": OWN,
    "icon.svg": OWN,
    "dashboard.css": DASHBOARD,
    "dashboard.js": DASHBOARD,
    "vega-bundle.js": DASHBOARD,
}
"""Every file that is served, and its path; no other file is opened."""
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class StaticFile:
    """A file as it is sent."""

    content: bytes
    packed: bytes
    media_type: str
    version: str
    """Changes with the content, so that browsers may cache a file indefinitely."""


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
    """Return the address of a file, which changes with its content."""
    return f"/static/{name}?v={static_file(name).version}"


async def static(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a static file, which needs no login: it contains nothing about a lab.

    Raises:
        AddressUnknown: there is none of this name.
        MethodRefused: only GET and HEAD are allowed.
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
