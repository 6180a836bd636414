"""The fork server: what its forks are, what they do not share, and what happens when one of both sides is gone."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest

from datalab.home.forks import Forked, ForkRequest, fork
from datalab.home.sockets import FORKS, socket_file
from datalab_dagster.up.plan import LOADED
from tests.up.processes import PATIENCE, within

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks a loaded process")
ROOT = Path(__file__).parents[2]


@dataclass
class Server:
    """A fork server that loads hardly anything, or all that `up` lets it load."""

    home: Path
    process: subprocess.Popen[bytes]
    pipe: int
    """Closed when `up` ends."""

    def ask(self, *arguments: str, descriptors: tuple[int, ...] = (), **environment: str) -> Forked | None:
        request = ForkRequest("tests.up.forked", arguments, {**os.environ, **environment}, str(ROOT), "datalab-run")
        with (self.home / "out").open("ab") as out, (self.home / "errors").open("ab") as errors:
            return fork(self.home, request, (out.fileno(), errors.fileno(), *descriptors))

    def says(self, name: str) -> dict[str, Any]:
        file = self.home / name
        assert within(PATIENCE, file.exists)
        found: dict[str, Any] = json.loads(file.read_text())
        return found


def started(home: Path, *modules: str, before: str = "") -> Server:
    home.mkdir(exist_ok=True)
    reading, writing = os.pipe()
    path = socket_file(home, FORKS)
    code = f"{before}\nfrom datalab_dagster.graph.forks import main\nfrom pathlib import Path\n"
    code += f"main({reading}, Path({str(path)!r}), {list(modules)!r})"
    process = subprocess.Popen([sys.executable, "-c", code], pass_fds=(reading,), cwd=ROOT)
    os.close(reading)
    assert within(PATIENCE, path.exists)
    return Server(home, process, writing)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = started(tmp_path_factory.mktemp("forks") / "home")
    yield server
    server.process.kill()
    server.process.wait()


def test_a_fork_runs_a_module_as_a_process_of_its_own(server: Server) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"piped")
    forked = server.ask(str(server.home / "one"), "0", descriptors=(reading,), PLANTED="here")
    assert forked is not None and psutil.Process(forked.pid).parent() != psutil.Process(server.process.pid)
    said = server.says("one")
    assert said["arguments"][2:] == [str(server.home / "one"), "0"] and said["read"] == ["piped"]
    assert said["arguments"][0].endswith("tests/up/forked.py")
    assert said["environment"]["PLANTED"] == "here" and said["folder"] == str(ROOT)
    assert said["is_leader"] and said["name"] == "datalab-run" and said["threads"] == 1
    forked.wait(PATIENCE)
    assert (server.home / "out").read_text() == "printed\n"
    assert (server.home / "errors").read_text() == "complained\n"


def test_the_environment_of_this_process_may_be_given_as_it_is(server: Server) -> None:
    request = ForkRequest("tests.up.forked", (str(server.home / "own"), "0"), os.environ, str(ROOT), "datalab-run")
    with (server.home / "out").open("ab") as out:
        assert fork(server.home, request, (out.fileno(), out.fileno())) is not None
    assert server.says("own")["environment"] == dict(os.environ)


def test_no_two_forks_draw_the_same_numbers(server: Server) -> None:
    drawn = []
    for name in ("two", "three"):
        assert server.ask(str(server.home / name), "0") is not None
        drawn.append(server.says(name)["random"])
    assert all(one != other for one, other in zip(*drawn, strict=True))


def test_who_adopts_orphans_knows_the_exit_code(tmp_path: Path) -> None:
    """As `up` does: the server and its forks below it."""
    code = f"""
import sys
from pathlib import Path
from datalab_dagster.up.processes import adopt_orphans
from tests.up.test_forks import started
adopt_orphans()
server = started(Path({str(tmp_path / "home")!r}))
forked = server.ask({str(tmp_path / "said")!r}, "7")
print(forked.wait(60))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "7", done.stderr


