"""The files of a lab in another project: in a directory and in an object store, plain and encrypted."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalab.deployment.addresses import REPORT, ROWS, SUMMARY, USERS, computed, result, validated
from datalab.deployment.project_place import NotMaterialised, ProjectPlace
from datalab.kinds import DatasetKind
from datalab.scratch import scratch_directory
from datalab.storage import Key
from datalab.storage.errors import EncryptedFileDamaged
from datalab.storage.objects import Objects

PLANTED = "planted-4711"
SEGMENTS = {DatasetKind.SEGMENTS: "2026-11-01"}
VALID = validated(DatasetKind.SEGMENTS, "2026-11-01", ROWS)


@pytest.fixture(params=["directory", "object store"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "labs") if request.param == "directory" else f"memory://{uuid.uuid4().hex}"


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    with scratch_directory(tmp_path / "scratch") as found:
        yield found


@pytest.fixture(params=[None, Key()], ids=["plain", "encrypted"])
def key(request: pytest.FixtureRequest) -> Key | None:
    found: Key | None = request.param
    return found


def rows_in(scratch: Path, *values: str) -> Path:
    path = scratch / "new.parquet"
    pq.write_table(pa.table({"user_id": list(values)}), path)
    return path


def test_what_is_written_is_read_by_a_later_run(storage: str, scratch: Path, key: Key | None, tmp_path: Path) -> None:
    place = ProjectPlace(storage, "crm", "2026-11-01", scratch, key)
    place.keep_rows(VALID, rows_in(scratch, "u1", PLANTED))
    place.write(VALID.beside(REPORT), f'"{PLANTED}"')
    place.write(VALID.beside(SUMMARY), "{}")
    place.keep_rows(computed(SEGMENTS, USERS), rows_in(scratch, PLANTED))
    place.write(result("any", "statistics.json"), "{}")
    assert place.verify(VALID).rows == 2
    with scratch_directory(tmp_path / "later") as later:
        again = ProjectPlace(storage, "crm", "2026-11-01", later, key)
        assert pq.read_table(again.open_rows(VALID))["user_id"].to_pylist() == ["u1", PLANTED]
        assert pq.read_table(again.open_rows(computed(SEGMENTS, USERS))).num_rows == 1
        assert again.read(VALID.beside(REPORT)) == f'"{PLANTED}"'.encode()
    stored = Objects(storage)
    report = "validation-report.json.encrypted" if key else "validation-report.json"
    names = [f"segments/{report}", "segments/rows.parquet", "users.parquet", "statistics.json"]
    found = {name: stored.get(f"crm/2026-11-01/{name}") for name in names}
    holding = {name for name, content in found.items() if content and PLANTED.encode() in content}
    assert None not in found.values()
    assert holding == (set() if key else {f"segments/{report}", "segments/rows.parquet", "users.parquet"})
    assert not list((tmp_path / "scratch").glob("*/*.encrypted"))


def test_rows_that_are_replaced_are_read_anew_in_the_same_run(storage: str, scratch: Path, key: Key | None) -> None:
    place = ProjectPlace(storage, "crm", None, scratch, key)
    users = computed(SEGMENTS, USERS)
    for values in (["u1"], ["u1", "u2"]):
        place.keep_rows(users, rows_in(scratch, *values))
        assert pq.read_metadata(place.open_rows(users)).num_rows == len(values)


def test_rows_without_a_summary_are_not_used(storage: str, scratch: Path, key: Key | None) -> None:
    place = ProjectPlace(storage, "crm", None, scratch, key)
    with pytest.raises(NotMaterialised, match=r"users\.parquet does not exist\. Materialise what is upstream"):
        place.open_rows(computed(SEGMENTS, USERS))
    place.keep_rows(VALID, rows_in(scratch, "u1"))
    with pytest.raises(NotMaterialised, match=r"segments/rows\.parquet"):
        place.open_rows(VALID)
    place.write(VALID.beside(SUMMARY), "{}")
    place.open_rows(VALID)
    place.keep_rows(VALID, rows_in(scratch, "u2"))
    with pytest.raises(NotMaterialised):
        place.read(VALID.beside(SUMMARY))


def test_a_file_of_another_partition_cannot_take_the_place_of_one(storage: str, scratch: Path, tmp_path: Path) -> None:
    key, users = Key(), computed(SEGMENTS, USERS)
    for day in ("2026-11-01", "2026-11-02"):
        place = ProjectPlace(storage, "crm", day, scratch, key)
        place.keep_rows(users, rows_in(scratch, day))
        place.write(VALID.beside(REPORT), day)
    stored = Objects(storage)
    for name in ("users.parquet", "segments/validation-report.json.encrypted"):
        stored.put(f"crm/2026-11-01/{name}", stored.get(f"crm/2026-11-02/{name}") or b"")
    with scratch_directory(tmp_path / "later") as later:
        place = ProjectPlace(storage, "crm", "2026-11-01", later, key)
        with pytest.raises(EncryptedFileDamaged):
            place.open_rows(users)
        with pytest.raises(EncryptedFileDamaged):
            place.read(VALID.beside(REPORT))


def test_damaged_rows_are_not_intact(storage: str, scratch: Path, key: Key | None) -> None:
    place, users = ProjectPlace(storage, "crm", None, scratch, key), computed(SEGMENTS, USERS)
    place.keep_rows(users, rows_in(scratch, "u1"))
    Objects(storage).put("crm/users.parquet", (Objects(storage).get("crm/users.parquet") or b"")[:-3])
    with pytest.raises(EncryptedFileDamaged):
        place.verify(users)
