"""Processes that execute runs: a spare one takes exactly one run, a dead one none."""

from __future__ import annotations

import errno
import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import NullPool, create_engine, text

from datalab_dagster.definitions import build_definitions
from datalab_dagster.graph import connections
from datalab_dagster.graph.instance import open_instance
from datalab_dagster.graph.jobs import VALIDATE
from datalab_dagster.graph.runs import execute, processes, warm_up
from datalab_dagster.graph.runs import launcher as launcher_module
from datalab_dagster.graph.runs.launcher import ProcessRunLauncher
from datalab_dagster.graph.runs.processes import Spares
from resources.process import interrupt, is_alive, name_of, this_process

ECHO = "import sys; open(sys.argv[1], 'w').write(sys.stdin.readline())"


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where a spare process writes what it was handed; in place of one that loads everything."""
    path, started = tmp_path / "said", []

    def start(environment: object, argument: str, stdin: int) -> subprocess.Popen[str]:
        del environment, argument
        process = subprocess.Popen([sys.executable, "-c", ECHO, str(path)], stdin=stdin, text=True)
        started.append(process)
        return process

    monkeypatch.setattr(processes, "_start", start)
    yield path
    for process in started:
        if process.stdin and not process.stdin.closed:
            process.stdin.close()
        process.wait(10)


def test_a_spare_takes_one_run(said: Path) -> None:
    spares = Spares()
    assert spares.hand_over({}, "first") is None
    spares.provide({})
    taken = spares.hand_over({}, "second")
    assert taken is not None and taken.wait(10) == 0 and said.read_text() == "second\n"
    assert spares.hand_over({}, "third") is None


def test_a_dead_spare_is_not_relied_upon_and_replaced(said: Path) -> None:
    spares = Spares()
    spares.provide({})
    dead = spares._spare
    assert dead is not None
    dead.kill()
    dead.wait(10)
    assert spares.hand_over({}, "run") is None
    spares.provide({})
    taken = spares.hand_over({}, "run")
    assert taken is not None and taken.wait(10) == 0 and said.read_text() == "run\n"


def test_a_spare_is_loaded_when_the_run_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = ProcessRunLauncher()
    said: list[str] = []

    class Process:
        pid = 0

        def wait(self, timeout: float | None = None) -> int:
            said.append("ended" if timeout else "reaped")
            return 0

    monkeypatch.setattr(launcher, "prepare", lambda: said.append("prepared"))
    monkeypatch.setattr(ProcessRunLauncher, "instance", None)
    monkeypatch.setattr(launcher_module, "report_if_lost_with_retries", lambda *_: None)
    launcher._follow(Process(), "run-1")
    assert said == ["ended", "prepared", "reaped"]


def test_a_warm_up_runs_every_step_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ran: list[str] = []
    real = warm_up.preflight
    monkeypatch.setattr(warm_up, "preflight", lambda *given: ran.extend(real(*given).steps))
    warm_up.warm_up()
    assert set(ran) == {node.name for node in build_definitions().resolve_job_def(VALIDATE).nodes}
    assert list(tmp_path.iterdir()) == [] and capfd.readouterr() == ("", "")


def test_a_spare_takes_its_run_although_the_warm_up_failed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(execute, "warm_up", fails)
    monkeypatch.setattr("select.select", lambda *_: ([], [], []))
    monkeypatch.setattr("sys.stdin", io.StringIO("run-1\n"))
    assert execute._handed_over() == "run-1"
    assert "No space left" in capfd.readouterr().err


def test_a_connection_that_was_lost_while_unused_is_replaced(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_SURE_SECONDS", 0.0)
    with open_instance({"DATALAB_POSTGRES_URL": url, "DATALAB_HOME": str(tmp_path)}) as instance:
        assert instance.get_runs_count() == 0
        other = create_engine(url, poolclass=NullPool)
        with other.connect() as connection:
            ended = connection.scalar(
                text(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        assert ended
        assert instance.get_runs_count() == 0


def test_a_process_with_the_same_number_is_not_taken_for_it() -> None:
    number, _, rest = this_process().partition(":")
    started, _, host = rest.partition("@")
    earlier = f"{float(started) - 60:.2f}"
    assert is_alive(f"{number}:{started}@{host}") and not is_alive(f"{number}:{earlier}@{host}")
    assert is_alive(f"{number}:{started}") and not is_alive(f"{number}:{earlier}"), "as earlier versions wrote it"


def test_a_process_of_a_container_is_not_taken_for_one_of_this_host() -> None:
    """Its number means another process here, which must neither count for it nor be interrupted."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        name = name_of(psutil.Process(process.pid))
        of_container = name.partition("@")[0] + "@0d1c2b3a4f5e"
        assert is_alive("1:0.00@0d1c2b3a4f5e") and not interrupt(of_container) and process.poll() is None
        assert interrupt(name) and process.wait(10) != 0 and not interrupt(name)
    finally:
        process.kill()
