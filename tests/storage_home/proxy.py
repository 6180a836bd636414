"""A proxy before an object store that fails as object stores do; no test is here."""

from __future__ import annotations

import http.client
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Proxy:
    """Passes requests on to `endpoint`.

    Attributes:
        refuse_every: answers every request of this number with 503; 0: none.
        refused: how many were.
    """

    def __init__(self, endpoint: str) -> None:
        self._target = urlsplit(endpoint)
        self._count = itertools.count(1)
        self._server: ThreadingHTTPServer | None = None
        self._port = 0
        self.refuse_every = 0
        self.refused = 0
        self.start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen, at the same address as before."""
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65_537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                body = self._body()
                if proxy._server is None:
                    self.close_connection = True
                    return
                if proxy.refuse_every and next(proxy._count) % proxy.refuse_every == 0:
                    proxy.refused += 1
                    self._answer(503, [], b"<Error><Code>ServiceUnavailable</Code></Error>")
                    return
                self._answer(*proxy._pass_on(self.command, self.path, dict(self.headers), body))

            def _body(self) -> bytes:
                if self.headers.get("Expect", "").lower() == "100-continue":
                    self.send_response_only(100)
                    self.end_headers()
                if self.headers.get("Transfer-Encoding", "") == "chunked":
                    return b"".join(self._chunks())
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))

            def _chunks(self) -> Iterator[bytes]:
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    yield self.rfile.read(size)
                    self.rfile.readline()
                while self.rfile.readline().strip():
                    pass

            def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
                self.send_response_only(status)
                for name, value in headers:
                    if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                        self.send_header(name, value)
                length = {name.lower(): value for name, value in headers}.get("content-length", "0")
                self.send_header("Content-Length", length if self.command == "HEAD" else str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Answer nothing any more."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @contextmanager
    def away(self) -> Iterator[None]:
        """Answer nothing while the block runs."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def _pass_on(
        self, command: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self._target.hostname or "", self._target.port, timeout=60)
        sent = {name: value for name, value in headers.items() if name.lower() not in ("transfer-encoding", "expect")}
        connection.request(command, path, body=body, headers={**sent, "Content-Length": str(len(body))})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.getheaders(), content
