"""What the benchmark of a living lab says of processes: CPU of ended children, memory by name."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import NullPool, create_engine

from benchmarks.living.deployment import DATABASE, Deployment, cpu_seconds
from benchmarks.living.idle import Idle, idle
from datalab.registry import EmbeddedPostgres

BUSY = "import time\nwhile time.process_time() < 0.3: pass"
PARENT = (
    f"import subprocess, sys, time\nsubprocess.run([sys.executable, '-c', {BUSY!r}])\nprint(flush=True)\ntime.sleep(60)"
)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="datalab-test-"))
    server = EmbeddedPostgres(directory)
    server.start()
    yield directory
    server.stop()


def test_the_cpu_of_ended_children_counts(home: Path) -> None:
    environment = {"DATALAB_HOME": str(home)}
    with subprocess.Popen([sys.executable, "-c", PARENT], env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        used = Deployment(home).used()
        process.kill()
    assert used[Path(sys.executable).name].cpu_seconds >= 0.3
    assert used[DATABASE].pss_bytes > 1_000_000


def test_other_processes_do_not_count(home: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], env={"DATALAB_HOME": f"{home}x"}, stdin=subprocess.PIPE):
        assert set(Deployment(home).used()) == {DATABASE}
    assert cpu_seconds([psutil.Process()]) > 0


def test_connections_of_others_are_counted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = create_engine(EmbeddedPostgres(home).url, poolclass=NullPool)

    def connect(_: float) -> None:
        for _ in range(7):
            engine.connect().close()

    monkeypatch.setattr("time.sleep", connect)
    assert idle(Deployment(home), 0).connections == 7


def test_a_share_of_a_core_is_that_of_all_processes() -> None:
    assert Idle(60.0, {"up": 6.0, "spare": -1.2, DATABASE: 1.2}, {}, 0).cores == pytest.approx(0.1)
