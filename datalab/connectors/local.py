"""Opens files of a local folder that other people write to: no link leads out of it."""

from __future__ import annotations

import io
import os
import re
import stat
from pathlib import PurePath

from datalab.connectors.protocol import EntryIsLink

_WILDCARD = re.compile(r"[*?\[{]")


def fixed_folder(pattern: str) -> str:
    """Return the folder of a path with wildcards: what is before the first part that has one.

    >>> fixed_folder("/drop/2026-*/segments-*.csv"), fixed_folder("/drop/segments.csv")
    ('/drop', '/drop')
    """
    parts = PurePath(pattern).parts[:-1]
    fixed = next((index for index, part in enumerate(parts) if _WILDCARD.search(part)), len(parts))
    return str(PurePath(*parts[:fixed]))


def open_below(folder: str, path: str) -> io.FileIO:
    """Open the regular file `path`, below `folder`; only `folder` itself may be, or be behind, a link.

    Raises:
        EntryIsLink: the file, or a folder on the way, is a link, or it is no regular file.
        OSError: it cannot be opened.
    """
    *folders, name = PurePath(path).relative_to(folder).parts
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in folders:
            outer, at = at, _open(part, os.O_RDONLY | os.O_DIRECTORY, at)
            os.close(outer)
        file = io.FileIO(_open(name, os.O_RDONLY | os.O_NONBLOCK, at), "rb")
    finally:
        os.close(at)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise EntryIsLink
    return file


def _open(name: str, flags: int, folder: int) -> int:
    if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        raise EntryIsLink
    return os.open(name, flags | os.O_NOFOLLOW, dir_fd=folder)
