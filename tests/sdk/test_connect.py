"""A client asks this machine's deployment unless an address is given; nothing is ever sent to the vendor."""

from __future__ import annotations

import binascii
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

import datalab_dagster as dq
from datalab_dagster.api import AuthorizationError, ServerError
from datalab_dagster.archv2.connect import check_token, deployment_url
from datalab_dagster.service import ServiceUnreachable
from datalab_dagster.service.http import HttpService

TOKEN = "c2VjcmV0LXRva2Vu"


class _Portal(BaseHTTPRequestHandler):
    """Knows one token, and tells whose it is."""

    def do_GET(self) -> None:
        known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        body = json.dumps({"email": "me@publisher.example"} if known else _LOGIN_NEEDED).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


_LOGIN_NEEDED = {"error": {"code": "LoginNeeded", "message": "Log in.", "details": {}}}


@pytest.fixture
def portal() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), _Portal)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_without_an_address_this_machine_is_asked(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATALAB_HOME", environment["DATALAB_HOME"])
    for unset in ("DATALAB_API_URL", "DATALAB_POSTGRES_URL"):
        monkeypatch.delenv(unset, raising=False)
    with dq.create_client("me@publisher.example", TOKEN) as client:
        assert client.user_email == "me@publisher.example"
        lab = dq.DataLabBuilder(client).with_name("Here").with_num_identifiers_columns(2).build()
    with dq.create_client("me@publisher.example", TOKEN, api_host="api.decentriq.com") as again:
        assert isinstance(again, dq.Client)
        assert lab.id in [found["id"] for found in again.list_data_labs()]


def test_an_address_is_asked_over_http(portal: HTTPServer) -> None:
    port = portal.server_port
    with dq.create_client(
        "me@publisher.example", TOKEN, api_host="127.0.0.1", api_port=port, api_use_tls=False
    ) as client:
        assert isinstance(client.service, HttpService)
        assert client.user_email == "me@publisher.example"
    assert portal.asked == ["/api/session"]  # type: ignore[attr-defined]


def test_an_address_from_the_environment(portal: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATALAB_API_URL", f"http://127.0.0.1:{portal.server_port}")
    with dq.create_client("me@publisher.example", TOKEN, request_timeout=5) as client:
        assert isinstance(client.service, HttpService)


def test_a_wrong_token_is_refused(portal: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATALAB_API_URL", f"http://127.0.0.1:{portal.server_port}")
    with pytest.raises(AuthorizationError):
        dq.create_client("me@publisher.example", "b3RoZXI=")


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ServiceUnreachable) as error:
        dq.create_client("me@publisher.example", TOKEN, api_host="127.0.0.1", api_port=port, api_use_tls=False)
    assert isinstance(error.value, ServerError)


@pytest.mark.parametrize("token", ["not base64!", "a", "ä", "a b c d"])
def test_a_token_must_be_base64(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATALAB_API_URL", "http://127.0.0.1:9")  # where nothing would answer a token that passes
    with pytest.raises((binascii.Error, ValueError)):
        dq.create_client("me@publisher.example", token)


@pytest.mark.parametrize("token", ["", "c2VjcmV0", "c2VjcmV0Cg==", "c2VjcmV0Cg", "_-_-"])
def test_tokens_that_pass(token: str) -> None:
    check_token(token)


@pytest.mark.parametrize(
    ("host", "port", "tls", "url"),
    [
        ("api.decentriq.com", 443, True, None),
        ("staging.api.decentriq.com", 443, True, None),
        ("decentriq.com.evil.example", 443, True, "https://decentriq.com.evil.example:443"),
        ("labs.publisher.example", 443, True, "https://labs.publisher.example:443"),
        ("labs.publisher.example", 8080, False, "http://labs.publisher.example:8080"),
        ("http://labs.publisher.example", 8080, True, "http://labs.publisher.example:8080"),
        ("http://127.0.0.1:8780", 443, True, "http://127.0.0.1:8780"),
        ("api.decentriq.com", 8780, False, "http://localhost:8780"),
    ],
)
def test_which_deployment_is_meant(
    host: str, port: int, tls: bool, url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATALAB_API_URL", raising=False)
    assert deployment_url(host, port, use_tls=tls) == url
    monkeypatch.setenv("DATALAB_API_URL", "https://from.environment.example")
    assert deployment_url(host, port, use_tls=tls) == (url or "https://from.environment.example")


def test_the_home_is_not_made_by_importing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATALAB_HOME", str(tmp_path / "home"))
    assert dq.create_client is not None
    assert not (tmp_path / "home").exists()
