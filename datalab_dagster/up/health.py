"""Checks over its address whether a service answers; light to import, raises nothing.

python -m datalab_dagster.up.health code-server|webserver|daemon|portal HOST:PORT

ends with exit code 0 if it does: the health check of a container. The daemon has no address: it is that of Dagster's
pages, which know its heartbeats.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from datalab.home.private import keep_private

_SECONDS = 2.0
PORTAL_HEALTH = "/api/health"


def listens(socket_file: Path) -> bool:
    """Return whether a process accepts connections at a Unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(_SECONDS)
        return client.connect_ex(str(socket_file)) == 0


def accepts(host: str, port: int) -> bool:
    """Return whether a process accepts connections at an address."""
    try:
        with socket.create_connection((host, port), timeout=_SECONDS):
            return True
    except OSError:
        return False


def serves(host: str, port: int, path: str = "/") -> bool:
    """Return whether a page answers; redirects and requests to sign in count."""
    status, _ = _request(host, port, "GET", path)
    return 200 <= status < 500


def dagster_serves(host: str, port: int) -> bool:
    """Return whether Dagster's pages answer and the code location is loaded."""
    data = _health(host, port)
    entries = ((data.get("workspaceOrError") or {}).get("locationEntries")) or []
    return bool(entries) and all(
        (entry.get("locationOrLoadError") or {}).get("__typename") == "RepositoryLocation" for entry in entries
    )


def daemon_works(host: str, port: int, since: float) -> bool:
    """Return whether Dagster has a heartbeat of every required daemon later than `since` (seconds)."""
    data = _health(host, port)
    health = ((data.get("instance") or {}).get("daemonHealth") or {}).get("allDaemonStatuses") or []
    needed = [status for status in health if status.get("required")]
    return bool(needed) and all(
        status.get("healthy") and (status.get("lastHeartbeatTime") or 0) >= since for status in needed
    )


def _health(host: str, port: int) -> dict[str, Any]:
    """Ask without the secret: before Dagster's pages listen, another program could listen at their address."""
    status, body = _request(host, port, "GET", "/health")
    if status != 200:
        return {}
    try:
        return json.loads(body).get("data") or {}
    except (ValueError, AttributeError):
        return {}


def _request(host: str, port: int, method: str, path: str) -> tuple[int, bytes]:
    """Return status and body; over plain HTTP to our own process, without a proxy."""
    try:
        with contextlib.closing(HTTPConnection(host, port, timeout=_SECONDS)) as connection:
            # The pages accept this name whatever their public one is.
            connection.request(method, path, headers={"Host": "localhost"})
            response = connection.getresponse()
            return response.status, response.read()
    except (OSError, HTTPException):
        return 0, b""


CHECKS: dict[str, Callable[[str, int], bool]] = {
    "code-server": accepts,
    "webserver": dagster_serves,
    "daemon": lambda host, port: daemon_works(host, port, since=0),
    "portal": lambda host, port: _request(host, port, "GET", PORTAL_HEALTH)[0] == 200,
}
"""The checks of the command, by the names of the processes."""


def main(arguments: list[str]) -> int:
    """Run the check that the arguments name, and return the exit code."""
    match arguments:
        case [name, place] if name in CHECKS and place.rpartition(":")[2].isdigit():
            host, _, port = place.rpartition(":")
            return 0 if CHECKS[name](host, int(port)) else 1
    sys.stderr.write(f"{__doc__}\n")
    return 2


if __name__ == "__main__":
    keep_private()
    sys.exit(main(sys.argv[1:]))
