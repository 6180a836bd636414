"""Preflight, report and dashboard say first of ten kinds of files what the page of a lab says: tests/browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from datalab.results.files import DASHBOARD, VALIDATION_STATUS
from tests.commands import datalab_here
from tests.ten_kinds import LAB, MADE, SENTENCES

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", SENTENCES)
def test_a_preflight_and_its_dashboard_name_dataset_and_cause(name: str, tmp_path: Path) -> None:
    (definition := tmp_path / "LAB.json").write_text(json.dumps(LAB), "utf-8")
    given: list[str | Path] = []
    for kind, content in MADE[name]().items():
        (file := tmp_path / f"{kind.value}.csv").write_bytes(content)
        given += [f"--{kind.value}", file]
    ended = datalab_here("preflight", definition, *given, "--out", tmp_path / "out")
    is_ready = SENTENCES[name].startswith("Ready, but ")
    assert ended.code == (0 if is_ready else 1), "the exit code is that of the status"
    status = json.loads((tmp_path / "out" / VALIDATION_STATUS.name).read_text("utf-8"))
    assert status["status"] == ("SUCCESS" if is_ready else "FAILED")
    said = SENTENCES[name].replace("Ready, but ", "the lab would be Ready. But ")
    assert said in ended.out
    assert SENTENCES[name] in (tmp_path / "out" / DASHBOARD.name).read_text("utf-8")
