"""Which process executes a run, in a form that a later process with the same number is not taken for."""

from __future__ import annotations

import os

import psutil

PROCESS_TAG = "datalab/process"


def this_process() -> str:
    """Return number and start of this process."""
    return f"{os.getpid()}:{psutil.Process().create_time():.2f}"


def is_alive(process: str) -> bool:
    """Tell whether the process of that number and start still runs; in doubt, it does.

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
