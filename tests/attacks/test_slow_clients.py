"""Clients that send slowly or never end do not delay others (docs/security.md, "Slow clients")."""

from __future__ import annotations

import contextlib
import io
import re
import select
import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI

from datalab_dagster.portal import limits
from datalab_dagster.portal.limits import Limits
from datalab_dagster.service.http import HttpService
from tests.attacks.addresses import portal_url, record, secret
from tests.attacks.served import Served, serving
from tests.living.world import World
from tests.portal.conftest import app, database, deployment, quick_hashes, registry, server, service, tokens, url
from tests.portal.deployments import PUBLISHER, QuietService

__all__ = ["app", "database", "deployment", "quick_hashes", "registry", "server", "service", "tokens", "url"]
pytestmark = pytest.mark.attack

QUICK = Limits(head_seconds=1, body_seconds=2, retry_after=1)
SLOW_UPLOADS, OPEN_HEADS = 45, 200
KIB = 1024


@pytest.fixture
def served(app: FastAPI, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A portal with the limits of a deployment, but for its times."""
    monkeypatch.setattr(limits, "LIMITS", QUICK)
    with serving(app, tokens[PUBLISHER]) as served:
        yield served


@contextlib.contextmanager
def attack(served: Served) -> Iterator[tuple[list[socket.socket], list[socket.socket]]]:
    """Uploads that send a byte and wait, and heads that never end."""
    with contextlib.ExitStack() as stack:
        uploads = [
            stack.enter_context(served.begin("PUT", f"/api/datasets?name=slow{number}", b"x"))
            for number in range(SLOW_UPLOADS)
        ]
        heads = [stack.enter_context(served.connect()) for _ in range(OPEN_HEADS)]
        for number, head in enumerate(heads):
            head.sendall(b"GET / HTTP/1.1\r\nX-More: " if number % 2 else b"\r\n")
        yield uploads, heads


def until_closed(connection: socket.socket, seconds: float) -> bytes:
    """Everything until the server closes the connection, which it does within `seconds`."""
    connection.settimeout(seconds)
    answer = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            answer += piece
    return answer


def answers(connections: list[socket.socket]) -> dict[bytes, int]:
    """How many connections have an answer of each status now; b"" is none."""
    found: dict[bytes, int] = {}
    for connection in connections:
        ready, _, _ = select.select([connection], [], [], 0)
        status = connection.recv(65536).split(b" ")[1] if ready else b""
        found[status] = found.get(status, 0) + 1
    return found


def sent_at_50_kib_per_second(served: Served, size: int) -> int:
    """Send an upload slowly but honestly; if it is refused, wait as long as the answer says. Return its last status."""
    while True:
        with served.begin("PUT", "/api/datasets?name=honest", b"", length=size) as connection:
            for start in range(0, size, 5 * KIB):
                connection.sendall(b"h" * min(5 * KIB, size - start))
                time.sleep(0.1)
            answer = connection.recv(65536)
        if answer.split(b" ")[1] != b"503":
            return int(answer.split(b" ")[1])
        [seconds] = re.findall(rb"(?i)retry-after: (\d+)", answer)
        time.sleep(int(seconds))


def page_seconds(served: Served, path: str) -> float:
    began = time.monotonic()
    answer = httpx.get(f"{served.url}{path}", headers={"Authorization": f"Bearer {served.token}"}, timeout=30)
    assert answer.status_code == 200, answer.text
    return time.monotonic() - began


def test_slow_uploads_and_open_heads_delay_no_other_client(served: Served, service: QuietService) -> None:
    page_seconds(served, "/datalabs")  # what a process does once is not measured
    with attack(served) as (uploads, heads):
        for path in ("/datalabs", "/api/health", "/api/labs"):
            assert page_seconds(served, path) < 2
        with HttpService(served.url, served.token) as client:
            for source in (io.BytesIO(b"by parts"), Stream(b"in one request")):
                client.upload_dataset(source, "client.csv")  # waits for a place, as the answer says
        assert {until_closed(head, QUICK.head_seconds + 5)[9:12] for head in heads} == {b"408"}
        assert answers(uploads) == {b"408": QUICK.uploads, b"503": SLOW_UPLOADS - QUICK.uploads}
    assert [one.name for one in service.datasets()] == ["client.csv", "client.csv"]


def test_an_honest_sender_gets_a_place_among_slow_ones(served: Served, service: QuietService) -> None:
    with attack(served):
        assert sent_at_50_kib_per_second(served, 60 * KIB) == 201
    assert [(one.name, one.size) for one in service.datasets()] == [("honest", 60 * KIB)]


class Stream(io.RawIOBase):
    """A source of unknown size."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._inner = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        return self._inner.readinto(buffer)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/api/datasets?name=x", b"408"),
        ("POST", "/api/labs", b"408"),
        ("PUT", "/api/datasets", b"422"),
        ("GET", "/api/health", b"408"),
    ],
    ids=["upload", "change", "refused before its end", "page"],
)
def test_a_body_below_the_lowest_rate_ends_its_connection(
    served: Served, method: str, path: str, status: bytes
) -> None:
    """Whether the request waits for it, or was answered already."""
    began = time.monotonic()
    with served.begin(method, path, b"x", length=100_000) as connection:
        answer = b""
        connection.settimeout(0.2)
        while True:
            try:
                piece = connection.recv(65536)
            except TimeoutError:
                connection.sendall(b"x" * 100)  # half of the lowest rate
                continue
            except ConnectionResetError:
                break
            if not piece:
                break
            answer += piece
            assert time.monotonic() - began < 20
    assert answer.split(b" ")[1] == status
    assert time.monotonic() - began < QUICK.body_seconds + 3


