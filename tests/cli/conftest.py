"""The commands of a deployment in this process, on a deployment in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from datalab_dagster.service import LabInfo
from tests.commands import Ended, datalab_here
from tests.fakes import MemoryService
from tests.labs import wire_lab

Datalab = Callable[..., Ended]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> MemoryService:
    """The deployment that every command of the test talks to."""
    memory = MemoryService()

    def open_service(user: str) -> MemoryService:
        memory._user = user
        return memory

    monkeypatch.setattr("datalab_dagster.cli.deployment.open_service", open_service)
    monkeypatch.setenv("DATALAB_USER", memory.user)
    monkeypatch.setattr("datalab_dagster.cli.watch._POLL_SECONDS", 0.001)
    return memory


@pytest.fixture
def datalab(service: MemoryService, tmp_path: Path) -> Datalab:
    """Runs a command in `tmp_path`."""
    return lambda *arguments: datalab_here(*arguments, cwd=tmp_path)


@pytest.fixture
def lab_file(tmp_path: Path) -> Path:
    """The definition of a lab with identifiers and segments."""
    path = tmp_path / "LAB.json"
    path.write_text(json.dumps(wire_lab(requireSegments=True, name="Spring")))
    return path


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A directory with a file for each of its datasets."""
    (tmp_path / "identifiers.csv").write_text("u1,email,a@b.example\n")
    (tmp_path / "segments.csv").write_text("u1,s1\n")
    return tmp_path


@pytest.fixture
def lab(service: MemoryService, datalab: Datalab, lab_file: Path) -> LabInfo:
    """An empty lab."""
    ended = datalab("lab", "create", lab_file)
    assert ended.code == 0, ended.err
    return service.labs()[0]


@pytest.fixture
def full_lab(service: MemoryService, datalab: Datalab, lab: LabInfo, files: Path) -> LabInfo:
    """The lab, with both of its datasets, not validated."""
    ended = datalab("provision", lab.id, "--identifiers", "identifiers.csv", "--segments", "segments.csv")
    assert ended.code == 0, ended.err
    return service.lab(lab.id)
