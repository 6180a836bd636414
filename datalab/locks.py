"""Locks between processes: files that the kernel unlocks when their holder dies, whatever they stand for."""

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
        patience: how many seconds to wait for another holder; None: as long as it takes.
        note: what the file says about its holder.

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
        thread_local=False,  # a block may be left by another thread than the one that entered it
        fallback_to_soft=False,  # a file that only its existence locks outlives a holder that was killed
        preserve_lock_file=True,  # whoever waits has the file open: a new one would not keep them out
        on_acquired=write if note else None,
    )
    with lock:
        yield


def note_of_holder(path: Path) -> bytes | None:
    """Return what the lock file `path` says about its holder; None when it is free or cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # Shared, which filelock does not offer: processes that ask at the same time are no holder to each other.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        return os.read(descriptor, _LONGEST_NOTE)
    finally:
        os.close(descriptor)
