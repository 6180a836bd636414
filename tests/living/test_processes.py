"""Processes that execute runs: a spare one takes exactly one run, a dead one none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from datalab_dagster.runs import processes
from datalab_dagster.runs.processes import Spares
from resources.process import is_alive, this_process

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
    assert spares.hand_over("first") is None
    spares.provide({})
    taken = spares.hand_over("second")
    assert taken is not None and taken.wait(10) == 0 and said.read_text() == "second\n"
    assert spares.hand_over("third") is None


def test_a_dead_spare_is_not_relied_upon_and_replaced(said: Path) -> None:
    spares = Spares()
    spares.provide({})
    dead = spares._spare
    assert dead is not None
    dead.kill()
    dead.wait(10)
    assert spares.hand_over("run") is None
    spares.provide({})
    taken = spares.hand_over("run")
    assert taken is not None and taken.wait(10) == 0 and said.read_text() == "run\n"


def test_a_process_with_the_same_number_is_not_taken_for_it() -> None:
    number, _, started = this_process().partition(":")
    assert is_alive(f"{number}:{started}") and not is_alive(f"{number}:{float(started) - 60:.2f}")