def test_whoever_asked_and_is_gone_gets_no_process(server: Server) -> None:
    request = {"module": "tests.up.forked", "arguments": [str(server.home / "never"), "0"], "environment": {}}
    with socket.socket(socket.AF_UNIX) as client, (server.home / "out").open("ab") as out:
        client.connect(str(socket_file(server.home, FORKS)))
        socket.send_fds(client, [b"\n"], [out.fileno(), out.fileno()])
        client.sendall(json.dumps({**request, "folder": "/", "title": "x"}).encode() + b"\n")
        pid = json.loads(client.recv(100))["pid"]
        assert psutil.pid_exists(pid)
    assert within(PATIENCE, lambda: not psutil.pid_exists(pid))
    assert not (server.home / "never").exists() and server.ask(str(server.home / "next"), "0") is not None


@pytest.mark.parametrize("said", [b"", b"\n", b"\n{", b"\nnonsense\n"])
def test_nonsense_ends_no_server(server: Server, said: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(socket_file(server.home, FORKS)))
        client.sendall(said)
    name = f"after-{len(said)}"
    assert server.ask(str(server.home / name), "0") is not None and server.says(name)


@pytest.mark.parametrize("refused", [1, 2])
def test_a_machine_that_refuses_a_process_says_so(tmp_path: Path, refused: int) -> None:
    """In the server, or in the process between it and the fork."""
    before = f"""
import errno, os
real, count = os.fork, [0]
def fork():
    count[0] += 1
    if count[0] == {refused}:
        raise OSError(errno.EAGAIN, "no more processes")
    return real()
os.fork = fork
"""
    server = started(tmp_path / "home", before=before)
    with pytest.raises(BlockingIOError):
        server.ask(str(tmp_path / "said"), "0")
    server.process.kill()
    server.process.wait()


def test_forks_outlive_their_server_and_none_is_made_without_one(tmp_path: Path) -> None:
    server = started(tmp_path / "home")
    reading, writing = os.pipe()
    forked = server.ask(str(tmp_path / "said"), "0", descriptors=(reading,))
    assert forked is not None and forked.poll() is None
    server.process.kill()
    server.process.wait()
    assert server.ask(str(tmp_path / "other"), "0") is None
    with pytest.raises(subprocess.TimeoutExpired):
        forked.wait(0.2)
    os.write(writing, b"hello")
    assert server.says("../said")["read"] == ["hello"] and forked.wait(PATIENCE) == 0


def test_the_server_ends_with_up(tmp_path: Path) -> None:
    server = started(tmp_path / "home")
    assert server.ask(str(tmp_path / "said"), "0") is not None
    os.close(server.pipe)
    assert server.process.wait(PATIENCE) == 0


def test_only_arrow_has_threads_and_nothing_a_connection_before_a_fork(tmp_path: Path) -> None:
    """Arrow makes new threads in a fork; those of DuckDB, gRPC or a pool of connections would be missing there."""
    server = started(tmp_path / "home", *LOADED)
    try:
        process = psutil.Process(server.process.pid)
        assert server.ask(str(tmp_path / "said"), "0") is not None, "it has loaded everything"
        assert [thread.id for thread in process.threads()] == [process.pid]
        assert server.says("../said")["threads"] == 1
        loaded = process.cpu_times().user
        assert within(PATIENCE, lambda: process.cpu_times().user > loaded + 1 and is_asleep(process)), "it runs a lab"
        assert len(process.threads()) <= 1 + pa.cpu_count()
        assert [one.family for one in process.net_connections("all")] == [socket.AF_UNIX], "where it listens"
    finally:
        server.process.kill()
        server.process.wait()


def is_asleep(process: psutil.Process) -> bool:
    """Whether it has done nothing for a second."""
    before = process.cpu_times()
    time.sleep(1)
    return process.cpu_times() == before
