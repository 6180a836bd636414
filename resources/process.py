"""The identity of the process of a run, which differs from a later process with the same number, and its host."""

from __future__ import annotations

import os
import signal
import socket

import psutil

PROCESS_TAG = "datalab/process"


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
