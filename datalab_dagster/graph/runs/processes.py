"""Processes that execute runs, started on demand or kept ready, because loading takes longer than a small run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from datalab.home.directory import home_directory
from datalab.home.forks import ForkRequest, fork
from datalab.home.logs import log_file, open_log

EXECUTE = "datalab_dagster.graph.runs.execute"
LOG_NAME = "runs"
BEGIN, WAIT = "--begin", "--wait"
QUEUED = 3
"""Exit code: the run is not executed by this process, but waits for the daemon of another host."""
_FOLDER = Path(__file__).parents[3]


def start_process(environment: Mapping[str, str], run_id: str) -> subprocess.Popen[str]:
    """Start a process that executes one run, in a separate session: it outlives its parent.

    Raises:
        OSError: the machine refuses.
    """
    return _start(environment, run_id, subprocess.DEVNULL)


@dataclass(frozen=True)
class RunRequest:
    """A run for a separate process to create and execute; the caller does not load Dagster for it."""

    run_id: str
    changed: tuple[str, ...]
    """Datasets to validate again; datasets that were never validated are added."""
    by: str


def begin_process(environment: Mapping[str, str], request: RunRequest) -> subprocess.Popen[str]:
    """Start a process that creates the run of `request` and executes it, or leaves it to the daemon of another host.

    Raises:
        OSError: the machine refuses.
    """
    process = _start(environment, BEGIN, subprocess.PIPE)
    assert process.stdin is not None
    with process.stdin as line:
        line.write(json.dumps(asdict(request)) + "\n")
    return process


class Process(Protocol):
    """A process that executes a run."""

    pid: int

    def wait(self, timeout: float | None = None) -> int: ...


class Forks:
    """Processes that are forks of the fork server of `datalab up`, which has loaded everything."""

    def provide(self, environment: Mapping[str, str]) -> None:
        """Do nothing: a fork takes no time."""

    def hand_over(self, environment: Mapping[str, str], run_id: str) -> Process | None:
        """Start a process that executes a run and return it; None if no fork server answers.

        Raises:
            OSError: the machine refuses.
        """
        home = home_directory(environment)
        request = ForkRequest(EXECUTE, (run_id,), environment, str(_FOLDER), "datalab-run")
        with os.fdopen(open_log(log_file(home, LOG_NAME)), "w") as errors, Path(os.devnull).open("w") as nothing:
            return fork(home, request, (nothing.fileno(), errors.fileno()))


class Spares:
    """Where there are no forks: one process that has loaded everything and waits for a run; it ends with its owner."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spare: subprocess.Popen[str] | None = None

    def provide(self, environment: Mapping[str, str]) -> None:
        """Start a spare process unless one waits.

        Raises:
            OSError: the machine refuses.
        """
        with self._lock:
            if self._spare is None or self._spare.poll() is not None:
                self._spare = _start(environment, WAIT, subprocess.PIPE)

    def hand_over(self, environment: Mapping[str, str], run_id: str) -> Process | None:
        """Pass a run to the spare process and return the process; None if there is none."""
        del environment  # it has that of its start
        with self._lock:
            spare, self._spare = self._spare, None
        if spare is None or spare.stdin is None or spare.poll() is not None:
            return None
        try:
            spare.stdin.write(f"{run_id}\n")
            spare.stdin.close()
        except OSError:
            return None
        return spare


def _start(environment: Mapping[str, str], argument: str, stdin: int) -> subprocess.Popen[str]:
    with os.fdopen(open_log(log_file(home_directory(environment), LOG_NAME)), "w") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", EXECUTE, argument],
            env=dict(environment),
            cwd=_FOLDER,
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            text=True,
        )
