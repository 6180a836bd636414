"""A portal of this process behind the web server of a deployment, and senders who misbehave; no test is here."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from datalab.home.settings import PortalSettings
from datalab_dagster.portal.server import configuration
from tests.up.processes import free_port

HEAD = (
    "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n"
)


@dataclass(frozen=True)
class Served:
    """Where the portal is."""

    port: int
    token: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def begin(self, method: str, path: str, body: bytes, length: int = 10_000_000) -> socket.socket:
        """Send the head of a request and a part of its body, and return the open connection."""
        connection = self.connect()
        head = HEAD.format(method=method, path=path, token=self.token, length=length)
        connection.sendall(head.encode() + body)
        return connection


@contextlib.contextmanager
def serving(app: FastAPI, token: str) -> Iterator[Served]:
    """Serve `app` as a deployment does, in a thread."""
    settings = PortalSettings(port=free_port())
    server = uvicorn.Server(configuration(app, settings))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield Served(settings.port, token)
    finally:
        server.should_exit = True
        thread.join()
