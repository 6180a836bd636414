"""Checks over its address whether a service answers; light to import, raises nothing."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import httpx

_SECONDS = 2.0


def listens(socket_file: Path) -> bool:
    """Return whether a process accepts connections at a Unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(_SECONDS)
        return client.connect_ex(str(socket_file)) == 0


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
    try:
        url = httpx.URL(scheme="http", host=host, port=port, path=path)
        # Plain HTTP to our own process: a proxy is not needed, and loading certificates takes longer than the answer.
        with httpx.Client(timeout=_SECONDS, trust_env=False, verify=False) as client:
            response = client.request(method, url)
        return response.status_code, response.content
    except (OSError, httpx.HTTPError, httpx.InvalidURL):
        return 0, b""
