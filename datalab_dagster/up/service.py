"""One process of `up`: its command, its log, its restarts. `datalab_dagster.up.plan` says which processes there are."""

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
from datalab.home.directory import home_directory
from datalab.home.forks import Forked, ForkRequest, fork
from datalab.home.logs import open_log
from datalab.home.up import Child
from datalab_dagster.up.errors import ServiceKeepsEnding

_GUARD = "datalab_dagster.up.guard"


@dataclass(frozen=True)
class Service:
    """A process to run."""

    name: str
    module: str
    """The arguments of `python -m`."""
    arguments: tuple[str, ...]
    answers: Callable[[], bool]
    """Returns whether it can be used now."""
    after: tuple[str, ...] = ()
    """Services that must answer before its first start."""
    prepare: Callable[[], None] = field(default=lambda: None)
    """Called before every start."""
    is_forked: bool = True
    """Whether it is a fork of the fork server, where there is one; if not, it takes the pipe of `up` itself."""


@dataclass(frozen=True)
class Patience:
    """Limits for waiting and restarting."""

    pause: float = 1.0
    """Seconds before the first restart; the time doubles before each further one."""
    ends: int = 5
    """Maximum number of unexpected ends in a row."""
    healthy: float = 60.0
    """After how many seconds of running earlier ends no longer count."""
    start: float = 120.0
    """Maximum seconds until a process first answers."""


class Running:
    """One service and its process, of which there is at most one.

    Args:
        service: the process to run.
        environment: of the process.
        log: the file for its output.
        parent: reading end of the pipe that is closed when `up` ends.
        patience: limits for waiting and restarting.
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
        self._process: subprocess.Popen[bytes] | Forked | None = None
        self._started = 0.0
        self._first_start = 0.0
        self._ends = 0
        self._due = 0.0

    @property
    def is_due(self) -> bool:
        """Return whether it does not run and should be started now."""
        return self._process is None and time.monotonic() >= self._due

    @property
    def runs(self) -> bool:
        """Return whether its process was started and has not ended, as far as `check` found."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> Child:
        """Start it in a separate session, and return the entry for the record."""
        self.service.prepare()
        log = open_log(self.log)
        try:
            self._process = self._forked(log) or self._started_alone(log)
        finally:
            os.close(log)
        self._started = time.monotonic()
        self._first_start = self._first_start or self._started
        return Child(self.service.name, self._process.pid, _created(self._process.pid))

    def _forked(self, log: int) -> Forked | None:
        """Return a fork with the module loaded; None if it must be none, or no fork server answers."""
        if not self.service.is_forked:
            return None
        command = (self.service.module, *self.service.arguments)
        request = ForkRequest(_GUARD, command, self._environment, str(Path.cwd()), self.service.name)
        return fork(home_directory(self._environment), request, (log, log, self._parent))

    def _started_alone(self, log: int) -> subprocess.Popen[bytes]:
        command = [self.service.module, str(self._parent), *self.service.arguments]
        if self.service.is_forked:
            command = [_GUARD, str(self._parent), self.service.module, *self.service.arguments]
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(self._parent,),
            start_new_session=True,
        )

    def look(self, *, excused: bool = False) -> str | None:
        """Check that it still runs and, after its start, answers; return a message if it has ended.

        Args:
            excused: its end has another cause, such as the database, and does not count.

        Raises:
            ServiceKeepsEnding: it ended too often, or never answered.
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
        again = f"it is restarted in {duration(round(pause))}"
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
