"""Private scratch directories, and files that are written completely or not at all; it does not know their content."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from datalab.errors import OutputFailed

_PREFIX = ".datalab-scratch-"


@contextlib.contextmanager
def scratch_directory(parent: Path | None = None) -> Iterator[Path]:
    """Yield a new directory that only its owner may read; removed at the end.

    Leftovers of ended processes in `parent` are removed first.

    Raises:
        OutputFailed: `parent` cannot be written to.
    """
    parent = parent or Path(tempfile.gettempdir())
    try:
        parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        sweep(parent)
        path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
    except OSError as error:
        raise OutputFailed(parent, why(error)) from None
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def sweep(parent: Path) -> None:
    """Remove the scratch directories in `parent` whose process has died."""
    for left in parent.glob(f"{_PREFIX}*"):
        owner = left.name.removeprefix(_PREFIX).split("-")[0]
        if owner.isdigit() and not _runs(int(owner)):
            shutil.rmtree(left, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def write_whole(path: Path, text: str) -> None:
    """Write `text` to `path`, completely or not at all; only its owner may read it.

    Raises:
        OutputFailed: no space is left, or the place cannot be written to.
    """
    part: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        part = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        part.replace(path)
    except OSError as error:
        raise OutputFailed(path, why(error)) from None
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def publish(part: Path, path: Path) -> None:
    """Move a complete file to its place, replacing what was there.

    Raises:
        OutputFailed: the place cannot be written to.
    """
    try:
        part.replace(path)
    except OSError as error:
        raise OutputFailed(path, why(error)) from None


def why(error: OSError) -> str:
    """Return the reason of `error` without any data."""
    if error.errno is None and "No space left" in str(error):
        return os.strerror(errno.ENOSPC)
    return os.strerror(error.errno) if error.errno else "input/output error"
