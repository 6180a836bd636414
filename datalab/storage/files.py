"""Private local files that appear whole or not at all; this module does not know their content."""

from __future__ import annotations

import contextlib
import errno
import io
import os
from collections.abc import Iterator
from pathlib import Path

from datalab.scratch import new_part


@contextlib.contextmanager
def private_file(path: Path) -> Iterator[tuple[io.FileIO, Path]]:
    """Yield a new file in the folder of `path`, with mode 0600, and its own path; removed unless it was published."""
    with new_part(path) as part, part.open("wb", buffering=0) as file:
        yield file, part


def make_private(directory: Path) -> None:
    """Make a directory, and those above it that are missing, readable only for their owner."""
    missing = [place for place in (directory, *directory.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(mode=0o700, exist_ok=True)
    if not directory.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


def write_durably(path: Path, data: bytes | bytearray) -> None:
    """Write `data` to `path` whole or not at all, on the disk before this returns; missing directories are made."""
    make_private(path.parent)
    with private_file(path) as (file, part):
        left = memoryview(data)
        while left:
            left = left[file.write(left) :]
        os.fsync(file.fileno())
        part.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)  # the new name, too
    finally:
        os.close(directory)
