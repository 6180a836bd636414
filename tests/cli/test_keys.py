"""`datalab keys rotate` and transfers on a real deployment: what was stored before can be read afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from datalab.registry import EmbeddedPostgres
from tests.commands import datalab_here
from tests.up.processes import mode_of


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home directory; beside pytest's, which others may not pass."""
    folder = Path(tempfile.mkdtemp(prefix="datalab-test-"))
    monkeypatch.setenv("DATALAB_HOME", str(folder))
    monkeypatch.setenv("DATALAB_USER", "me@publisher.example")
    monkeypatch.delenv("DATALAB_POSTGRES_URL", raising=False)
    monkeypatch.delenv("DATALAB_MASTER_KEY", raising=False)
    yield folder
    EmbeddedPostgres(folder).stop()
    shutil.rmtree(folder)


def test_rotation_exchanges_the_master_key_and_every_dataset_stays_readable(home: Path, tmp_path: Path) -> None:
    (tmp_path / "segments.csv").write_text("u1,s1\nu2,s2\n")
    uploaded = datalab_here("dataset", "upload", "segments.csv", "--json", cwd=tmp_path)
    assert uploaded.code == 0, uploaded.err
    before = (home / "master.key").read_bytes()
    ended = datalab_here("keys", "rotate", cwd=tmp_path)
    assert ended.code == 0 and "the keys of 1 dataset were wrapped again" in ended.out
    after = (home / "master.key").read_bytes()
    assert len(after.split()) == 1 and after != before and mode_of(home / "master.key") == 0o600
    short = uploaded.json["manifestHash"][:8]
    assert datalab_here("dataset", "download", short, "copy.csv", cwd=tmp_path).code == 0
    assert (tmp_path / "copy.csv").read_text() == "u1,s1\nu2,s2\n"
