"""Starts services in order, waits until they answer, restarts those that end, and stops all of them."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from datalab.home.directory import scratch_places
from datalab.home.logs import log_directory, log_file, rotate
from datalab.home.up import UpRecord, write_record
from datalab.scratch import sweep, why
from datalab_dagster.up import processes
from datalab_dagster.up.database import WatchedDatabase
from datalab_dagster.up.service import Patience, Running, Service

_TURN_SECONDS = 0.2
_TIDY_SECONDS = 5.0
_GRACE_SECONDS = 10.0
_SAME_WISH_SECONDS = 0.5
"""Ctrl-C reaches the whole process group: a script that repeats it within this time does not mean a second one."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """Runs services until a signal arrives; leaves no process behind.

    Args:
        home: contains the logs and the record.
        services: in the order of their start.
        environment: of every process.
        record: of this `up`; every process is added to it.
        database: checked before an end counts against a service.
        say: prints a message.
        patience: limits for waiting and restarting.
    """

    def __init__(
        self,
        home: Path,
        services: Sequence[Service],
        environment: Mapping[str, str],
        record: UpRecord,
        database: WatchedDatabase,
        say: Callable[[str], None],
        patience: Patience | None = None,
    ) -> None:
        self._home = home
        self._database = database
        self._record = record
        self._is_recorded = True
        self._say = say
        self._signals = 0
        self._last_signal = -math.inf
        self._reading, self._writing = os.pipe()
        patience = patience or Patience()
        self._running = [
            Running(service, environment, log_file(home, service.name), self._reading, patience) for service in services
        ]

    def run(self, answered: Callable[[], None]) -> None:
        """Start everything, call `answered` when all answer, and watch until SIGINT, SIGTERM or SIGHUP.

        Raises:
            ServiceKeepsEnding, DatabaseKeepsEnding: restarting failed too often; everything is stopped.
        """
        with ExitStack() as stack:
            for number in _SIGNALS:
                stack.callback(signal.signal, number, signal.signal(number, self._on_signal))
            stack.callback(self._close)
            processes.adopt_orphans()
            stack.callback(self._stop)
            self._watch(answered)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Count the signal, and nothing else: this interrupts the loop anywhere, also where it holds a lock."""
        del number, frame
        if time.monotonic() - self._last_signal > _SAME_WISH_SECONDS:
            self._signals += 1
        self._last_signal = time.monotonic()

    # ------------------------------------------------------------------------------------------------ watching

    def _watch(self, answered: Callable[[], None]) -> None:
        told = False
        tidied = -math.inf
        while not self._signals:
            self._database.check()
            for running in self._running:
                if ended := running.look(excused=self._database.is_down):
                    self._say(ended)
            for running in self._running:
                if running.is_due and self._may_start(running) and not self._database.is_down:
                    self._record = self._record.with_child(running.start())
                    self._write_record()
            if not told and all(running.has_answered for running in self._running):
                told = True
                answered()
            if time.monotonic() - tidied > _TIDY_SECONDS:
                tidied = time.monotonic()
                if not self._is_recorded:
                    self._write_record()
                processes.reap(pid for running in self._running if (pid := running.pid))
                for place in scratch_places(self._home):
                    sweep(place)
                for log in sorted(log_directory(self._home).glob("*.log")):
                    rotate(log)
            time.sleep(_TURN_SECONDS)

    def _write_record(self) -> None:
        """Write the record; on a full disk the one before it stays, and this one is written when there is room."""
        try:
            write_record(self._home, self._record)
        except OSError as error:
            if self._is_recorded:
                self._say(f"Its processes cannot be recorded in {self._home} ({why(error)}). Make room there.")
            self._is_recorded = False
        else:
            self._is_recorded = True

    def _may_start(self, running: Running) -> bool:
        ready = {other.service.name for other in self._running if other.has_answered}
        return ready.issuperset(running.service.after)

    # ------------------------------------------------------------------------------------------------ stopping

    def _stop(self) -> None:
        """End all services and their processes; kill those that do not end in time. A second signal kills at once."""
        before = self._signals
        services = {running.pid for running in self._running}
        killed = processes.end(
            lambda: processes.descendants(without=_is_database),
            lambda process: signal.SIGTERM if process.pid in services else signal.SIGINT,
            _GRACE_SECONDS,
            hurry=lambda: self._signals > before,
        )
        if killed:
            self._say(f"{killed} process{'es' if killed > 1 else ''} did not end and had to be killed.")
        processes.reap(())

    def _close(self) -> None:
        os.close(self._writing)
        os.close(self._reading)


def _is_database(process: psutil.Process) -> bool:
    name: Any = process.name()
    return str(name).startswith(("postgres", "pg_ctl"))
