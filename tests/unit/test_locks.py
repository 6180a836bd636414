"""Locks between processes: who waits, who is refused, and that earlier versions of datalab are kept out too."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from datalab.locks import locked, note_of_holder

HOLD = """
import sys, time
from pathlib import Path
from datalab.locks import locked
with locked(Path(sys.argv[1]), note=b"me"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.lock"


def earlier_version(path: Path, how: int) -> int:
    """Lock `path` as versions without `datalab.locks` did, and return the open file."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def test_the_file_is_private_says_who_holds_it_and_stays(path: Path) -> None:
    path.touch(mode=0o600)
    path.write_bytes(b"a longer note of an earlier holder")
    inode = path.stat().st_ino
    with locked(path, note=b"12\n"):
        assert note_of_holder(path) == path.read_bytes() == b"12\n"
    assert note_of_holder(path) is None
    assert (path.stat().st_ino, stat.S_IMODE(path.stat().st_mode)) == (inode, 0o600)


def test_a_new_file_is_private(path: Path) -> None:
    mask = os.umask(0)
    try:
        with locked(path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(mask)


def test_a_lock_without_a_note_leaves_the_file_as_it_is(path: Path) -> None:
    path.write_bytes(b"kept")
    with locked(path):
        assert path.read_bytes() == b"kept"


def test_an_earlier_version_is_kept_out_while_this_one_holds_the_lock(path: Path) -> None:
    with locked(path):
        for how in (fcntl.LOCK_EX, fcntl.LOCK_SH):
            with pytest.raises(BlockingIOError):
                earlier_version(path, how)
    os.close(earlier_version(path, fcntl.LOCK_EX))


def test_this_version_is_kept_out_while_an_earlier_one_holds_the_lock(path: Path) -> None:
    descriptor = earlier_version(path, fcntl.LOCK_EX)
    os.write(descriptor, b"4242\n")
    with pytest.raises(TimeoutError), locked(path, patience=0.1):
        raise AssertionError("both hold it")
    assert note_of_holder(path) == b"4242\n"
    os.close(descriptor)
    with locked(path, patience=0.1):
        pass


def test_the_kernel_unlocks_what_a_killed_process_held(path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        assert note_of_holder(path) == b"me"
        with pytest.raises(TimeoutError), locked(path, patience=0.1):
            raise AssertionError("both hold it")
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert note_of_holder(path) is None
        with locked(path, patience=0.1):
            pass


def test_without_patience_a_thread_waits_as_long_as_it_takes(path: Path) -> None:
    order = []

    def second() -> None:
        with locked(path):
            order.append("second")

    with locked(path):
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(0.3)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]


def test_processes_that_ask_for_the_holder_at_the_same_time_are_none_to_each_other(path: Path) -> None:
    path.write_bytes(b"of a holder that was killed")
    asking = earlier_version(path, fcntl.LOCK_SH)
    assert note_of_holder(path) is None
    os.close(asking)


def test_nobody_holds_a_file_that_is_not_there(path: Path) -> None:
    assert note_of_holder(path) is None
    assert not path.exists()


def test_a_file_system_without_locks_is_an_error_and_no_weaker_lock(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(descriptor: int, how: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", missing)
    with pytest.raises(OSError, match="not implemented"), locked(path):
        raise AssertionError("nothing was locked")
