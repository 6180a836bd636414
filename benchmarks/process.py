"""Measures one child process: wall time, CPU time, peak memory, exit code; it does not know the program."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import psutil

_SAMPLE_SECONDS = 0.05


@dataclass(frozen=True)
class Measured:
    """One run of a command."""

    seconds: float
    """Wall time from start to exit, imports included."""
    cpu_seconds: float
    """User and system time of it and its children; varies less than wall time on a busy machine."""
    peak_bytes: int
    """Largest resident memory of the process, or of it with its children if there were any."""
    exit_code: int
    stdout: str
    stderr: str


def measure(command: Sequence[str]) -> Measured:
    """Run `command` and return its measurements.

    The peak of a single process is the kernel's high-water mark, read until its end; with children it is the
    largest sum of resident sizes among samples 50 ms apart.
    """
    cpu_before = _children_cpu()
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        peak = [0]
        watcher = threading.Thread(target=_watch, args=(process.pid, peak), daemon=True)
        watcher.start()
        stdout, stderr = process.communicate()
        seconds = time.perf_counter() - started
        watcher.join()
    return Measured(seconds, _children_cpu() - cpu_before, peak[0], process.returncode, stdout, stderr)


def machine() -> dict[str, Any]:
    """Return the machine that something is measured on."""
    return {
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
    }


def load() -> float:
    """Return the load of the machine over the last minute."""
    return round(os.getloadavg()[0], 2)


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _watch(pid: int, peak: list[int]) -> None:
    try:
        root = psutil.Process(pid)
        while root.is_running() and root.status() != psutil.STATUS_ZOMBIE:
            family = sum(_resident(child) for child in root.children(recursive=True))
            peak[0] = max(peak[0], _high_water(pid), _resident(root) + family)
            time.sleep(_SAMPLE_SECONDS)
    except psutil.NoSuchProcess:
        return


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _high_water(pid: int) -> int:
    """Return the kernel's peak (Linux), or 0 where the kernel has none."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:  # noqa: PTH123 - read 20 times a second
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return 0
