"""Whether the program was changed since the processes of `datalab up` were started."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from datalab.home import loaded
from datalab.home.up import Child, UpRecord


def test_a_file_that_was_changed_afterwards_counts_and_one_of_before_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "module.py"
    source.write_text("1")
    monkeypatch.setattr(loaded, "_sources", lambda: [source])
    written = source.stat().st_mtime
    record = UpRecord(1, "http://here", None, (Child("forks", 2, written + 5), Child("portal", 3, written + 9)))
    assert not loaded.is_outdated(record)
    source.touch()
    assert loaded.is_outdated(UpRecord(1, "http://here", None, (Child("forks", 2, source.stat().st_mtime - 1),)))
    assert not loaded.is_outdated(UpRecord(1, "http://here", None)), "nothing has been started"


def test_all_packages_of_the_program_count() -> None:
    began = time.monotonic()
    names = {path.as_posix() for path in loaded._sources()}
    assert time.monotonic() - began < 60
    for part in ("datalab/home/loaded.py", "datalab_dagster/definitions.py", "assets/panels.py", "resources/run.py"):
        assert any(name.endswith(part) for name in names), part
