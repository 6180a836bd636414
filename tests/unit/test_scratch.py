"""Scratch belongs to one process and disappears; results appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from datalab import scratch
from datalab.errors import OutputFailed
from datalab.scratch import forget, new_file, publish, scratch_directory, sweep, write_whole

linux = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs descriptors as files")


def dead_process() -> int:
    """The id of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def left_by(process: int, parent: Path) -> Path:
    left = parent / f".datalab-scratch-{process}-abc"
    left.mkdir()
    (left / "rows").write_text("x")
    return left


@contextlib.contextmanager
def owned_by_another(parent: Path) -> Iterator[Path]:
    """A scratch directory of a process that is killed at the end."""
    program = f"""if True:
        from datalab.scratch import scratch_directory
        from pathlib import Path
        with scratch_directory(Path({str(parent)!r})) as place:
            print(place, flush=True)
            input()
    """
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout
        yield Path(process.stdout.readline().strip())
        process.kill()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_scratch_is_private_and_gone_at_the_end(tmp_path: Path) -> None:
    with scratch_directory(tmp_path / "new" / "parent") as place:
        (place / "deep").mkdir()
        (place / "deep" / "rows").write_text("x")
        assert mode(place) == 0o700
    assert list((tmp_path / "new" / "parent").iterdir()) == []


def test_scratch_is_gone_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), scratch_directory(tmp_path) as place:
        (place / "rows").write_text("x")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_two_scratch_directories_of_one_process_do_not_touch_each_other(tmp_path: Path) -> None:
    with scratch_directory(tmp_path) as one, scratch_directory(tmp_path) as other:
        assert one != other and one.is_dir() and other.is_dir()


def test_what_ended_processes_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    """A process number that came round again, such as 1 in a container, does not keep a directory."""
    left = [left_by(number, tmp_path) for number in (dead_process(), os.getpid(), 1)]
    others = [tmp_path / "kept", tmp_path / ".datalab-scratch-notes"]
    for other in others:
        other.mkdir()
    (tmp_path / ".datalab-scratch-7-x").symlink_to(tmp_path / "kept")
    with owned_by_another(tmp_path) as alive, scratch_directory(tmp_path) as own:
        sweep(tmp_path)
        assert not any(path.exists() for path in left)
        assert all(path.exists() for path in [alive, own, *others])
    sweep(tmp_path)
    assert not alive.exists()


def test_a_new_scratch_directory_sweeps_first(tmp_path: Path) -> None:
    dead = left_by(dead_process(), tmp_path)
    with scratch_directory(tmp_path):
        assert not dead.exists()


def names_in_use(place: Path) -> set[str]:
    """The contents of all files that have a name below `place`."""
    return {path.read_text() for path in place.rglob("*") if path.is_file() and not path.is_symlink()}


@linux
def test_a_file_of_scratch_has_no_name(tmp_path: Path) -> None:
    with scratch_directory(tmp_path) as place:
        path = new_file(place / "rows")
        path.write_text("planted")
        with path.open("a") as more:
            more.write(" twice")
        assert path.read_text() == "planted twice" and path.is_file() and mode(path) == 0o600
        assert names_in_use(tmp_path) == set()
        write_whole(place / "document", "planted")
        assert (place / "document").read_text() == "planted" and names_in_use(tmp_path) == set()
        publish(path, place / "moved")
        assert (place / "moved").read_text() == "planted twice" and not path.exists()
        publish(place / "document", place / "moved")
        assert (place / "moved").read_text() == "planted" and [one.name for one in place.iterdir()] == ["moved"]
        new_file(place / "moved")
        assert (place / "moved").read_text() == ""


@linux
def test_a_file_of_scratch_may_move_to_the_scratch_around_it(tmp_path: Path) -> None:
    with scratch_directory(tmp_path) as outer:
        with scratch_directory(outer) as inner:
            new_file(inner / "rows").write_text("planted")
            publish(inner / "rows", outer / "rows")
        assert (outer / "rows").read_text() == "planted" and names_in_use(tmp_path) == set()


