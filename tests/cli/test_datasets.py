"""`datalab dataset`: what people see, and what the deployment was asked to do."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import fsspec
import pytest

from datalab_dagster.service import DatasetInfo, LabInfo
from tests.cli.conftest import Datalab
from tests.fakes import MemoryService


@pytest.fixture
def stored(service: MemoryService, datalab: Datalab, files: Path) -> DatasetInfo:
    ended = datalab("dataset", "upload", "segments.csv", "--name", "weekly", "--description", "week 47")
    assert (ended.code, ended.err) == (0, "")
    [found] = service.datasets()
    assert ended.out.startswith(found.manifest_hash)
    return found


def test_the_list_shows_a_hash_that_other_commands_accept(datalab: Datalab, stored: DatasetInfo) -> None:
    [row] = [line.split() for line in datalab("dataset", "list").out.splitlines() if "weekly" in line]
    assert stored.manifest_hash.startswith(row[0]) and len(row[0]) >= 8
    shown = datalab("dataset", "show", row[0]).out
    assert stored.manifest_hash in shown and "week 47" in shown and "me@publisher.example (Owner)" in shown
    assert [listed["manifestHash"] for listed in datalab("dataset", "list", "--json").json] == [stored.manifest_hash]


def test_an_empty_list_says_how_to_begin(datalab: Datalab) -> None:
    assert "datalab dataset upload" in datalab("dataset", "list").out


@pytest.mark.parametrize("text", ["0bad", "segments.csv", "0badcafe"])
def test_what_names_no_dataset(datalab: Datalab, stored: DatasetInfo, text: str) -> None:
    ended = datalab("dataset", "show", text)
    assert ended.code == 2 and text in ended.err


def test_an_ambiguous_beginning_is_refused(service: MemoryService, datalab: Datalab, stored: DatasetInfo) -> None:
    twin = stored.manifest_hash[:10] + "f" * 54
    service._datasets[twin] = stored.model_copy(update={"manifest_hash": twin})
    ended = datalab("dataset", "delete", stored.manifest_hash[:8], "--yes")
    assert ended.code == 2 and "2 datasets" in ended.err
    assert len(service.datasets()) == 2


def test_a_download_is_private_and_replaces_nothing(datalab: Datalab, stored: DatasetInfo, files: Path) -> None:
    ended = datalab("dataset", "download", stored.manifest_hash[:9], "copy.csv")
    assert ended.code == 0
    copy = files / "copy.csv"
    assert copy.read_text() == "u1,s1\n" and stat.S_IMODE(copy.stat().st_mode) == 0o600
    again = datalab("dataset", "download", stored.manifest_hash, "segments.csv")
    assert again.code == 2 and "was not changed" in again.err
    assert not [path for path in files.iterdir() if path.name.endswith(".part")]


def test_a_download_to_an_address_is_written_by_its_connector(datalab: Datalab, stored: DatasetInfo) -> None:
    ended = datalab("dataset", "download", stored.manifest_hash, "memory://copies/segments.csv")
    assert ended.code == 0
    assert fsspec.filesystem("memory").cat("/copies/segments.csv") == b"u1,s1\n"
    again = datalab("dataset", "download", stored.manifest_hash, "memory://copies/segments.csv")
    assert again.code == 2 and "already exists" in again.err


def test_a_download_without_access_leaves_no_file(datalab: Datalab, stored: DatasetInfo, files: Path) -> None:
    ended = datalab("dataset", "download", stored.manifest_hash, "copy.csv", "--user", "other@publisher.example")
    assert ended.code == 2 and "other@publisher.example may not use the key" in ended.err
    assert sorted(path.name for path in files.iterdir()) == ["identifiers.csv", "segments.csv"]
    shown = datalab("dataset", "show", stored.manifest_hash, "--user", "other@publisher.example")
    assert shown.code == 0 and "you may not use it" in shown.out


def test_deleting_what_is_provisioned_needs_force(service: MemoryService, datalab: Datalab, full_lab: LabInfo) -> None:
    used = full_lab.slots[1].manifest_hash
    refused = datalab("dataset", "delete", used, "--yes")
    assert refused.code == 2 and full_lab.id in refused.err
    assert datalab("dataset", "delete", used, "--yes", "--force").code == 0
    assert [slot.kind.value for slot in service.lab(full_lab.id).slots] == ["identifiers"]


def test_a_missing_file_is_a_wrong_call(service: MemoryService, datalab: Datalab) -> None:
    ended = datalab("dataset", "upload", "nowhere.csv")
    assert ended.code == 2 and "nowhere.csv" in ended.err and service.uploads == []


def test_an_interrupted_upload_says_that_it_can_go_on(
    service: MemoryService, datalab: Datalab, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(service, "upload_dataset", interrupted)
    ended = datalab("dataset", "upload", "segments.csv")
    assert ended.code == 130 and "resumes from there" in ended.err


def test_inspect_says_what_datasets_look_like_and_no_value(datalab: Datalab, tmp_path: Path) -> None:
    rows = "".join(f"usr{number // 3}x;{('sport', 'food', 'cars')[number % 3]}\n" for number in range(90))
    (tmp_path / "export.csv").write_text(rows)
    uploaded = datalab("dataset", "upload", "export.csv")
    assert "Looks like Segments: 2 columns, no header, UTF-8." in uploaded.out
    manifest_hash = uploaded.out.split()[0]
    for arguments in ([manifest_hash], ["--all"]):
        ended = datalab("dataset", "inspect", *arguments)
        assert ended.code == 0 and "Columns are separated by semicolons: write commas." in ended.out
        assert "usr" not in ended.out and "sport" not in ended.out
    told = json.loads(datalab("dataset", "inspect", manifest_hash, "--json").out)
    assert (told["facts"]["kind"], told["facts"]["separator"]) == ("segments", ";")
    assert "Looks like Segments" in datalab("dataset", "show", manifest_hash).out
    assert datalab("dataset", "inspect").code == datalab("dataset", "inspect", manifest_hash, "--all").code == 2
