"""The process of a run: its identity, which differs from that of a later process with the same number, and its host."""

from __future__ import annotations

import os
import signal
import socket

import dagster as dg
import psutil

PROCESS_TAG = "datalab/process"
DIED = "The process that executed the run died."


def process_tag(run_id: str, process: str) -> dict[str, str]:
    """Return the tag that names the process of a run.

    It contains the id of the run, because Dagster copies the tags of a run to another attempt.
    """
    return {PROCESS_TAG: f"{process}#{run_id}"}


def process_of(run: dg.DagsterRun) -> str | None:
    """Return the name of the process that executes a run; None: none is known yet."""
    process, _, run_id = run.tags.get(PROCESS_TAG, "").partition("#")
    return process if process and run_id in ("", run.run_id) else None  # earlier versions wrote no run


def this_process() -> str:
    """Return the number, start time and host of this process."""
    return name_of(psutil.Process())


def name_of(process: psutil.Process) -> str:
    """Return the number, start time and host of a process on this host.

    Raises:
        psutil.NoSuchProcess: it has ended.
    """
    return f"{process.pid}:{process.create_time():.2f}@{socket.gethostname()}"


def is_alive(process: str) -> bool:
    """Return whether the process with that name still runs; if unknown, as on another host, return True.

    >>> is_alive(this_process()), is_alive("1:0.00"), is_alive("1:0.00@elsewhere"), is_alive("nonsense")
    (True, False, True, True)
    """
    number, _, rest = process.partition(":")
    started, _, host = rest.partition("@")
    if not _is_this(host):
        return True
    try:
        found = psutil.Process(int(number))
        return f"{found.create_time():.2f}" == started and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except (ValueError, psutil.AccessDenied):
        return True


def interrupt(process: str) -> bool:
    """Interrupt the process with that name, as Ctrl-C does; return whether it runs on this host.

    >>> interrupt("1:0.00"), interrupt("1:0.00@elsewhere")
    (False, False)
    """
    number, _, rest = process.partition(":")
    if not _is_this(rest.partition("@")[2]) or not is_alive(process):
        return False
    os.kill(int(number), signal.SIGINT)
    return True


def _is_this(host: str) -> bool:
    """Return whether a host is this one; a container has a name of its own. Earlier versions named none."""
    return host in ("", socket.gethostname())