@pytest.mark.parametrize("linked", [True, False])
def test_outside_of_scratch_it_gets_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linked: bool) -> None:
    if not linked:  # another disk, or a system that cannot

        def refuse(*_: object, **__: object) -> None:
            raise OSError(errno.EXDEV, "Invalid cross-device link")

        monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "rows").write_text("before")
    with scratch_directory(tmp_path) as place:
        new_file(place / "rows").write_text("x" * 100_000)
        publish(place / "rows", tmp_path / "rows")
        assert not (place / "rows").exists()
    assert (tmp_path / "rows").read_text() == "x" * 100_000 and mode(tmp_path / "rows") == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["rows"]


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="only Linux has it")
def test_where_the_disk_offers_no_nameless_files_they_lose_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def refuse(path: object, flags: int, *more: object, **other: object) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        return opened(path, flags, *more, **other)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(os, "open", refuse)
    with scratch_directory(tmp_path) as place:
        new_file(place / "rows").write_text("planted")
        assert names_in_use(tmp_path) == set() and (place / "rows").read_text() == "planted"
        publish(place / "rows", tmp_path / "rows")
    assert (tmp_path / "rows").read_text() == "planted"


def test_without_descriptors_as_files_scratch_keeps_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "_DESCRIPTORS", tmp_path / "none")
    with scratch_directory(tmp_path) as place:
        new_file(place / "rows").write_text("x")
        assert not (place / "rows").is_symlink() and mode(place / "rows") == 0o600
        publish(place / "rows", tmp_path / "rows")
    assert [path.name for path in tmp_path.iterdir()] == ["rows"]


@linux
def test_nothing_stays_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with scratch_directory(tmp_path) as place:
        for name in "abc":
            new_file(place / name)
            new_file(place / name)
        forget(place / "a")
        publish(place / "b", place / "c")
        publish(place / "c", tmp_path / "c")
        new_file(place / "d")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@linux
def test_a_killed_process_leaves_no_content(tmp_path: Path) -> None:
    program = f"""if True:
        from datalab.scratch import new_file, scratch_directory, write_whole
        from pathlib import Path
        with scratch_directory(Path({str(tmp_path)!r})) as place:
            new_file(place / "rows").write_text("planted")
            write_whole(place / "document", "planted")
            print("ready", flush=True)
            input()
    """
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout and process.stdout.readline() == "ready\n"
        assert len(list(tmp_path.rglob("*"))) == 3
        process.kill()
    assert names_in_use(tmp_path) == set()
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_a_file_cannot_hold_scratch(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputFailed, match="file"), scratch_directory(tmp_path / "file"):
        pytest.fail("there is no such directory")


def test_a_result_is_written_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.json"
    write_whole(path, "é" * 1000)
    assert path.read_text(encoding="utf-8") == "é" * 1000
    assert mode(path) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_result_replaces_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("before, and longer")
    write_whole(path, "after")
    assert path.read_text() == "after"


def test_a_result_that_fails_halfway_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.json"
    path.write_text("before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OutputFailed, match="No space left"):
        write_whole(path, "after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_result_cannot_be_written_where_a_file_stands_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputFailed):
        write_whole(tmp_path / "file" / "report.json", "x")
    with pytest.raises(OutputFailed):
        publish(tmp_path / "file", tmp_path / "file" / "rows.parquet")
    assert (tmp_path / "file").read_text() == "x"


def test_a_reason_holds_no_name_and_no_data() -> None:
    assert scratch.why(OSError(28, "No space left on device", "planted")) == "No space left on device"
    assert scratch.why(OSError("planted went wrong")) == "input/output error"
    assert scratch.why(OSError("[Errno 28] Error writing bytes: No space left on device")) == "No space left on device"
