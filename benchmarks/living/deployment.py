"""All processes of one deployment: CPU time, that of ended ones included, memory, connections to the database."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import NullPool, create_engine, text

from datalab.home.up import running
from datalab.registry import EmbeddedPostgres
from datalab_dagster.up.plan import FORK_SERVER

DATABASE = "PostgreSQL"


@dataclass(frozen=True)
class Used:
    """What the processes of one name have used so far."""

    cpu_seconds: float
    """With that of their children that have ended."""
    pss_bytes: int
    """Memory now; what several processes share counts in parts."""


class Deployment:
    """The processes of a home: those that `datalab up` started, their children, runs, and the database below it."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._server = EmbeddedPostgres(home)

    def used(self) -> dict[str, Used]:
        """Return what all processes have used so far, by name."""
        by_name: dict[str, list[psutil.Process]] = defaultdict(list)
        by_name[DATABASE] = server_processes(self._server.data)
        for process, name in self._others():
            by_name[name].append(process)
        return {name: Used(cpu_seconds(found), _pss(found)) for name, found in by_name.items()}

    def cpu_seconds(self) -> float:
        """Return the CPU seconds of all processes so far.

        An ended process is counted by the one that started it and waited for it, as PostgreSQL does for its backends.
        """
        return sum(used.cpu_seconds for used in self.used().values())

    def connections(self) -> int:
        """Return how many connections the database has accepted so far, this one included."""
        engine = create_engine(self._server.url, poolclass=NullPool)
        with engine.connect() as connection:
            found = connection.execute(text("SELECT sum(sessions) FROM pg_stat_database")).scalar()
        return int(found or 0)

    def _others(self) -> Iterator[tuple[psutil.Process, str]]:
        record = running(self._home)
        names = {child.pid: child.name for child in record.children} if record else {}
        names |= {record.pid: "up"} if record else {}
        home = str(self._home)
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                is_ours = process.pid != os.getpid() and process.environ().get("DATALAB_HOME") == home
                if is_ours and "postgres" not in process.name():
                    yield process, names.get(process.pid) or _program(process)


def server_processes(data: Path) -> list[psutil.Process]:
    """Return the processes of the PostgreSQL server of a data directory, itself first."""
    server = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
    return [server, *server.children()]


def cpu_seconds(processes: Iterable[psutil.Process]) -> float:
    """Return the CPU seconds of these processes and of their children that have ended."""
    seconds = 0.0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            seconds += times.user + times.system + times.children_user + times.children_system
    return seconds


def _pss(processes: Iterable[psutil.Process]) -> int:
    found = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            found += process.memory_full_info().pss
    return found


def _program(process: psutil.Process) -> str:
    """Return which program a process runs that `up` did not start itself, without its arguments."""
    words = process.cmdline()
    if FORK_SERVER in words:
        return process.name()
    if "-m" in words:
        return words[words.index("-m") + 1]
    return Path(words[0]).name if words else process.name()
