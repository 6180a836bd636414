"""One process that `up` starts, watches and stops: its command, its log, when it is started again; not which ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from datalab.formats import duration
from datalab.home.logs import open_log
from datalab.home.up import Child
from datalab_dagster.up.errors import ServiceKeepsEnding


@dataclass(frozen=True)
class Service:
    """What is to run."""

    name: str
    module: str
    """Run as `python -m`."""
    arguments: tuple[str, ...]
    answers: Callable[[], bool]
    """Whether it can be used now."""
    after: tuple[str, ...] = ()
    """Services that must answer before it is started for the first time."""
    prepare: Callable[[], None] = field(default=lambda: None)
    """Done before every start."""


@dataclass(frozen=True)
class Patience:
    """How long and how often."""

    pause: float = 1.0
    """Seconds before the first new start; twice as long before each further one."""
    ends: int = 5
    """So many ends in a row are too many."""
    healthy: float = 60.0
    """Who ran so many seconds has started well; what ended before is forgotten."""
    start: float = 120.0
    """Within so many seconds a process must answer for the first time."""


class Running:
    """One service and its process, of which there is at most one.

    Args:
        service: what is to run.
        environment: of the process.
        log: where its output goes.
        parent: reading end of the pipe that tells it when `up` ends.
        patience: with its ends.
    """

    def __init__(
        self, service: Service, environment: Mapping[str, str], log: Path, parent: int, patience: Patience
    ) -> None:
        self.service = service
        self.log = log
        self.has_answered = False
        self._environment = dict(environment)
        self._parent = parent
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._first_start = 0.0
        self._ends = 0
        self._due = 0.0

    @property
    def is_due(self) -> bool:
        """Whether it does not run and should be started now."""
        return self._process is None and time.monotonic() >= self._due

    @property
    def runs(self) -> bool:
        """Whether its process was started and has not been found ended."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> Child:
        """Start it, in a session of its own, and return what is to be recorded."""
        self.service.prepare()
        log = open_log(self.log)
        guard = ["-m", "datalab_dagster.up.guard", str(self._parent)]
        try:
            self._process = subprocess.Popen(
                [sys.executable, *guard, self.service.module, *self.service.arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(self._parent,),
                start_new_session=True,
            )
        finally:
            os.close(log)
        self._started = time.monotonic()
        self._first_start = self._first_start or self._started
        return Child(self.service.name, self._process.pid, _created(self._process.pid))

    def look(self, *, excused: bool = False) -> str | None:
        """See whether it still runs and, at first, answers; return a sentence when it has ended.

        Args:
            excused: its end has a cause elsewhere, such as the database, and does not count.

        Raises:
            ServiceKeepsEnding: it ended too often, or does not begin to answer.
        """
        if self._process is None:
            return None
        code = self._process.poll()
        if code is None:
            self._see_answer()
            return None
        self._process = None
        if time.monotonic() - self._started >= self._patience.healthy:
            self._ends = 0
        self._ends += not excused
        if self._ends >= self._patience.ends:
            raise ServiceKeepsEnding(self.service.name, f"ended {self._ends} times in a row", self.log)
        pause = self._patience.pause * 2.0 ** max(self._ends - 1, 0)
        self._due = time.monotonic() + pause
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        again = f"it is started again in {duration(round(pause))}"
        return f"{self.service.name} ended unexpectedly {how}; {again}. Log: {self.log}"

    def _see_answer(self) -> None:
        if self.has_answered:
            return
        self.has_answered = self.service.answers()
        if not self.has_answered and time.monotonic() - self._first_start > self._patience.start:
            raise ServiceKeepsEnding(
                self.service.name, f"did not answer for {duration(round(self._patience.start))}", self.log
            )


def _created(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return 0.0
