"""Commands that store a content say that it is stored already, and where."""

from __future__ import annotations

from pathlib import Path

from datalab_dagster.service import LabInfo
from tests.cli.conftest import Datalab
from tests.fakes import MemoryService

SAID = "The same content is stored already: segments.csv, "


def test_upload(service: MemoryService, datalab: Datalab, files: Path) -> None:
    first = datalab("dataset", "upload", "segments.csv")
    assert first.code == 0 and "stored already" not in first.out
    [known] = service.datasets()
    second = datalab("dataset", "upload", "segments.csv", "--name", "again.csv")
    [new] = [one for one in service.datasets() if one.name == "again.csv"]
    assert f"{SAID}{known.manifest_hash}." in second.out
    advice = f"datalab dataset delete {new.manifest_hash[:12]}"
    assert f"To keep only that one: `{advice}`." in second.out
    third = datalab("dataset", "upload", "segments.csv", "--json")
    assert third.json["sameContent"] == [known.manifest_hash, new.manifest_hash]
    assert datalab(*advice.split()[1:], "--yes").code == 0
    assert known.manifest_hash in {one.manifest_hash for one in service.datasets()}


def test_provision(service: MemoryService, datalab: Datalab, full_lab: LabInfo) -> None:
    held = {slot.kind.value: slot.manifest_hash for slot in full_lab.slots}
    ended = datalab("provision", full_lab.id, "--segments", "segments.csv")
    assert ended.code == 0, ended.err
    assert f"{SAID}{held['segments']}." in ended.out
    assert "stored already" not in datalab("provision", full_lab.id, "--segments", held["segments"]).out


def test_repair_of_a_file(datalab: Datalab, tmp_path: Path) -> None:
    (tmp_path / "semicolons.csv").write_text("".join(f"usr{number}x;seg {number % 7}\n" for number in range(60)))
    repair = ("repair", "semicolons.csv", "--kind", "segments", "--store", "--yes")
    assert "stored already" not in datalab(*repair).out
    again = datalab(*repair)
    assert again.code == 0 and "The same content is stored already: semicolons.csv (repaired), " in again.out
