"""The log files of the processes of `up` and of runs: private, and rotated while they are written.

A log that cannot be written, because the disk is full for example, stops nothing.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

LARGEST_BYTES = 10_000_000
KEPT = 3
"""How many older parts of a log are kept, in addition to the current one."""


def log_directory(home: Path) -> Path:
    """Return the directory of all logs, also those of runs."""
    return home / "logs"


def log_file(home: Path, name: str) -> Path:
    """Return the log file of `name`."""
    return log_directory(home) / f"{name}.log"


def open_log(path: Path) -> int:
    """Open a log for a child to append to, and return its descriptor; only its owner may read it.

    If it cannot be made, what the child writes is dropped.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.fchmod(descriptor, 0o600)
    return descriptor


def rotate(path: Path, largest: int = LARGEST_BYTES) -> bool:
    """Move the content of a log to an older part if it is too large, and return whether it was.

    Its writers keep their open file, so it is copied and truncated: lines written in between are lost. If there is no
    room for the copy, nothing changes.
    """
    aside = _part(path, 0)
    try:
        if path.stat().st_size <= largest:
            return False
        with path.open("rb") as source, os.fdopen(os.open(aside, _NEW, 0o600), "wb") as target:
            shutil.copyfileobj(source, target)
        for number in range(KEPT, 0, -1):
            older = _part(path, number - 1)
            if older.exists():
                older.replace(_part(path, number))
        os.truncate(path, 0)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        return False
    return True


_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


def _part(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")
