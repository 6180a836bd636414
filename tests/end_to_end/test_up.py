"""`datalab up` as operators run it: one command, real processes, killed in every way, and nothing left at the end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from datalab.home.up import UpRecord, running
from datalab.registry import EmbeddedPostgres
from datalab_dagster.up import health
from tests.commands import COMMAND, Ended, environment
from tests.up.processes import PATIENCE, free_port, marked, mode_of, within

START_SECONDS = 120


@dataclass
class Home:
    """A home directory and the `datalab up` on it."""

    path: Path
    port: int = field(default_factory=free_port)
    portal_port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        return environment(DATALAB_HOME=str(self.path), DATALAB_USER="me@publisher.example")

    @property
    def output(self) -> Path:
        return self.path.with_name(f"{self.path.name}.out")

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def record(self) -> UpRecord:
        found = running(self.path)
        assert found is not None, self.said
        return found

    def pid(self, name: str) -> int:
        return next(child.pid for child in self.record.children if child.name == name)

    def up(self) -> None:
        """Start `datalab up` and wait until it says that the lab is running."""
        ports = ["--port", str(self.port), "--portal-port", str(self.portal_port)]
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [COMMAND, "up", *ports], env=self.environment, stdout=output, stderr=output, text=True
            )
        running = within(START_SECONDS, lambda: "Data Lab is running" in self.said or self.process.poll() is not None)  # type: ignore[union-attr]
        assert running and self.process.poll() is None, self.said

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(40)

    def run(self, *arguments: str | Path) -> Ended:
        """Run another command on this home."""
        ended = subprocess.run(
            [COMMAND, *map(str, arguments)], env=self.environment, capture_output=True, text=True, timeout=120
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def create_lab(self, name: str, folder: Path) -> None:
        (folder / "LAB.json").write_text(
            '{"numIdentifiersColumns": 1, '
            '"identifiersConfig": [{"idName": "userId", "idType": "STRING", "isMatchingId": true}]}'
        )
        assert self.run("lab", "create", folder / "LAB.json", "--name", name).code == 0

    @property
    def labs(self) -> list[str]:
        return [lab["name"] for lab in self.run("lab", "list", "--json").json]

    @property
    def serves(self) -> bool:
        return health.dagster_serves("127.0.0.1", self.port) and health.serves("127.0.0.1", self.portal_port)

    @property
    def processes(self) -> list[psutil.Process]:
        return marked(str(self.path), "DATALAB_HOME")

    @property
    def database(self) -> int | None:
        """The process of the database under the home."""
        lines = EmbeddedPostgres(self.path)._recorded()
        return int(lines[0]) if lines else None


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """Where `datalab up` runs; beside pytest's directories, which others may not pass."""
    home = Home(Path(tempfile.mkdtemp(prefix="datalab-test-")) / "home")
    try:
        home.up()
        yield home
    finally:
        for process in home.processes:
            process.kill()
        if home.process is not None:
            home.process.wait()
        EmbeddedPostgres(home.path).stop()
        shutil.rmtree(home.path.parent)


def test_tells_the_addresses_when_they_answer(home: Home) -> None:
    assert f"http://127.0.0.1:{home.port}" in home.said and f"http://127.0.0.1:{home.portal_port}" in home.said
    assert home.serves
    assert home.record.dagster_url == f"http://127.0.0.1:{home.port}"
    assert health.daemon_works("127.0.0.1", home.port, since=home.record.children[0].created)


def test_record_and_logs_are_private(home: Home) -> None:
    assert mode_of(home.path / "up.json") == 0o600
    logs = list((home.path / "logs").iterdir())
    assert {"code-server.log", "dagster-daemon.log", "dagster-webserver.log", "portal.log"} <= {
        log.name for log in logs
    }
    assert {mode_of(log) for log in logs} == {0o600} and mode_of(home.path / "logs") == 0o700


def test_a_second_one_says_that_one_is_running_and_where(home: Home) -> None:
    ended = home.run("up")
    assert ended.code == 2
    assert f"process {home.record.pid}" in ended.err and home.record.dagster_url in ended.err
    assert home.serves


def test_a_taken_port_is_named_with_its_option(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "home", port=home.port)
    ended = other.run("up", "--port", str(other.port), "--portal-port", str(other.portal_port))
    assert ended.code == 2 and f"port {home.port}" in ended.err and "--port" in ended.err
    assert not (tmp_path / "home" / "postgres").exists() and not (tmp_path / "home" / "up.json").exists()


@pytest.mark.long
@pytest.mark.parametrize("name", ["portal", "dagster-daemon", "code-server", "dagster-webserver"])
def test_what_is_killed_comes_back(home: Home, name: str) -> None:
    before, moment = home.pid(name), time.time()
    os.kill(before, signal.SIGKILL)
    assert within(PATIENCE, lambda: home.pid(name) != before), home.said
    assert f"{name} ended unexpectedly by SIGKILL" in home.said
    works = {
        "portal": lambda: health.serves("127.0.0.1", home.portal_port),
        "dagster-daemon": lambda: health.daemon_works("127.0.0.1", home.port, since=moment),
        "code-server": lambda: health.listens(home.path / "run" / "code.sock"),
        "dagster-webserver": lambda: health.dagster_serves("127.0.0.1", home.port),
    }
    assert within(START_SECONDS, works[name]), home.said


@pytest.mark.long
def test_a_killed_database_comes_back_with_what_it_held(home: Home, tmp_path: Path) -> None:
    home.create_lab("Kept", tmp_path)
    before = home.database
    assert before is not None
    os.kill(before, signal.SIGKILL)
    assert within(PATIENCE, lambda: "The database is back." in home.said), home.said
    assert home.database != before
    assert "Kept" in home.labs
    assert within(START_SECONDS, lambda: home.serves), home.said


def test_a_signal_ends_everything_and_everything_is_there_again(home: Home, tmp_path: Path) -> None:
    home.create_lab("Stays", tmp_path)
    assert home.end(signal.SIGTERM) == 0
    assert home.processes == [] and not (home.path / "up.json").exists()
    assert not EmbeddedPostgres(home.path).running()
    assert home.said.rstrip().endswith("Stopped; everything is kept.")
    home.up()
    assert "Stays" in home.labs


@pytest.mark.long
def test_a_killed_up_takes_its_processes_along_and_the_next_one_its_database(home: Home) -> None:
    assert home.process is not None
    home.process.kill()
    home.process.wait()
    assert within(PATIENCE, lambda: {process.name() for process in home.processes} <= {"postgres"}), home.processes
    assert running(home.path) is None and EmbeddedPostgres(home.path).running()
    home.up()
    assert home.serves
    assert home.end() == 0
    assert home.processes == [] and not EmbeddedPostgres(home.path).running()
