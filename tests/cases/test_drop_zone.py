"""The case of a drop zone: all files of `drop/` appear at once; one dataset has the rows of all of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from datalab.kinds import DatasetKind
from datalab.lab import load_lab
from datalab.registry import Lab
from tests.cases.test_cases import CASES, HERE
from tests.living.conftest import ME, Living, living, server, url
from tests.living.test_drop_zones import Looker, looker

__all__ = ["living", "looker", "server", "url"]

ZONES = [name for name, case in CASES.items() if case["command"] == "drop zone"]


@pytest.mark.parametrize("name", ZONES)
def test_all_files_are_one_dataset(name: str, living: Living, looker: Looker, tmp_path: Path) -> None:
    case = CASES[name]
    assert "all" in case["drop_zone"]["accept"]
    kind = DatasetKind(case["dataset"])
    (zone := tmp_path / "zone").mkdir()
    settings = {"dropZones": [{"lab": "mine", "dataset": kind.value, "pattern": f"{zone}/{case['dataset_pattern']}"}]}
    living.deployment.home.mkdir(exist_ok=True)
    (living.deployment.home / "datalab.yaml").write_text(json.dumps(settings))
    definition = load_lab(HERE / name / "LAB.json").model_copy(update={"name": "mine"})
    lab: Lab = living.deployment.registry.labs.create(definition, by=ME)
    for one, file in case["files"].items():
        living.provision(lab, {DatasetKind(one): (HERE / name / file).read_text("utf-8")})
    for file in (HERE / name / "drop").iterdir():
        shutil.copy(file, zone)
    assert looker() == []
    (taken,) = looker()
    assert looker.take(taken) and looker() == []
    rows = sum(len(file.read_text("utf-8").splitlines()) for file in (HERE / name / "drop").iterdir())
    (request,) = living.tick()
    assert living.execute(request).success
    manifest_hash = living.deployment.registry.provisioning.datasets(lab.id)[kind]
    assert living.deployment.registry.datasets.get(manifest_hash).rows == rows
