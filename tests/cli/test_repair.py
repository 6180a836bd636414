"""`datalab repair`: the proposal, the question, the copy, and what is refused."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Datalab
from tests.commands import datalab_here
from tests.fakes import MemoryService
from tests.labs import USER_ID, make_lab
from tests.recognised_files import text_of

USERS = [f"usr{number}x" for number in range(40)]
SEGMENTS = [[user, name] for user in USERS for name in ("sport", "food", "cars")]
SPOILED = text_of([["User ID", "Segment"], *SEGMENTS], ";")
CLEAN = text_of(SEGMENTS).encode()


def test_a_proposal_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(SPOILED)
    ended = datalab_here("repair", "export.csv", cwd=tmp_path)
    assert ended.code == 0 and "Looks like Segments" in ended.out and "Nothing was written." in ended.out
    assert "separator" in ended.out and "header" in ended.out and "100.0%" in ended.out
    assert [path.name for path in tmp_path.iterdir()] == ["export.csv"]


def test_a_copy_is_written_when_it_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(SPOILED)
    asked = datalab_here("repair", "export.csv", "--out", "good.csv", cwd=tmp_path)
    assert asked.code == 2 and "--step" in asked.err and not (tmp_path / "good.csv").exists()
    ended = datalab_here("repair", "export.csv", "--out", "good.csv", "--yes", "--json", cwd=tmp_path)
    assert ended.code == 0 and (tmp_path / "good.csv").read_text() == text_of(SEGMENTS)
    assert (tmp_path / "good.csv").stat().st_mode & 0o777 == 0o600
    told = ended.json
    assert [step["name"] for step in told["steps"]] == ["separator", "header"]
    assert told["before"] == {"rows": 121, "validRows": 0} and told["after"] == {"rows": 120, "validRows": 120}
    assert (tmp_path / "export.csv").read_text() == SPOILED
    clean = datalab_here("repair", "good.csv", "--out", "again.csv", "--yes", cwd=tmp_path)
    assert clean.code == 0 and "Nothing to repair" in clean.out and not (tmp_path / "again.csv").exists()


def test_chosen_steps_need_no_question(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(text_of([["User ID", "Segment"], *SEGMENTS]))
    ended = datalab_here("repair", "export.csv", "--step", "header", "--out", "good.csv", cwd=tmp_path)
    assert ended.code == 0 and "Valid now: 120 of 120 rows (100.0%)." in ended.out
    none = datalab_here("repair", "export.csv", "--step", "hash", "--out", "good.csv", cwd=tmp_path)
    assert none.code == 2 and "The steps of this file are: header." in none.err


def stored_export(datalab: Datalab, folder: Path, content: str = SPOILED) -> str:
    (folder / "export.csv").write_text(content)
    manifest_hash: str = datalab("dataset", "upload", "export.csv", "--json").json["manifestHash"]
    return manifest_hash


def test_a_stored_dataset_is_proposed_for_and_kept_as_a_new_one(
    datalab: Datalab, service: MemoryService, tmp_path: Path
) -> None:
    original = stored_export(datalab, tmp_path)
    proposed = datalab("repair", original[:9])
    assert (
        proposed.code == 0
        and "Separate the columns by commas" in proposed.out
        and "Nothing was written" in proposed.out
    )
    asked = datalab("repair", original, "--store")
    assert asked.code == 2 and "--step" in asked.err and len(service.datasets()) == 1
    ended = datalab("repair", original, "--store", "--yes", "--json")
    told = ended.json
    made = service.dataset(told["stored"])
    assert ended.code == 0 and told["manifestHash"] == original and (told["records"], told["written"]) == (121, 120)
    assert {step["name"]: step["rowsTouched"] for step in told["steps"]} == {"separator": 121, "header": 1}
    assert made.made_from == original and service.download_dataset(made.manifest_hash).read() == CLEAN
    assert service.download_dataset(original).read().decode() == SPOILED
    shown = datalab("dataset", "show", made.manifest_hash).out
    assert f"Made from    {original}" in shown and "Leave out the header: 1 row" in shown
    again = datalab("repair", made.manifest_hash, "--store", "--yes")
    assert again.code == 0 and "Nothing to repair" in again.out and len(service.datasets()) == 2


def test_a_stored_dataset_is_repaired_to_a_private_file(datalab: Datalab, tmp_path: Path) -> None:
    original = stored_export(datalab, tmp_path)
    ended = datalab("repair", original, "--step", "separator", "--out", "half.csv")
    assert ended.code == 0 and "export.csv is unchanged" in ended.out and "Valid now: 121 of 121 rows" in ended.out
    assert (tmp_path / "half.csv").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "half.csv").read_text().startswith("User ID,Segment\n")
    refused = datalab("repair", original, "--out", "other.csv", "--yes", "--user", "other@publisher.example")
    assert refused.code == 2 and "may not use the key" in refused.err and not (tmp_path / "other.csv").exists()
    assert datalab("repair", original, "--store", "--out", "x.csv").code == 2


def test_a_file_is_repaired_into_the_store(datalab: Datalab, service: MemoryService, tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(SPOILED)
    ended = datalab("repair", "export.csv", "--store", "--yes")
    [made] = service.datasets()
    assert ended.code == 0 and f"as {made.manifest_hash}" in ended.out and "120 of 120 rows" in ended.out
    assert (made.name, made.description) == ("export.csv (repaired)", "export.csv, repaired: separator, header")
    assert service.download_dataset(made.manifest_hash).read() == CLEAN
    assert (tmp_path / "export.csv").read_text() == SPOILED


def test_a_lab_of_the_deployment_says_what_is_hashed(datalab: Datalab, service: MemoryService, tmp_path: Path) -> None:
    hashes = {"idName": "hem", "idType": "HASHED_EMAIL", "isMatchingId": True}
    service.create_lab(make_lab(USER_ID, hashes, name="Hashed"))
    rows = [[user, "hem", f"{user}@x.example"] for user in USERS]
    original = stored_export(datalab, tmp_path, text_of(rows))
    assert "Nothing to repair" in datalab("repair", original).out
    with_lab = datalab("repair", original, "--lab", "Hashed")
    assert "Hash plain e-mail addresses" in with_lab.out and "usr" not in with_lab.out


def test_wrong_calls(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(text_of([[user, f"Name {user}"] for user in USERS]))
    unsure = datalab_here("repair", "export.csv", cwd=tmp_path)
    assert unsure.code == 2 and "--kind identifiers|segments" in unsure.err
    same = datalab_here("repair", "export.csv", "--kind", "segments", "--out", "export.csv", cwd=tmp_path)
    assert same.code == 2 and "another file" in same.err
    assert datalab_here("repair", "missing.csv", cwd=tmp_path).code == 2
