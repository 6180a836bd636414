"""What stays of the computed files of labs when data are no longer needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from datalab.deployment.addresses import Datasets, computed, result
from datalab.deployment.errors import PathRefused
from datalab.deployment.lab_folders import LabFolders
from datalab.errors import InputMissing
from datalab.storage import Key
from datalab.storage.objects import Objects
from tests.unit.deployment.kept import DATASETS, LAB, SEGMENTS, Kept, keep_all


def test_only_what_is_wanted_stays(tmp_path: Path) -> None:
    key, scratch = Key(), tmp_path / "scratch"
    scratch.mkdir()
    folders = LabFolders(Objects(tmp_path), lambda _: key)
    place = folders.place(LAB, scratch)
    kept = Kept(tmp_path / "labs", lambda _: place, scratch)
    newer: Datasets = {**DATASETS, SEGMENTS: "c" * 64}
    keep_all(place, kept)
    for datasets in (DATASETS, newer):
        place.write(computed(datasets, "panel"), "{}")
    for run_id in ("run-1", "run-2"):
        place.write(result(run_id, "statistics.json"), "{}")

    folders.keep_only(LAB, [newer])
    place = folders.place(LAB, scratch)
    assert place.read(computed(newer, "panel")) == b"{}"
    with pytest.raises(InputMissing):
        place.read(computed(DATASETS, "panel"))
    assert not place.is_validated(SEGMENTS, DATASETS[SEGMENTS])
    folders.remove_result(LAB, "run-1")
    assert (place.result_names("run-1"), place.result_names("run-2")) == ([], ["statistics.json"])
    folders.remove_lab(LAB)
    assert kept.files() == []
    with pytest.raises(PathRefused):
        folders.remove_lab("../labs")
