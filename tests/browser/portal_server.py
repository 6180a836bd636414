"""Serves the portal of a real deployment to a browser, and opens pages that must not complain; no test is here."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from datalab.deployment import Deployment
from datalab.home.secret import new_secret
from datalab.home.settings import PortalSettings
from datalab.registry import EmbeddedPostgres
from datalab_dagster.portal.app import create_app
from datalab_dagster.service.local import LocalService

OWNER = "pat@publisher.example"


@dataclass
class Portal:
    """A portal that is served."""

    address: str
    secret: str
    service: LocalService
    deployment: Deployment


@contextmanager
def served() -> Iterator[Portal]:
    """Serve the portal of a new deployment; runs are executed as in production, in processes of their own."""
    home = Path(tempfile.mkdtemp(prefix="datalab-test-"))
    environment = {**os.environ, "DATALAB_HOME": str(home)}
    environment.pop("DATALAB_POSTGRES_URL", None)
    try:
        deployment = Deployment.open(environment)
        with LocalService(deployment, OWNER, environment) as service, socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            port = bound.getsockname()[1]
            settings = PortalSettings(port=port, local_owner=OWNER)
            secret = new_secret()
            app = create_app(service, settings, secret=secret)
            server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
            thread.start()
            while not server.started:
                time.sleep(0.02)
            yield Portal(f"http://127.0.0.1:{port}", secret, service, deployment)
            server.should_exit = True
            thread.join(timeout=30)
    finally:
        EmbeddedPostgres(home).stop()
        shutil.rmtree(home, ignore_errors=True)


class Visit:
    """A browser's window on the portal; `close` fails if a page complained or sent a request to another server."""

    def __init__(self, browser: Any, portal: Portal, *, signed_in: bool = True, **options: Any) -> None:
        self.portal = portal
        self.complaints: list[str] = []
        self.context = browser.new_context(base_url=portal.address, accept_downloads=True, **options)
        self.context.set_default_timeout(30_000)
        self.page = self.context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)
        if signed_in:
            self.page.goto(f"/?token={portal.secret}")

    def go(self, address: str) -> Any:
        """Open a page and return it."""
        self.page.goto(address)
        return self.page

    def close(self, expected: tuple[str, ...] = ()) -> None:
        self.context.close()
        found = [said for said in self.complaints if not any(word in said for word in expected)]
        assert not found, found

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.portal.address, "blob:", "data:")):
            self.complaints.append(f"asked {request.url}")