def test_a_head_is_small(served: Served) -> None:
    with served.connect() as connection, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(b"GET / HTTP/1.1\r\n")
        for _ in range(100):
            connection.sendall(b"X-More: " + b"x" * 2000 + b"\r\n")
        assert until_closed(connection, 5)[9:12] in (b"431", b""), "the rest may break the connection before the answer"
    with served.connect() as connection:
        connection.sendall(b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-More: " + b"x" * 20_000 + b"\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200")


def test_a_connection_serves_many_requests_and_a_pipelined_head_does_not_break_an_answer(served: Served) -> None:
    head = b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with served.connect() as connection:
        for _ in range(3):
            connection.sendall(head)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(head + head + head[:20])
        answer = until_closed(connection, QUICK.head_seconds + 8)
    assert answer.count(b"HTTP/1.1 200") == 2


@pytest.mark.long
def test_a_deployment_with_its_own_limits_stands_it(world: World) -> None:
    """Both processes: the portal and Dagster's pages."""
    portal = Served(httpx.URL(portal_url(world)).port or 0, secret(world))
    dagster = Served(httpx.URL(record(world).dagster_url).port or 0, secret(world))
    pages = ((portal, "/datalabs"), (portal, "/api/health"), (dagster, "/health"), (dagster, "/runs"))
    for served, path in pages:
        page_seconds(served, path)  # the first page of a process loads its templates
    with attack(portal) as (uploads, heads), contextlib.ExitStack() as stack:
        began = time.monotonic()
        heads += [stack.enter_context(dagster.connect()) for _ in range(OPEN_HEADS)]
        bodies = [
            stack.enter_context(dagster.begin("POST", "/graphql", b"x", length=1000)) for _ in range(SLOW_UPLOADS)
        ]
        for served, path in pages:
            assert page_seconds(served, path) < 2
        while time.monotonic() - began < 35:
            time.sleep(1)
            assert page_seconds(portal, "/datalabs") < 2
        for head in heads:
            until_closed(head, 0.1)
        assert sent_at_50_kib_per_second(portal, 2 * 1024 * KIB) == 201
        assert {until_closed(body, 70)[9:12] for body in bodies} == {b"408"}
        assert answers(uploads) == {b"408": 16, b"503": 29}
