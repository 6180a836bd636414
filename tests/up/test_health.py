"""Whether something answers: what counts as an answer, and that nothing of it raises."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from datalab_dagster.up import health
from tests.up.processes import free_port

HOST = "127.0.0.1"


@contextmanager
def served(status: int, body: bytes = b"", **headers: str) -> Iterator[tuple[int, list[tuple[str, bytes]]]]:
    """Answer everything in the same way; yield the port and what was asked."""
    asked: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append((f"{self.command} {self.path} {self.headers.get('Content-Type')}", content))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer((HOST, 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def data(**found: Any) -> bytes:
    return json.dumps({"data": found}).encode()


@pytest.mark.parametrize(("status", "answers"), [(200, True), (303, True), (401, True), (404, True), (503, False)])
def test_a_page_that_is_answered_counts_unless_the_server_failed(status: int, answers: bool) -> None:
    with served(status, Location="/nowhere") as (port, asked):
        assert health.serves(HOST, port, "/login") is answers
    assert asked == [("GET /login None", b"")]


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://{HOST}:{free_port()}")
    with served(200) as (port, _):
        assert health.serves(HOST, port)


def test_what_does_not_answer_or_answers_something_else_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_SECONDS", 0.2)
    assert not health.serves(HOST, free_port())
    assert not health.serves("no such host", 80)
    with socket.create_server((HOST, 0)) as silent:
        assert not health.serves(HOST, silent.getsockname()[1])
    with socket.create_server((HOST, 0)) as other:
        greeting = threading.Thread(target=_greet, args=(other,))
        greeting.start()
        assert not health.serves(HOST, other.getsockname()[1])
        greeting.join()


def _greet(server: socket.socket) -> None:
    with server.accept()[0] as connection:
        connection.sendall(b"SSH-2.0-OpenSSH\r\n")


@pytest.mark.parametrize(
    ("body", "serves"),
    [
        (data(workspaceOrError={"locationEntries": []}), False),
        (data(workspaceOrError={"locationEntries": [{"locationOrLoadError": {"__typename": "PythonError"}}]}), False),
        (
            data(workspaceOrError={"locationEntries": [{"locationOrLoadError": {"__typename": "RepositoryLocation"}}]}),
            True,
        ),
        (b'{"data": null}', False),
        (b"[]", False),
        (b"no JSON", False),
    ],
)
def test_dagster_serves_when_its_code_location_is_loaded(body: bytes, serves: bool) -> None:
    with served(200, body) as (port, asked):
        assert health.dagster_serves(HOST, port) is serves
    assert asked == [("GET /health None", b"")]


@pytest.mark.parametrize(
    ("daemons", "works"),
    [
        ([], False),
        ([{"required": True, "healthy": True, "lastHeartbeatTime": 10.0}], True),
        ([{"required": True, "healthy": True, "lastHeartbeatTime": 4.0}], False),
        ([{"required": True, "healthy": False, "lastHeartbeatTime": 10.0}], False),
        ([{"required": False, "healthy": False, "lastHeartbeatTime": None}], False),
    ],
)
def test_the_daemon_works_when_each_part_has_shown_itself_since(daemons: list[dict[str, Any]], works: bool) -> None:
    with served(200, data(instance={"daemonHealth": {"allDaemonStatuses": daemons}})) as (port, _):
        assert health.daemon_works(HOST, port, since=5.0) is works


def test_an_answer_with_an_error_is_none() -> None:
    with served(500, data(instance={"daemonHealth": None})) as (port, _):
        assert not health.daemon_works(HOST, port, since=0)
        assert not health.dagster_serves(HOST, port)


def test_a_socket_listens_once_somebody_accepts(tmp_path: Path) -> None:
    path = tmp_path / "s"
    assert not health.listens(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        assert not health.listens(path)
        server.listen()
        assert health.listens(path)


LOADED = data(workspaceOrError={"locationEntries": [{"locationOrLoadError": {"__typename": "RepositoryLocation"}}]})
ALIVE = data(
    instance={"daemonHealth": {"allDaemonStatuses": [{"required": True, "healthy": True, "lastHeartbeatTime": 1.0}]}}
)


@pytest.mark.parametrize(
    ("name", "status", "body", "code"),
    [
        ("portal", 200, b"{}", 0),
        ("portal", 503, b"{}", 1),
        ("webserver", 200, LOADED, 0),
        ("webserver", 200, b"{}", 1),
        ("daemon", 200, ALIVE, 0),
        ("daemon", 200, LOADED, 1),
        ("code-server", 500, b"", 0),
    ],
)
def test_the_command_of_a_container_says_whether_its_process_answers(
    name: str, status: int, body: bytes, code: int
) -> None:
    with served(status, body) as (port, _):
        assert health.main([name, f"{HOST}:{port}"]) == code
    assert health.main([name, f"{HOST}:{port}"]) == 1


@pytest.mark.parametrize("arguments", [[], ["portal"], ["sparkle", "localhost:1"], ["portal", "localhost"]])
def test_the_command_explains_itself(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert health.main(arguments) == 2
    assert "HOST:PORT" in capsys.readouterr().err
