"""The portal as a server: what only shows over a real connection, such as memory, broken streams and its start."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import uvicorn
from fastapi import FastAPI

from datalab.home.settings import PortalSettings
from datalab.registry import EmbeddedPostgres
from datalab.storage.chunks import CHUNK_BYTES
from datalab_dagster.portal.limits import Limits
from datalab_dagster.portal.server import configuration
from datalab_dagster.service import ServiceUnreachable
from datalab_dagster.service.http import HttpService
from tests.portal.deployments import PUBLISHER, QuietService

MIB = 1024**2
LARGE = 480
"""MiB of a large file: several times what all parts on their way need, however the allocator keeps what it freed."""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def served(app: FastAPI, tokens: dict[str, str]) -> Iterator[HttpService]:
    """The portal of this process behind a real server."""
    port = free_port()
    server = uvicorn.Server(configuration(app, PortalSettings(port=port)))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    with HttpService(f"http://127.0.0.1:{port}", tokens[PUBLISHER]) as service:
        yield service
    server.should_exit = True
    thread.join()


def test_a_download_that_breaks_off_is_no_file(served: HttpService, service: QuietService) -> None:
    """A damaged chunk ends the answer before its announced length, and the reader says so."""
    content = secrets.token_bytes(3 * CHUNK_BYTES)
    info = served.upload_dataset(io.BytesIO(content), "ids.csv")
    [chunk] = (service._deployment.home / "store" / "uploads").glob("*/00000002-*")
    chunk.write_bytes(b"damaged" + chunk.read_bytes()[7:])
    got = 0
    with pytest.raises(ServiceUnreachable), served.download_dataset(info.manifest_hash) as file:
        while piece := file.read(MIB):
            assert piece == content[got : got + len(piece)]
            got += len(piece)
    assert got >= CHUNK_BYTES


def test_a_sender_who_goes_away_leaves_no_dataset(served: HttpService, service: QuietService) -> None:
    class Cut(io.RawIOBase):
        sent = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            if self.sent > 20 * MIB:
                raise KeyboardInterrupt
            self.sent += len(buffer)
            return len(buffer)

    with pytest.raises(KeyboardInterrupt):
        served.upload_dataset(Cut(), "ids.csv")  # type: ignore[arg-type]
    time.sleep(0.3)
    assert service.datasets() == []


@pytest.fixture
def home() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="datalab-test-"))
    yield path
    EmbeddedPostgres(path).stop()
    shutil.rmtree(path)


@pytest.mark.slow
def test_it_starts_as_a_process_and_needs_little_memory_for_large_files(home: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATALAB")}
    environment["DATALAB_HOME"] = str(home)
    port = free_port()
    command = [sys.executable, "-m", "datalab_dagster.portal", "--port", str(port)]
    log = home / "portal.log"
    said = home / "portal.out"
    with (
        log.open("wb") as out,
        said.open("wb") as told,
        subprocess.Popen(command, env=environment, stderr=out, stdout=told) as process,
    ):
        try:
            service = answering(f"http://127.0.0.1:{port}", process, log, said)
            with service:
                block = secrets.token_bytes(MIB)
                whole = hashlib.sha256()
                for _ in range(LARGE):
                    whole.update(block)
                before = settled_memory(process.pid)
                for source in (Large(block, LARGE), Pipe(block, LARGE)):
                    info = service.upload_dataset(source, "large.csv")  # type: ignore[arg-type]
                    assert info.size == LARGE * MIB
                    digest = hashlib.sha256()
                    with service.download_dataset(info.manifest_hash) as file:
                        while piece := file.read(MIB):
                            digest.update(piece)
                    assert digest.digest() == whole.digest()
                assert memory(process.pid) - before < LARGE * MIB / 2, "a file is never in memory as a whole"
        finally:
            process.terminate()
            process.wait(20)
    text = log.read_text()
    assert "PUT /api/uploads/{upload_id}/parts/{number} 200" in text
    assert "large.csv" not in text and "Traceback" not in text
    assert said.read_text().strip().rpartition("=")[2] not in text


@pytest.mark.slow
def test_it_does_not_start_for_everybody_without_a_login(home: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATALAB")}
    environment["DATALAB_HOME"] = str(home)
    command = [sys.executable, "-m", "datalab_dagster.portal", "--host", "0.0.0.0", "--port", str(free_port())]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "not started on 0.0.0.0" in ended.stderr and "datalab user add" in ended.stderr
    assert "Traceback" not in ended.stderr


class Pipe(io.RawIOBase):
    """A large source that cannot be rewound and is nowhere as a whole."""

    def __init__(self, block: bytes, count: int) -> None:
        super().__init__()
        self.block, self.size, self.position = block, len(block) * count, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        start = self.position % len(self.block)
        piece = self.block[start : start + min(len(buffer), self.size - self.position)]
        buffer[: len(piece)] = piece
        self.position += len(piece)
        return len(piece)


class Large(Pipe):
    """The same, but its size is known."""

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        return self.position


def answering(url: str, process: subprocess.Popen[bytes], log: Path, said: Path) -> HttpService:
    for _ in range(300):
        assert process.poll() is None, log.read_text()
        printed, _, secret = said.read_text().strip().partition("/?token=")
        try:
            if printed == f"Portal  {url}":
                return HttpService(url, secret)
        except ServiceUnreachable:
            pass
        finally:
            time.sleep(0.1)
    raise AssertionError(log.read_text())


def settled_memory(pid: int) -> int:
    """The memory once what is loaded beforehand is loaded: the same for two seconds."""
    last, since = memory(pid), time.monotonic()
    while time.monotonic() - since < 2:
        time.sleep(0.2)
        if abs((now := memory(pid)) - last) > MIB:
            last, since = now, time.monotonic()
    return last


def memory(pid: int) -> int:
    """The most that a process has ever had in memory."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024
    return int(psutil.Process(pid).memory_info().rss)


def test_a_sender_who_falls_silent_is_told_so_and_holds_no_place(
    served: HttpService, service: QuietService, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datalab_dagster.portal.limits.LIMITS", Limits(body_seconds=0.2))
    port = int(served._connection.where.rpartition(":")[2])
    upload = served._connection.json("POST", "/uploads", json={"name": "x", "size": 100})["uploadId"]
    for path in (f"/api/uploads/{upload}/parts/0", "/api/datasets?name=x"):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            head = f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {tokens[PUBLISHER]}\r\n"
            connection.sendall(f"{head}Content-Length: 100\r\n\r\nonly this".encode())
            answer = connection.recv(10_000)
        assert answer.startswith(b"HTTP/1.1 408 "), answer
    assert service.datasets() == []
