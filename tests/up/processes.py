"""Processes in tests of `up`: whose they are, and waiting for what they do; no test is here."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path

import psutil

MARK = "DATALAB_TEST_MARK"
"""A variable of the environment that all processes of one test have."""


def marked(mark: str, variable: str = MARK) -> list[psutil.Process]:
    """Every live process with this mark, wherever it hangs."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(variable) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


PATIENCE = 60.0
"""Seconds that a test waits for what takes one or two on an idle machine."""


def within(seconds: float, holds: Callable[[], object]) -> bool:
    """Whether `holds` becomes true in time."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777
