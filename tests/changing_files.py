"""Read directories that processes under test change meanwhile: what vanishes is left out. No test is here."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def every_path(folder: Path) -> Iterator[Path]:
    """Every file, link and directory below `folder`. `Path.rglob` raises when a directory goes while it looks."""
    for place, folders, files in os.walk(folder):
        yield from (Path(place) / name for name in (*folders, *files))


def every_content(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every regular file below `folder`, with what it holds."""
    for path in every_path(folder):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file() and not path.is_symlink():
                yield path, path.read_bytes()
