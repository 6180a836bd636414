"""Private scratch directories whose content ends with their process, and files that are written whole or not at all.

A file that `new_file` makes in a scratch directory has no name on the disk: its path is a link to a descriptor that
this process holds. When the process ends, even if it is killed, the kernel frees the content. The module does not know
what is written.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from datalab.errors import OutputFailed

_PREFIX = ".datalab-scratch-"
PART = ".part"
"""How files end that are not complete."""
_DESCRIPTORS = Path("/proc/self/fd")
_guard = threading.RLock()
_directories: set[Path] = set()
"""The scratch directories of this process."""
_nameless: dict[Path, int] = {}
"""Files without a name: their path, and the descriptor that keeps their content."""


@contextlib.contextmanager
def scratch_directory(parent: Path | None = None) -> Iterator[Path]:
    """Yield a new directory that only its owner may read; removed at the end.

    Leftovers of ended processes in `parent` are removed first.

    Raises:
        OutputFailed: `parent` cannot be written to.
    """
    parent = (parent or Path(tempfile.gettempdir())).absolute()
    try:
        parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        sweep(parent)
        path, owner = _owned_directory(parent)
    except OSError as error:
        raise OutputFailed(parent, why(error)) from None
    _directories.add(path)
    try:
        yield path
    finally:
        _directories.discard(path)
        for file in [file for file in _nameless if path in file.parents]:
            forget(file)
        shutil.rmtree(path, ignore_errors=True)
        os.close(owner)


def _owned_directory(parent: Path) -> tuple[Path, int]:
    """Return a new directory and the descriptor whose lock says that its owner lives; the kernel ends the lock."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
        with contextlib.suppress(FileNotFoundError):
            owner = os.open(path, os.O_RDONLY)
            fcntl.flock(owner, fcntl.LOCK_EX)
            if path.exists():
                return path, owner
            os.close(owner)  # swept before it was locked


def sweep(parent: Path) -> None:
    """Remove the scratch directories in `parent` whose process has ended; the number in the name does not matter."""
    for left in parent.glob(f"{_PREFIX}[0-9]*-*"):
        try:
            descriptor = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:  # just removed, or of another user
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
        except OSError:
            pass  # its process lives
        finally:
            os.close(descriptor)


def new_file(path: Path) -> Path:
    """Make an empty file that only its owner may read, and return `path`; one that was there is replaced.

    In a scratch directory its content ends with this process, except on a system without `/proc`: there it is removed
    with the directory.

    Raises:
        OSError: it cannot be made.
    """
    forget(path)
    if not (_is_scratch(path) and _DESCRIPTORS.is_dir()):
        path.touch(mode=0o600)
        return path
    descriptor = _open_nameless(path.parent)
    try:
        path.symlink_to(_DESCRIPTORS / str(descriptor))
    except OSError:
        os.close(descriptor)
        raise
    with _guard:
        _nameless[path] = descriptor
    return path


def forget(path: Path) -> None:
    """Remove a file, if it is there, and free the space of one without a name.

    Raises:
        OSError: it cannot be removed.
    """
    with _guard:
        descriptor = _nameless.pop(path, None)
    try:
        path.unlink(missing_ok=True)
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _is_scratch(path: Path) -> bool:
    return any(parent in _directories for parent in path.parents)


def _open_nameless(directory: Path) -> int:
    with contextlib.suppress(OSError, AttributeError):  # some file systems do not offer it
        return os.open(directory, os.O_TMPFILE | os.O_RDWR, 0o600)
    descriptor, name = tempfile.mkstemp(dir=directory)
    Path(name).unlink()
    return descriptor


@contextlib.contextmanager
def new_part(path: Path) -> Iterator[Path]:
    """Yield an empty private file beside `path`, for `publish`; it is removed if it was not published.

    Raises:
        OSError: it cannot be made.
    """
    part = path.with_name(f".{path.name}.{os.urandom(8).hex()}{PART}")
    try:
        yield new_file(part)
    finally:
        forget(part)


def write_whole(path: Path, text: str) -> None:
    """Write `text` to `path`, completely or not at all; only its owner may read it.

    Raises:
        OutputFailed: no space is left, or the place cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with new_part(path) as part:
            part.write_text(text, encoding="utf-8")
            publish(part, path)
    except OSError as error:
        raise OutputFailed(path, why(error)) from None


def publish(part: Path, path: Path) -> None:
    """Move a complete file to its place, replacing what was there; outside of scratch it gets a name on the disk.

    Raises:
        OutputFailed: the place cannot be written to.
    """
    try:
        if part in _nameless and not _is_scratch(path):
            with new_part(path) as named:
                named.unlink()
                _give_name(_nameless[part], named)
                named.replace(path)
            forget(part)
            return
        with _guard:
            replaced = _nameless.pop(path, None)
            part.replace(path)
            if part in _nameless:
                _nameless[path] = _nameless.pop(part)
        if replaced is not None:
            os.close(replaced)
    except OSError as error:
        raise OutputFailed(path, why(error)) from None


def _give_name(descriptor: int, path: Path) -> None:
    """Link the file of `descriptor` as `path`; copy it where that is not possible, such as to another disk."""
    source = _DESCRIPTORS / str(descriptor)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.link(source, path, src_dir_fd=folder, follow_symlinks=True)  # only with a folder are links followed
    except OSError:
        copy = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with source.open("rb") as read, os.fdopen(copy, "wb") as written:
            shutil.copyfileobj(read, written)
    finally:
        os.close(folder)


def why(error: OSError) -> str:
    """Return the reason of `error` without any data."""
    if error.errno is None and "No space left" in str(error):
        return os.strerror(errno.ENOSPC)
    return os.strerror(error.errno) if error.errno else "input/output error"
