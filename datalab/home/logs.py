"""The log files of what `up` starts: private, and rotated while they are written to."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

LARGEST_BYTES = 10_000_000
KEPT = 3
"""How many older parts of a log are kept, beside the one that is written to."""


def log_directory(home: Path) -> Path:
    """Return where all logs lie, also those of runs."""
    return home / "logs"


def log_file(home: Path, name: str) -> Path:
    """Return where `name` writes its log."""
    return log_directory(home) / f"{name}.log"


def open_log(path: Path) -> int:
    """Open a log for a child to append to, and return its descriptor; only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor


def rotate(path: Path, largest: int = LARGEST_BYTES) -> bool:
    """Move what a log holds aside when it is too large, and return whether that was so.

    Its writers keep their open file, so it is copied and cut: lines that come in between are lost.
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
