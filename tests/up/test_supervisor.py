"""The supervisor with real processes: starting, starting again, giving up, and leaving nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from datalab.home import up as record
from tests.commands import environment
from tests.up.processes import MARK, PATIENCE, free_port, marked, mode_of, within

ROOT = Path(__file__).parents[2]
Services = dict[str, tuple[int, list[str], list[str]]]


@dataclass
class Driven:
    """A supervisor in a process of its own."""

    process: subprocess.Popen[str]
    home: Path
    mark: str
    output: Path

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def pids(self) -> dict[str, int]:
        found = record.running(self.home)
        return {child.name: child.pid for child in found.children} if found else {}

    def waits_for(self, text: str, seconds: float = PATIENCE) -> None:
        assert within(seconds, lambda: text in self.said), self.said

    def ended(self, seconds: float = PATIENCE) -> int:
        return self.process.wait(seconds)

    def leaves_nothing(self, seconds: float = 5) -> bool:
        return within(seconds, lambda: not marked(self.mark))


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Callable[..., Driven]]:
    """Starts a supervisor; whatever is left of it is killed after the test."""
    mark = uuid.uuid4().hex

    def start(services: Services, **extra: str) -> Driven:
        output, home = tmp_path / f"output-{uuid.uuid4().hex}", str(tmp_path / "home")
        with output.open("w") as target:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.up.driver", home, json.dumps(services)],
                cwd=ROOT,
                env=environment(**{MARK: mark, "PYTHONPATH": str(ROOT), "DATALAB_HOME": home}, **extra),
                stdout=target,
                stderr=target,
            )
        started.append(process)
        return Driven(process, tmp_path / "home", mark, output)

    started: list[subprocess.Popen[str]] = []
    yield start
    for process in marked(mark):
        process.kill()
    for process in started:
        process.wait()


def one(*words: str) -> Services:
    return {"first": (free_port(), list(words), [])}


def test_a_service_starts_when_those_before_it_answer(drive: Callable[..., Driven]) -> None:
    driven = drive({"second": (free_port(), [], ["first"]), "first": (free_port(), [], [])})
    driven.waits_for("answered")
    pids = driven.pids
    assert list(pids) == ["first", "second"]
    assert psutil.Process(pids["first"]).create_time() < psutil.Process(pids["second"]).create_time()
    assert mode_of(driven.home / "up.json") == mode_of(driven.home / "logs" / "first.log") == 0o600


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything(drive: Callable[..., Driven], number: signal.Signals) -> None:
    driven = drive({"first": (free_port(), [], []), "second": (free_port(), [], [])})
    driven.waits_for("answered")
    assert len(marked(driven.mark)) == 3
    driven.process.send_signal(number)
    assert driven.ended() == 0 and "had to be killed" not in driven.said
    assert driven.leaves_nothing() and not (driven.home / "up.json").exists()


def test_a_process_that_wants_no_end_and_whose_parent_ended_is_killed(
    drive: Callable[..., Driven], tmp_path: Path
) -> None:
    driven = drive(one("orphan"), STUBBORN=str(tmp_path / "stubborn"))
    driven.waits_for("answered")
    assert within(PATIENCE, (tmp_path / "stubborn").exists)
    assert len(marked(driven.mark)) == 3
    driven.process.terminate()
    time.sleep(1)
    driven.process.terminate()  # once more: no more waiting
    assert driven.ended() == 0
    assert driven.leaves_nothing() and "1 process did not end and had to be killed" in driven.said


def test_what_is_killed_is_started_again(drive: Callable[..., Driven]) -> None:
    driven = drive(one())
    driven.waits_for("answered")
    before = driven.pids["first"]
    os.kill(before, signal.SIGKILL)
    driven.waits_for("first ended unexpectedly by SIGKILL")
    assert within(PATIENCE, lambda: driven.pids.get("first") != before and psutil.pid_exists(driven.pids["first"]))
    assert not psutil.pid_exists(before)
    assert driven.said.count("answered") == 1


def test_what_ends_again_and_again_is_given_up_with_all_others(drive: Callable[..., Driven]) -> None:
    driven = drive({"good": (free_port(), [], []), "bad": (free_port(), ["fail"], [])})
    assert driven.ended() == 3
    assert driven.said.count("bad ended unexpectedly with exit code 1") == 2
    assert "bad ended 3 times in a row" in driven.said and str(driven.home / "logs" / "bad.log") in driven.said
    assert (driven.home / "logs" / "bad.log").read_text().count("something is wrong") == 3
    assert driven.leaves_nothing()


def test_what_never_answers_is_given_up(drive: Callable[..., Driven]) -> None:
    driven = drive(one("deaf"), START_SECONDS="1")
    assert driven.ended() == 3 and "first did not answer for 1 s" in driven.said
    assert driven.leaves_nothing()


def test_a_killed_supervisor_takes_its_processes_with_it(drive: Callable[..., Driven]) -> None:
    driven = drive(one())
    driven.waits_for("answered")
    driven.process.kill()
    driven.ended()
    assert driven.leaves_nothing()
    assert record.running(driven.home) is None and record.left_record(driven.home) is not None


def test_the_next_one_sweeps_what_a_killed_one_has_left(drive: Callable[..., Driven], tmp_path: Path) -> None:
    driven = drive(one("stubborn"), STUBBORN=str(tmp_path / "stubborn"))
    assert within(PATIENCE, (tmp_path / "stubborn").exists)
    left = driven.pids["first"]
    driven.process.kill()
    driven.ended()
    assert psutil.pid_exists(left)
    again = drive(one())
    again.waits_for("swept 1", 20)
    again.waits_for("answered")
    assert not psutil.pid_exists(left)


def test_a_signal_stops_it_whatever_it_does_at_that_moment(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.up.stopped_often", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, env=environment(PYTHONPATH=str(ROOT)), check=True, timeout=PATIENCE)
