"""Runs `dg dev` and `dagster dev` as a developer does, and asks them by GraphQL; no test is here."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from assets import ALL_ASSETS, uploaded_datasets
from tests.up.processes import free_port

ASSETS = {spec.key.to_user_string() for asset in ALL_ASSETS for spec in asset.specs}
ASSETS |= {uploaded_datasets.key.to_user_string()}
CHECKS = {f"{spec.asset_key.to_user_string()}:{spec.name}" for asset in ALL_ASSETS for spec in asset.check_specs}

_PATIENCE = 240.0
_ASKED = "{ assetNodes { assetKey { path } repository { location { name } } } }"


@contextmanager
def dev_server(
    command: Sequence[str | Path], folder: Path, environment: Mapping[str, str], log: Path
) -> Iterator[set[str]]:
    """Start a server in `folder`, yield the assets that it shows, each behind its code location, and stop it."""
    port = free_port()
    with log.open("w") as output:
        server = subprocess.Popen(
            [*command, "--port", str(port)], cwd=folder, env=environment, stdout=output, stderr=output
        )
    try:
        yield _shown(f"http://127.0.0.1:{port}/graphql", server, log)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(_PATIENCE)


def _shown(address: str, server: subprocess.Popen[bytes], log: Path) -> set[str]:
    end = time.monotonic() + _PATIENCE
    while True:
        assert server.poll() is None and time.monotonic() < end, log.read_text()
        try:
            answer: Any = httpx.post(address, json={"query": _ASKED}, timeout=60).json()
        except (httpx.TransportError, json.JSONDecodeError):
            time.sleep(0.5)
            continue
        nodes = answer["data"]["assetNodes"]
        return {f"{node['repository']['location']['name']}/{'/'.join(node['assetKey']['path'])}" for node in nodes}


def listed(text: str) -> tuple[set[str], set[str]]:
    """Return the assets and the checks in the answer of `dg list defs --json`."""
    found = json.loads(text)
    return {one["asset_key"] for one in found["assets"]}, {one["key"] for one in found["asset_checks"]}
