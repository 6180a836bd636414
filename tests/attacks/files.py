"""Which files of a home other accounts could open; no test is here."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from tests.changing_files import every_path

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def open_to_others(home: Path) -> dict[str, str]:
    """Every file and directory below `home` with a bit for group or others, and its mode."""
    found = {}
    for path in every_path(home):
        with contextlib.suppress(FileNotFoundError):
            mode = path.lstat().st_mode
            if not stat.S_ISLNK(mode) and mode & OTHERS:
                found[str(path.relative_to(home))] = stat.filemode(mode)
    return found


@contextlib.contextmanager
def open_umask() -> Iterator[None]:
    """Let this process and its children create files that every account can change."""
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)
