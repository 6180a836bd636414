"""Finds and ends processes other than direct children: descendants, and what a killed `up` left behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable

import psutil

from datalab.home.up import Child

_PR_SET_CHILD_SUBREAPER = 36
_SAME_MOMENT_SECONDS = 0.05


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends, so that all can be found; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap(own: Iterable[int]) -> None:
    """Collect the exit codes of ended orphans; leave those in `own` to their owners."""
    keep = set(own)
    for process in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess, ChildProcessError):
            if process.pid not in keep and process.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(process.pid, os.WNOHANG)


def descendants(*, without: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    """Return the running descendants of this process, except those that `without` accepts and their children."""
    found: list[psutil.Process] = []
    left = psutil.Process().children()
    while left:
        process = left.pop()
        with contextlib.suppress(psutil.NoSuchProcess):
            if not without(process):
                left += process.children()
                if process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
    return found


def end(
    find: Callable[[], list[psutil.Process]],
    first: Callable[[psutil.Process], signal.Signals],
    seconds: float,
    hurry: Callable[[], bool] = lambda: False,
) -> int:
    """End processes and those that they start meanwhile; return how many had to be killed.

    Args:
        find: returns the remaining processes.
        first: the first signal: an interrupted run removes its scratch and reports that it was stopped.
        seconds: how long all may take; processes still running are then terminated, and killed after half as long.
        hurry: returns whether to stop waiting.
    """
    asked: set[psutil.Process] = set()
    began = time.monotonic()
    insisted = False
    while left := find():
        waited = time.monotonic() - began
        if waited > 1.5 * seconds or hurry():
            _signal(left, signal.SIGKILL)
            psutil.wait_procs(left, timeout=5)
            return len(left)
        if waited > seconds and not insisted:
            insisted = True
            _signal(left, signal.SIGTERM)
        for process in set(left) - asked:
            _signal([process], first(process))
        asked.update(left)
        time.sleep(0.05)
        reap(())
    return 0


def sweep(children: Iterable[Child], seconds: float = 10.0) -> int:
    """End the children that a killed `up` left behind, and their process groups; return their number."""
    left = [process for child in children if (process := _found(child))]
    groups = [process.pid for process in left]
    for group in groups:
        _signal_group(group, signal.SIGTERM)
    psutil.wait_procs(left, timeout=seconds)
    for group in groups:
        _signal_group(group, signal.SIGKILL)
    psutil.wait_procs(left, timeout=5)
    return len(left)


def _found(child: Child) -> psutil.Process | None:
    """Return the process of a record; None if another process has its number now."""
    try:
        process = psutil.Process(child.pid)
        same = abs(process.create_time() - child.created) < _SAME_MOMENT_SECONDS
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
