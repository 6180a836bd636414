"""Keeps a home directory private to its owner: the umask of each of our processes, and files that are already there."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

UMASK = 0o077
"""No bit for the group or others, on anything that is created."""


def keep_private() -> None:
    """Let this process and its children create only files that no other account can open; call it first."""
    os.umask(UMASK)


def close_to_others(home: Path) -> int:
    """Take the permissions of the group and others from everything below `home`, and return how many changed.

    The directory itself stays passable (``o+x``) if it is: under root, the user that runs PostgreSQL passes it. Links
    are not followed, other file systems are not entered, and what belongs to another account is left to it.
    """
    device = home.stat().st_dev
    changed = int(_close(home, home.stat(), UMASK & ~stat.S_IXOTH))
    for folder, folders, files in os.walk(home):
        for name in (*folders, *files):
            path = Path(folder) / name
            # A file may be removed in the meantime.
            with contextlib.suppress(FileNotFoundError, PermissionError):
                found = path.lstat()
                if found.st_dev == device and not stat.S_ISLNK(found.st_mode):
                    changed += _close(path, found, UMASK)
        folders[:] = [name for name in folders if _device(Path(folder) / name) == device]
    return changed


def _close(path: Path, found: os.stat_result, taken: int) -> bool:
    mode = stat.S_IMODE(found.st_mode)
    if mode & taken:
        path.chmod(mode & ~taken)
    return bool(mode & taken)


def _device(folder: Path) -> int | None:
    try:
        return folder.lstat().st_dev
    except OSError:
        return None
