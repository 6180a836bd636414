"""A message about a failure: what a webhook gets, and that its address, a secret, is logged nowhere."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from datalab.deployment import notify as module
from datalab.deployment.notify import notify
from datalab.home.settings import FailureHooks

SECRET = "T0KEN"
FACTS = {"event": "RUN_FAILED", "lab": "lab ü", "run": "run", "reason": "why"}


@contextmanager
def webhook(*answers: int, seconds: float = 0) -> Iterator[tuple[str, list[tuple[str, str, Any]]]]:
    """A webhook that gives these answers, one after the other; yield its URL and what it was asked."""
    asked: list[tuple[str, str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status = answers[len(asked)]
            asked.append((self.command, self.path, json.loads(body) if body else None))
            time.sleep(seconds)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{SECRET}?key={SECRET}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def tell(url: str) -> None:
    notify(FailureHooks(webhook=url), "RUN_FAILED", lab="lab ü", run_id="run", reason="why")


def test_a_webhook_gets_the_facts_as_json_and_its_address_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with webhook(200) as (url, asked):
        tell(url)
    assert asked == [("POST", f"/{SECRET}?key={SECRET}", FACTS)]
    assert SECRET not in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_webhook_that_has_moved_is_followed(caplog: pytest.LogCaptureFixture) -> None:
    with webhook(302, 204) as (url, asked):
        tell(url)
    assert [path for _, path, _ in asked] == [f"/{SECRET}?key={SECRET}", "/elsewhere"]
    assert not caplog.records


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_webhook_that_refuses_is_logged_without_its_address(status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with webhook(status) as (url, _):
        tell(url)
    (warning,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert warning.getMessage() == "The webhook about a failure could not be sent (HTTPStatusError)."
    assert SECRET not in caplog.text


def test_a_webhook_that_does_not_answer_in_time_is_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SECONDS", 0.1)
    with webhook(200, seconds=0.5) as (url, _):
        tell(url)
    assert caplog.messages == ["The webhook about a failure could not be sent (ReadTimeout)."]
