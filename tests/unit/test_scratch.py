"""Scratch belongs to one process and disappears; results appear whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from datalab import scratch
from datalab.errors import OutputFailed
from datalab.scratch import publish, scratch_directory, sweep, write_whole


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


def test_what_dead_processes_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    dead = left_by(dead_process(), tmp_path)
    alive = [left_by(os.getpid(), tmp_path), left_by(1, tmp_path)]
    others = [tmp_path / "kept", tmp_path / ".datalab-scratch-notes"]
    for other in others:
        other.mkdir()
    sweep(tmp_path)
    assert not dead.exists()
    assert all(path.exists() for path in alive + others)


def test_a_new_scratch_directory_sweeps_first(tmp_path: Path) -> None:
    dead = left_by(dead_process(), tmp_path)
    with scratch_directory(tmp_path):
        assert not dead.exists()


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
