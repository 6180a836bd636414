"""Where the processes of `datalab up` listen for each other: Unix sockets in a directory private to its owner."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from datalab.home.up import HomeUnusable

CODE, FORKS = "code.sock", "forks.sock"
"""Clients of both may run code."""
_LONGEST_PATH = 103


def socket_file(home: Path, name: str) -> Path:
    """Return the path of a socket: in the home directory, or in a short private one if that path is too long.

    Raises:
        HomeUnusable: that directory cannot be made, or is not private.
    """
    near = home / "run"
    if len(os.fsencode(near / max(CODE, FORKS, key=len))) <= _LONGEST_PATH:
        directory = near
    else:
        digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
        directory = Path(tempfile.gettempdir()) / f"datalab-up-{digest}"
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        found = directory.lstat()
    except OSError as error:
        raise HomeUnusable(home, error.strerror or type(error).__name__) from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise HomeUnusable(home, f"{directory} is not private to its owner")
    return directory / name
