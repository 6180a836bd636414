"""Locks between processes: files that the kernel unlocks when their holder dies; it does not know their purpose."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import UnixFileLock

_WAIT = -1.0
_LONGEST_NOTE = 64


@contextlib.contextmanager
def locked(path: Path, *, patience: float | None = None, note: bytes = b"") -> Iterator[None]:
    """Hold the lock file `path`, private to its owner, while the block runs. It stays in its folder afterwards.

    Args:
        path: the file; its folder exists.
        patience: how many seconds to wait for another holder; None: without limit.
        note: text about the holder, written to the file.

    Raises:
        TimeoutError: another process, or another thread, still holds it.
        OSError: the file cannot be opened or locked.
    """

    def write(descriptor: int) -> None:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, note, 0)

    lock = UnixFileLock(
        path,
        timeout=_WAIT if patience is None else patience,
        mode=0o600,
        thread_local=False,  # a different thread may leave the block
        fallback_to_soft=False,  # a lock by existence of a file would remain after its holder was killed
        preserve_lock_file=True,  # waiting processes have the file open: a new file would not block them
        on_acquired=write if note else None,
    )
    with lock:
        yield


def note_of_holder(path: Path) -> bytes | None:
    """Return the note of the holder of the lock file `path`; None if it is free or cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # Shared, which filelock does not offer: processes that check at the same time do not count as holders.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        return os.read(descriptor, _LONGEST_NOTE)
    finally:
        os.close(descriptor)
