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

CONTRAST = """() => {
  const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const parse = (text) => {
    probe.clearRect(0, 0, 1, 1); probe.fillStyle = text; probe.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = probe.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const linear = (v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
  const light = (c) => .2126 * linear(c[0]) + .7152 * linear(c[1]) + .0722 * linear(c[2]);
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const low = [];
  for (const element of document.querySelectorAll('body *')) {
    const words = [...element.childNodes].filter((n) => n.nodeType === 3 && n.textContent.trim()).length;
    if (!words || !element.getClientRects().length) continue;
    if (element.closest('svg, .unseen, :disabled, option, script, noscript')) continue;
    const style = getComputedStyle(element), ground = behind(element);
    if (style.visibility === 'hidden') continue;
    const [a, b] = [light(over(parse(style.color), ground)), light(ground)].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700);
    const ratio = (a + .05) / (b + .05);
    if (ratio < (large ? 3 : 4.5)) low.push(`${element.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return low;
}"""
"""Lists the texts of a page with too little contrast."""


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
