"""The identity of the process of a run, which differs from a later process with the same number."""

from __future__ import annotations

import os

import psutil

PROCESS_TAG = "datalab/process"


def this_process() -> str:
    """Return the number and start time of this process."""
    return f"{os.getpid()}:{psutil.Process().create_time():.2f}"


def is_alive(process: str) -> bool:
    """Return whether the process with that number and start time still runs; if unknown, return True.

    >>> is_alive(this_process()), is_alive("1:0.00"), is_alive("nonsense")
    (True, False, True)
    """
    number, _, started = process.partition(":")
    try:
        found = psutil.Process(int(number))
        return f"{found.create_time():.2f}" == started and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except (ValueError, psutil.AccessDenied):
        return True
