"""The log files of the processes of `up`: private, and rotated while they are written."""

from __future__ import annotations

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
    """Open a log for a child to append to, and return its descriptor; only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor


def rotate(path: Path, largest: int = LARGEST_BYTES) -> bool:
    """Move the content of a log to an older part if it is too large, and return whether it was.

    Its writers keep their open file, so it is copied and truncated: lines written in between are lost.
    """
    try:
        if path.stat().st_size <= largest:
            return False
    except FileNotFoundError:
        return False
    for number in range(KEPT, 1, -1):
        older = _part(path, number - 1)
        if older.exists():
            older.replace(_part(path, number))
    aside = _part(path, 1)
    with path.open("rb") as source, os.fdopen(os.open(aside, _NEW, 0o600), "wb") as target:
        shutil.copyfileobj(source, target)
    os.truncate(path, 0)
    return True


_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


def _part(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")
